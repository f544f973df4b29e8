"""Some hundred damaged files; `make fuzz` has ten thousand."""

from pathlib import Path

from tests.hostile.fuzz import fuzz
from tests.hostile.stage import DECODE_BYTES, HostileCommand

COUNT = 400


def test_every_damaged_file_gets_an_answer_and_no_worker_dies(samplemind: HostileCommand, tmp_path: Path):
    result = fuzz(samplemind, tmp_path, count=COUNT, seed=1)

    assert result.faults == {}
    assert result.lost_workers == set()
    assert result.answers.total() == COUNT
    assert result.answers["analyzed"] > COUNT / 4 > COUNT / 20 < result.answers["unreadable"]
    assert 30 * 2**20 < result.peak_bytes < DECODE_BYTES
