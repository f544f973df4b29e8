"""Sample packs from strangers: taken in from an inbox, unpacked, and recorded as batches."""
