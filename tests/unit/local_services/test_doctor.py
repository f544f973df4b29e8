from pathlib import Path

from config.settings import Settings
from samplemind_worker.local_services.doctor import diagnose
from samplemind_worker.submission.walk import AUDIO_SUFFIXES


def test_the_readers_list_all_names_that_a_scan_takes(tmp_path: Path):
    checks = {check.name: check for check in diagnose(Settings(home=tmp_path / "home"))}
    listed = [checks[name].detail.partition("; reads ")[2].split() for name in ("soundfile", "ffmpeg")]
    assert sorted(f".{name}" for names in listed for name in names) == sorted(AUDIO_SUFFIXES)
    assert [checks[name].state for name in ("soundfile", "ffmpeg")] == ["ok", "ok"]
