"""Readers of logs: what the operator asks, answered from the log stream alone."""
