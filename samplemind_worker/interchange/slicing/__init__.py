"""Cuts a file into slices that together are the file again, to the sample."""
