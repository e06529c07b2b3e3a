"""Pure: the frontier, what to fetch when, and what an answer means."""
