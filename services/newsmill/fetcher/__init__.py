"""Fetches the pages of entries, politely: a frontier of what is still to fetch."""
