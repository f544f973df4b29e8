"""Text summaries of analysed samples."""
