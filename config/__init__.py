"""Settings, and the options derived from them; imports nothing of ours."""
