"""The sampling rate of all analysis."""

SR = 22050
"""In Hz. Every signal is resampled to this rate before it is analysed."""
