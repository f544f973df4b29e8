"""Users: who they are, their passwords, and whether the server may be reached without any."""
