"""Brings files of the library into a pattern of folders: as links, as copies, or by moving them."""
