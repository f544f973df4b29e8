"""The connection to a real MongoDB: documents are bound to it when they are first used."""

import subprocess
import sys

import pytest

from config.settings import Settings

pytestmark = pytest.mark.services

_PROGRAM = """
import sys
from samplemind_worker.store import mongo, unfinished
mongo.connect(sys.argv[1], database=sys.argv[2], create_indexes=False)
assert unfinished.batch_ids() == []
assert "beanie" not in sys.modules
from samplemind_worker.store import batches
job = batches.create(name="kit", paths=[], priority="bulk", files_per_chain=1, ai=False, force=False)
assert unfinished.batch_ids() == [job.id]
assert [each.name for each in batches.recent(1)] == ["kit"]
mongo.close()
mongo.connect(sys.argv[1], database=sys.argv[2])
assert batches.find(job.id).name == "kit"
mongo.close()
print("done")
"""


def test_documents_are_bound_when_the_first_query_needs_them(settings: Settings):
    assert settings.mongodb_url is not None
    url = settings.mongodb_url.get_secret_value()

    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, url, settings.database], capture_output=True, text=True, check=False
    )

    assert (done.stderr, done.stdout) == ("", "done\n")
