"""Takes a mix apart: drums, bass and the rest, or whatever a model of the user's own separates."""
