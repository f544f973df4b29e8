"""The pipeline's steps, each callable without Celery."""
