"""Finding things in the library: search, likeness, matches and duplicates."""
