"""Keeps enriched articles in stores, idempotently."""
