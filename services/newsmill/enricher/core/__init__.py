"""Pure: annotators, from article to annotations."""
