"""The sampling rate of all analysis."""

SR = 22050
"""In Hz; every signal is resampled to it before it is analysed."""
