"""Who writes about which file, what that may cost, and how it is filled in later."""
