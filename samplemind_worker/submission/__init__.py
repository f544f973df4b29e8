"""A folder becomes a batch, and a batch becomes parcels."""
