"""The embedded bus: one SQLite file, several processes."""
