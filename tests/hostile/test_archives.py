"""Hostile archives: refused with the reason, in bounds, and the inbox goes on with the next pack."""

import shutil
from dataclasses import dataclass
from typing import Any

import pytest

from tests import zips
from tests.hostile.conftest import Town
from tests.hostile.stage import ARCHIVE_BYTES, HostileCommand, Measured, is_clean, listing

GOOD = ("0 first", "m middle", "zz last")


@dataclass(frozen=True)
class Night:
    """A run over an inbox of hostile archives with good ones between them."""

    done: Measured
    outcomes: dict[str, dict[str, Any]]
    before: dict[str, tuple[int, ...]]


@pytest.fixture(scope="module")
def night(samplemind: HostileCommand, town: Town) -> Night:
    shutil.rmtree(town.inbox)
    for name, (make, _) in zips.HOSTILE.items():
        make(town.inbox / f"{name}.zip")
    zips.million_entries(town.inbox / "million entries.zip")
    zips.million_entries(town.inbox / "million entries that are said to be ten.zip", count=10)
    for seed, name in enumerate(GOOD):
        zips.good(town.inbox / f"{name}.zip", seed=40 + seed, files=1)
    before = town.neighbours()
    done = samplemind("ingest", town.inbox, "--wait", "--json")
    return Night(done, {outcome["pack"]: outcome for outcome in done.object["outcomes"]}, before)


def test_each_archive_is_refused_with_its_reason(night: Night):
    said = {name: night.outcomes[f"{name}.zip"] for name in zips.HOSTILE}
    wrong = {
        name: (one["status"], one["reason"])
        for name, one in said.items()
        if one["status"] != "refused" or zips.HOSTILE[name][1] not in one["reason"]
    }
    assert wrong == {}
    assert night.done.code == 1


@pytest.mark.parametrize("name", ["million entries.zip", "million entries that are said to be ten.zip"])
def test_a_million_entries_are_refused(night: Night, name: str):
    outcome = night.outcomes[name]
    assert outcome["status"] == "refused"
    assert "SAMPLEMIND_PACK_MAX_ENTRIES" in outcome["reason"] or "corrupt" in outcome["reason"]


def test_the_inbox_goes_on_with_the_next_pack(night: Night):
    taken = {pack for pack, outcome in night.outcomes.items() if outcome["status"] == "taken"}
    assert taken == {f"{name}.zip" for name in GOOD}
    assert (night.done.object["failed"], night.done.object["pending"]) == (0, 0)


def test_no_archive_takes_more_memory_than_it_may(night: Night):
    assert 30 * 2**20 < night.done.peak_bytes < ARCHIVE_BYTES


def test_nothing_is_written_but_the_good_packs(night: Night, town: Town):
    assert town.neighbours() == night.before
    files = {path for path in listing(town.home / "library") if path.endswith((".wav", ".zip", ".jpg", ".txt"))}
    expected = {str(town.home / "library" / "unknown" / name / "Kicks" / "kick 0.wav") for name in GOOD}
    # What other tests took in is in folders of its own.
    assert {path for path in files if any(f"/unknown/{name}/" in path for name in GOOD)} == expected
    assert not [path for path in files if "escaped" in path or any(f"/unknown/{name}" in path for name in zips.HOSTILE)]
    assert not [path for path in listing(town.home / "library") if "/." in path.removeprefix(str(town.home))]


def test_refused_archives_are_moved_and_explained(night: Night, town: Town):
    refused = {path.name for path in (town.inbox / "refused").iterdir()}
    names = [*(f"{name}.zip" for name in zips.HOSTILE), "million entries.zip"]
    assert refused >= {*names, *(f"{name}.reason.txt" for name in names)}
    assert all(is_clean(path.read_text()) for path in (town.inbox / "refused").glob("*.reason.txt"))
    assert night.outcomes.keys() >= set(names)


def test_output_is_clean(night: Night, samplemind: HostileCommand, town: Town):
    again = samplemind("ingest", town.inbox)
    report = (samplemind.home / "reports" / f"ingest-{night.done.object['run']}.txt").read_text()

    assert is_clean(night.done.out + night.done.err + again.out + again.err + report)
    assert "Traceback" not in night.done.err
