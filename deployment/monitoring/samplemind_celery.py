"""Where celery-exporter finds the events of our workers: their exchange begins with the name of the database.

It is read by Celery's default loader (``CELERY_LOADER=default``, ``CELERY_CONFIG_MODULE=samplemind_celery``).
"""

event_exchange = "samplemind:celeryev"
event_queue_prefix = "samplemind:celeryev"
