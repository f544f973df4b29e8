"""Prometheus metrics: what there is (`definitions`), how it is counted (`counting`), and how it is served (`endpoint`).

What happens is counted by the process in which it happens. What only the record knows is read from there by
`samplemind_worker.exporter`.
"""
