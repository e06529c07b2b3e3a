"""Runs over history: lanes, and what they read."""
