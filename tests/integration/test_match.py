"""`match` on a real record: what fits a key and a tempo."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samplemind_worker.documents.entry import LibraryEntry
from samplemind_worker.finding import entry, match
from samplemind_worker.finding.filters import Filter
from samplemind_worker.finding.fitting import Key, Sound, Wanted, fit
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.pitches import PITCH_CLASSES, camelot
from samplemind_worker.store import mongo, places, results
from samplemind_worker.store.places import Place
from tests.command import Cli
from tests.factories import analysis_facts, audio_facts, content_id, write_audio

pytestmark = pytest.mark.services

A_MINOR: Key = (9, "minor")


def record(path: str, key: Key | None = None, **values: Any) -> str:
    """Record an analysed file below /library; returns its id."""
    file_id = content_id(path)
    tonal = {"key": None, "mode": None}
    if key is not None:
        tonal = {"key": PITCH_CLASSES[key[0]], "mode": key[1], "camelot": camelot(*key)}
    results.save_analyses([(audio_facts(file_id), analysis_facts(file_id, **{**tonal, **values}))])
    places.save([Place("/library", path.encode(), file_id, 1000, 1, 1, settled=True)])
    entry.refresh([file_id])
    return file_id


@pytest.fixture
def library(workspace: Workspace) -> dict[str, str]:
    """A library of seven sounds; file id by name."""
    del workspace
    return {
        "same": record("kit/same.wav", A_MINOR, tempo=174.0),
        "stretched": record("kit/stretched.wav", A_MINOR, tempo=170.0),
        "lower": record("kit/lower.wav", (7, "minor"), tempo=174.0),
        "relative": record("kit/relative.wav", (0, "major"), tempo=87.0),
        "drums": record("drums/break.wav", tempo=171.0, instrument="drum_loop"),
        "note": record("kit/bass.wav", kind="one_shot", tempo=None, pitch_midi=45, pitch_note="A2", instrument="bass"),
        "kick": record("drums/kick.wav", kind="one_shot", tempo=None, instrument="kick"),
    }


def listed(told: tuple[int, str, str]) -> list[dict[str, Any]]:
    code, out, err = told
    assert code == 0, err
    return [json.loads(line) for line in out.splitlines()]


def test_lists_what_fits_with_its_cost_and_recipe(library: dict[str, str], cli: Cli):
    found = listed(cli("match", "--key", "Am", "--bpm", "174", "--json"))

    assert [(each["filename"], each["recipe"]) for each in found] == [
        ("same.wav", "as it is"),
        ("stretched.wav", "170 -> 174"),
        ("bass.wav", "as it is"),
        ("break.wav", "repitch: 171 -> 174 is +0.30 semitones"),
        ("relative.wav", "as it is (half time)"),
        ("lower.wav", "pitch +2"),
    ]
    assert [each["cost"] for each in found] == [0.0, 0.2416, 0.25, 0.3704, 0.75, 2.0]
    assert found[1]["tempo_ratio"] == pytest.approx(174 / 170, abs=1e-6)
    assert found[4]["key_relation"] == "relative"
    assert found[0]["places"] == ["/library/kit/same.wav"]
    assert library["kick"] not in {each["file_id"] for each in found}


def test_table_names_what_to_do(library: dict[str, str], cli: Cli):
    del library

    code, out, err = cli("match", "--key", "8A", "--bpm", "174", "--limit", "2", "--instrument", "drum_loop")

    assert (code, err) == (0, "what fits A minor at 174 BPM\n")
    assert out.splitlines()[0].split() == ["cost", "what", "to", "do", "file", "tempo", "key", "instrument"]
    assert out.splitlines()[1].split()[:3] == ["0.37", "repitch:", "171"]
    assert len(out.splitlines()) == 2


def test_limits_and_filters_narrow_the_answer(library: dict[str, str], cli: Cli):
    del library

    def names(*options: str) -> list[str]:
        return [each["filename"] for each in listed(cli("match", "--key", "Am", "--bpm", "174", "--json", *options))]

    assert names("--shift", "0", "--stretch", "0") == ["same.wav", "bass.wav", "relative.wav"]
    assert names("--kind", "one_shot") == ["bass.wav"]
    assert names("--path", "/library/drums") == ["break.wav"]
    assert names("--limit", "1") == ["same.wav"]


def test_takes_key_and_tempo_of_a_file_of_the_library_and_leaves_it_out(library: dict[str, str], cli: Cli):
    found = listed(cli("match", library["same"], "--json"))

    assert [each["filename"] for each in found][:2] == ["stretched.wav", "bass.wav"]
    assert library["same"] not in {each["file_id"] for each in found}


def test_note_stands_for_both_keys_of_its_name(library: dict[str, str], cli: Cli):
    found = listed(cli("match", library["note"], "--json"))

    assert [(each["filename"], each["recipe"]) for each in found][:2] == [
        ("same.wav", "as it is"),
        ("stretched.wav", "as it is"),
    ]


def test_takes_key_and_tempo_of_a_file_outside(library: dict[str, str], cli: Cli, tmp_path: Path):
    time = np.arange(8 * 44100) / 44100
    chord = sum(np.sin(2 * np.pi * hz * time) for hz in (220.0, 261.63, 329.63, 440.0))
    pulse = np.exp(-20.0 * (time % 0.5))
    path = write_audio(tmp_path / "loop.wav", (0.2 * chord * pulse).astype(np.float32))

    code, out, err = cli("match", str(path), "--bpm", "174", "--json")

    assert code == 0, err
    assert json.loads(out.splitlines()[0])["file_id"] == library["same"]


@pytest.mark.parametrize(
    ("arguments", "ending"),
    [
        ((), (2, "nothing to be met")),
        (("--key", "H minor"), (2, "--key 'H minor' is no key")),
        (("--key", ""), (2, "no key")),
        (("--bpm", "fast"), (2, "--bpm")),
        (("--bpm", "0"), (2, "--bpm")),
        (("--bpm", "nan"), (2, "--bpm")),
        (("--bpm", "174", "--shift", "-1"), (2, "--shift")),
        (("--bpm", "174", "--stretch", "90"), (2, "--stretch")),
        (("gone.wav",), (2, "gone.wav is no file, no id of one, and no place that the library knows")),
        ((".",), (2, ". is a folder")),
        (("text.wav",), (1, "text.wav")),
        (("feedfeed",), (2, "no file 'feedfeed' in the library")),
    ],
)
def test_bad_input_ends_in_one_line(
    arguments: tuple[str, ...], ending: tuple[int, str], library: dict[str, str], cli: Cli, tmp_path: Path
):
    del library
    code, said = ending
    (tmp_path / "text.wav").write_text("no audio")

    told = cli("match", *arguments)

    assert told[0] == code
    assert told[1] == ""
    assert said in told[2]
    assert told[2].count("\n") == 1


def test_drum_hit_has_nothing_to_be_met(library: dict[str, str], cli: Cli):
    code, _, err = cli("match", library["kick"])

    assert code == 2
    assert "neither a tempo nor a key; give them with --bpm and --key" in err


def test_shows_the_place_that_passes_the_filters(library: dict[str, str], cli: Cli):
    places.save([Place("/library", b"zz/copy.wav", library["same"], 1000, 1, 1, settled=True)])
    entry.refresh([library["same"]])

    [found] = listed(cli("match", "--key", "Am", "--bpm", "174", "--path", "/library/zz", "--json"))

    assert (found["file_id"], found["path"]) == (library["same"], "/library/zz/copy.wav")


def test_says_that_the_library_is_empty(workspace: Workspace, cli: Cli):
    del workspace

    said = "the library has no analysed file; `samplemind submit FOLDER` adds some\n"
    assert cli("match", "--key", "Am") == (0, "", said)


def test_says_so_where_nothing_fits(library: dict[str, str], cli: Cli):
    del library

    assert cli("match", "--bpm", "300", "--json") == (
        0,
        "",
        "nothing in the library fits 300 BPM, as far as the options allow\n",
    )


@mongo.synchronous
async def _insert(rows: list[dict[str, Any]]) -> None:
    await LibraryEntry.get_pymongo_collection().insert_many(rows)


def test_search_in_steps_finds_what_comparing_all_finds(workspace: Workspace):
    del workspace
    dice = random.Random(3)  # noqa: S311 -- a test's own dice
    rows: list[dict[str, Any]] = []
    for number in range(4000):
        key = (dice.randrange(12), dice.choice(("major", "minor"))) if dice.random() < 0.6 else None
        one_shot = dice.random() < 0.4
        rows.append(
            {
                "_id": content_id(number),
                "kind": "one_shot" if one_shot else "loop",
                "tempo": None if one_shot or dice.random() < 0.1 else dice.uniform(60.0, 200.0),
                "camelot": None if key is None else camelot(*key),
                "pitch": dice.randrange(128) if one_shot and key is None and dice.random() < 0.8 else None,
                "tuning": dice.choice((0.0, dice.uniform(-50.0, 50.0))),
                "keys": key,
            }
        )
    _insert([{name: value for name, value in row.items() if name != "keys"} for row in rows])
    for wanted in (
        Wanted(tempo=128.0, keys=(A_MINOR,)),
        Wanted(tempo=90.0, keys=((3, "major"), (3, "minor")), shift=5, stretch=0.2),
        Wanted(tempo=150.0),
        Wanted(keys=(A_MINOR,), shift=0),
    ):
        sounds = {
            row["_id"]: Sound(row["kind"], row["tempo"], row["keys"], row["pitch"], row["tuning"]) for row in rows
        }
        costs = sorted(found.cost for sound in sounds.values() if (found := fit(sound, wanted)) is not None)

        found = match.find(wanted, Filter(), limit=150)

        assert [each.fit.cost for each in found] == costs[:150]
