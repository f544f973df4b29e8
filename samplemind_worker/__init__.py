"""The engine: steps, stores, analysis; importing the package loads nothing."""
