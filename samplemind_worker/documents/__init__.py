"""Beanie documents; no queries."""
