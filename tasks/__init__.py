"""Celery's view of the steps; importing it registers nothing."""
