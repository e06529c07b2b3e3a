"""Discovers articles: polls feeds, remembers what it has seen, writes entries."""
