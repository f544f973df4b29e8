"""Serves to Prometheus what only the stores know: ``samplemind exporter``. One per deployment is enough."""
