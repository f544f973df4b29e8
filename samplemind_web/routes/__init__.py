"""The routes of the API: one module per family of resources, each with a ``router``."""
