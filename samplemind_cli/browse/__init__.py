"""The terminal browser: `samplemind browse`. It is loaded by that command alone."""
