"""Kits from a real record, by the command."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts
from samplemind_worker.finding import entry
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import places, results
from samplemind_worker.store.places import Place
from tests import chain
from tests.command import Cli
from tests.factories import analysis_facts, audio_facts, content_id, write_audio
from training import signals

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("workspace")]

ROLES = ["kick", "snare", "clap", "hat_closed", "hat_open", "tom", "crash"]


Recorded = tuple[tuple[AudioFacts, AnalysisFacts], Place]


def sound(path: Path, instrument: str, *, pitch: int | None = None, tags: tuple[str, ...] = ()) -> Recorded:
    """A real file, and what is recorded of one that is analysed."""
    key = content_id(str(path))
    write_audio(path, np.zeros(2205, np.float32))
    status = path.stat()
    audio = audio_facts(key, duration=0.05, tags=list(tags), filename=path.name, loudness_lufs=-12.0)
    facts = analysis_facts(
        key, kind="one_shot", instrument=instrument, instrument_confidence=0.9, tempo=None, key=None, pitch_midi=pitch
    )
    read = (key, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return (audio, facts), Place("/", bytes(path).lstrip(b"/"), *read, settled=True)


@pytest.fixture
def library(workspace: Workspace, tmp_path: Path) -> Path:
    assert workspace.settings.database
    folder = tmp_path / "library"
    sounds = [
        sound(folder / f"{instrument}_{number}.wav", instrument, pitch=40 + number if instrument == "tom" else None)
        for instrument in ROLES
        for number in range(5)
    ]
    sounds.append(sound(folder / "vinyl" / "dusty kick.wav", "kick", tags=("house",)))
    results.save_analyses([facts for facts, _ in sounds])
    places.save([place for _, place in sounds])
    entry.build()
    entry.refresh_marked()
    return folder


def made(cli: Cli, *options: str) -> dict[str, Any]:
    code, told, said = cli("kit", *options, "--json")
    assert code == 0, said
    return json.loads(told)


def paths_of(kit: dict[str, Any]) -> dict[str, str]:
    return {pad["role"]: Path(pad["path"]).name for pad in kit["pads"]}


@pytest.mark.usefixtures("library")
def test_a_kit_has_one_sound_per_role_and_the_same_for_the_same_seed(cli: Cli, tmp_path: Path):
    kits = [made(cli, "--seed", str(seed), "--dry-run") for seed in (0, 0, 1, 2, 3)]

    assert list(paths_of(kits[0])) == [
        "kick", "snare", "clap", "hat_closed", "hat_open", "tom_low", "tom_mid", "tom_high", "crash",
    ]  # fmt: skip
    assert kits[0]["missing"] == ["rim", "ride", "shaker", "cowbell", "perc"]
    assert all(name.startswith(role.split("_")[0]) or role == "kick" for role, name in paths_of(kits[0]).items())
    assert kits[0]["pads"] == kits[1]["pads"]
    assert len({str(paths_of(kit)) for kit in kits}) > 1
    toms = [paths_of(kits[0])[role] for role in ("tom_low", "tom_mid", "tom_high")]
    assert toms == sorted(toms)
    assert len(set(toms)) == 3
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["library"]


def test_a_kit_is_written_as_it_was_announced(cli: Cli, library: Path, tmp_path: Path):
    announced = made(cli, "--from", "dusty", "-o", "kit", "--dry-run")
    written = made(cli, "--from", "dusty", "-o", "kit", "--to", "sfz,hydrogen")

    assert written["pads"] == announced["pads"]
    assert paths_of(written)["kick"] == "dusty kick.wav"
    asked = {pad["role"]: pad["is_asked_for"] for pad in written["pads"]}
    assert (asked["kick"], asked["snare"]) == (True, False)
    assert (tmp_path / "kit" / "01_kick_dusty_kick.wav").read_bytes() == (library / "vinyl/dusty kick.wav").read_bytes()
    names = {path.suffix for path in (tmp_path / "kit").iterdir()}
    assert names == {".wav", ".sfz", ".h2drumkit", ".json"}


def test_a_style_is_preferred_but_not_demanded(cli: Cli, library: Path):
    kit = made(cli, "--style", "house", "--dry-run")

    assert paths_of(kit)["kick"] == "dusty kick.wav"
    assert len(kit["pads"]) == 9
    assert all(Path(pad["path"]).is_relative_to(library) for pad in kit["pads"])


def test_a_file_that_changed_since_it_was_analysed_is_not_taken(cli: Cli, library: Path):
    for path in library.glob("crash_*.wav"):
        path.write_bytes(b"something else")
    (library / "vinyl" / "dusty kick.wav").unlink()

    kit = made(cli, "--from", "dusty", "--dry-run")

    assert "crash" in kit["missing"]
    assert "kick" in kit["missing"]


def test_pitched_sounds_are_tuned_to_a_key(cli: Cli, library: Path):
    kit = made(cli, "--key", "C# major", "--dry-run", "--path", str(library))

    tuned = {pad["role"]: pad["tune"] for pad in kit["pads"] if pad["role"].startswith("tom")}
    notes = {role: int(paths_of(kit)[role][4]) + 40 + shift for role, shift in tuned.items()}
    assert {(note - 1) % 12 for note in notes.values()} <= {0, 2, 4, 5, 7, 9, 11}


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--to", "reason"], "is none of"),
        (["--key", "C"], "needs a mode"),
        (["--path", "/nowhere"], "no drum sound that passes"),
        (["-o", "library"], "is there already"),
        (["-o", "none/kit"], "no such folder"),
        (["--like", "none.wav"], "is no file"),
        (["--from", "..."], "holds no word"),
    ],
)
def test_wrong_usage_is_told_in_one_line(cli: Cli, options: list[str], told: str):
    code, out, said = cli("kit", *options)

    assert (code, out) == (2, "")
    assert told in said
    assert len(said.splitlines()) == 1


@pytest.mark.usefixtures("chroma")
def test_a_kit_goes_with_a_sound_which_plays_its_own_role(cli: Cli, workspace: Workspace, tmp_path: Path):
    folder = tmp_path / "library"
    for name, play in (("kick", signals.kick), ("snare", signals.snare), ("hat", signals.hat_closed)):
        for number in range(4):
            write_audio(folder / f"{name} {number}.wav", play(seed=number))
    assert chain.analyse(workspace, folder)["completed"] == 12
    seed = write_audio(tmp_path / "mine" / "my kick.wav", signals.kick(seed=99))

    kit = made(cli, "--like", str(seed), "--dry-run")

    pads = {pad["role"]: pad for pad in kit["pads"]}
    assert (pads["kick"]["path"], pads["kick"]["why"]) == (str(seed), ["the sound itself"])
    assert len(pads) > 1
    assert all(pad["why"][0].startswith("alike ") for role, pad in pads.items() if role != "kick")
    assert kit["name"] == "my kick kit 0"
