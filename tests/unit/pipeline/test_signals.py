"""The identity of an open file."""

import hashlib
from pathlib import Path

import pytest

from samplemind_worker.errors import EmptyFileError
from samplemind_worker.pipeline.signals import identify


def test_identify_is_the_sha256_of_the_bytes_and_rewinds(tmp_path: Path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"bytes" * 100_000)

    with path.open("rb") as file:
        assert identify(file) == hashlib.sha256(b"bytes" * 100_000).hexdigest()
        assert file.tell() == 0


def test_identify_refuses_an_empty_file(tmp_path: Path):
    (tmp_path / "empty.wav").touch()

    with (tmp_path / "empty.wav").open("rb") as file, pytest.raises(EmptyFileError, match="the file has no bytes"):
        identify(file)
