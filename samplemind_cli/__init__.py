"""The thin command-line client."""
