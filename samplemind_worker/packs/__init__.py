"""Takes in untrusted sample packs from an inbox, unpacks them, and records them as batches."""
