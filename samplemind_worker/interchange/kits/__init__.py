"""Drum kits: one sound per role, chosen from the library, levelled, tuned and written for samplers."""
