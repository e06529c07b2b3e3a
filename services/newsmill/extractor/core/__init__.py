"""Pure: ``extract`` turns the bytes of a page into an article."""
