"""The five steps of a parcel, what they share, and the analysis of one file without services."""
