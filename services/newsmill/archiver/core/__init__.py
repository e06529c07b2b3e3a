"""Pure: which row of a page and which page of an article is the newest."""
