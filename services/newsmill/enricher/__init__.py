"""Adds annotations to articles and drops re-fetches that changed nothing."""
