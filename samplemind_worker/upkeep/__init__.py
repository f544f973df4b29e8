"""Keeps the record and the vectors true: places that are gone, roots that moved, old batches, lost vectors."""
