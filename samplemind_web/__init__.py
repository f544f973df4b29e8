"""The HTTP API and the page: the library in a browser."""
