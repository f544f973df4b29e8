"""Traces of parcels by OpenTelemetry: what is traced (`spans`), and how it is sent (`sending`).

A parcel is one trace, from its dispatch through its five steps, on whatever machines and however often they are tried.
The ids of the trace and of its first span follow from the parcel's id, which every message holds anyway. So messages
are no longer than before, workers of an older release run in between unharmed, and a message that is delivered twice,
or restored from a lost Redis, belongs to the same trace.
"""
