"""The local describer: sentences from numbers, without a network."""
