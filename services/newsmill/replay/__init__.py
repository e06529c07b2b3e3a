"""Runs over history: their lanes, their manifests, and what two of them made of the same pages."""
