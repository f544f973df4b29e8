"""``--since`` and ``--until`` of commands about the whole library: by when a sound was analysed for the first time."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.settings import get_settings
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import mongo
from tests.chain import analyse
from tests.command import Cli
from tests.factories import write_audio
from training import signals

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("chroma")]

LONG_AGO = datetime(2020, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def library(workspace: Workspace, tmp_path: Path) -> Path:
    """A kick and its copy that were analysed in 2020, and a snare and its copy of today."""
    folder = tmp_path / "kit"
    write_audio(folder / "kick.wav", signals.kick(seed=1))
    shutil.copy(folder / "kick.wav", folder / "kick copy.wav")
    assert analyse(workspace, folder)["completed"] == 2
    mongo.run(mongo.collection("audio_files").update_many({}, {"$set": {"uploaded_at": LONG_AGO}}))
    write_audio(folder / "snare.wav", signals.snare(seed=1))
    shutil.copy(folder / "snare.wav", folder / "snare copy.wav")
    assert analyse(workspace, folder)["completed"] == 2
    return folder


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], ["kick copy.wav", "kick.wav", "snare copy.wav", "snare.wav"]),
        (["--since", "2h"], ["snare copy.wav", "snare.wav"]),
        (["--until", "2020-03"], ["kick copy.wav", "kick.wav"]),
        (["--since", "2020-01", "--until", "2020-02"], []),
    ],
)
def test_export_and_duplicates_keep_what_was_added_in_a_time(cli: Cli, options: list[str], expected: list[str]):
    code, out, _ = cli("export", "--all", "--format", "json", *options)
    assert (code, sorted(Path(each["path"]).name for each in json.loads(out))) == (0, expected)

    code, out, _ = cli("duplicates", "--json", *options)
    files = [Path(each["path"]).name for line in out.splitlines() for each in json.loads(line)["files"]]
    assert (code, sorted(files)) == (0, expected)


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "recorded 2 summaries"),
        (["--since", "2h"], "recorded 1 summary"),
        (["--until", "2020-03"], "recorded 1 summary"),
        (["--until", "2020-02"], "nothing to write"),
    ],
)
def test_summaries_are_written_for_what_was_added_in_a_time(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, options: list[str], said: str
):
    mongo.run(mongo.collection("analyses").update_many({}, {"$set": {"ai_wanted": True}}))
    monkeypatch.setenv("GEMINI_API_KEY", "key")
    get_settings.cache_clear()

    code, _, err = cli("summarize", "--missing", *options)

    assert (code, err.splitlines()[0].startswith(said)) == (0, True), err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("export", "last", "--since", "2h"), "--since and --until are for --all: a batch is exported whole"),
        (("summarize", "last", "--until", "2h"), "--since and --until are for --missing in the whole library"),
        (("summarize", "last", "--missing", "--since", "2h"), "--since and --until are for --missing in the whole"),
        (("export", "--all", "--since", "soon"), "--since 'soon'"),
        (("duplicates", "--since", "today", "--until", "2020-01"), ""),
    ],
)
def test_a_time_that_means_nothing_is_refused(cli: Cli, arguments: tuple[str, ...], said: str):
    code, out, err = cli(*arguments)

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"samplemind: error: {said}")
