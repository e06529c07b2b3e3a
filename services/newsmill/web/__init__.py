"""The polite, bounded, safe HTTP client that producer and fetcher share."""
