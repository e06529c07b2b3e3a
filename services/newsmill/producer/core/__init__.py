"""Pure: feed bytes to entries, what was seen, when to poll next."""
