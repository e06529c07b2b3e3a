"""Turns pages into articles: the hot path."""
