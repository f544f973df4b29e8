"""The commands that talk to the record and the queue, against real services; no workers run here."""

import csv
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import redis

from config.settings import Settings, get_settings
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.store import batches, library, mongo, results
from samplemind_worker.store import places as store_places
from samplemind_worker.store.places import Place
from samplemind_worker.store.vectors import Vectors
from tests.command import Cli
from tests.factories import analysis_facts, audio_facts, content_id, write_audio
from training.signals import sine

pytestmark = pytest.mark.services


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    """Three audio files, one hidden, one of no audio type."""
    for index, name in enumerate(("a.wav", "b.wav", "=c.flac")):
        write_audio(tmp_path / "kit" / name, sine(220.0 + 40 * index, 0.2))
    (tmp_path / "kit" / ".hidden.wav").write_bytes(b"")
    (tmp_path / "kit" / "cover.png").write_bytes(b"")
    return tmp_path / "kit"


def submitted(cli: Cli, kit: Path, *options: str) -> str:
    code, out, err = cli("submit", str(kit), *options)
    assert code == 0, err
    return out.strip()


def open_record(settings: Settings) -> None:
    assert settings.mongodb_url is not None
    mongo.connect(settings.mongodb_url.get_secret_value(), database=settings.database)


def save_analysis(settings: Settings, *places: Path, seed: int = 1, **values: Any) -> str:
    """Record a content that lies at these places, as the steps would."""
    file_id = content_id(seed)
    open_record(settings)
    results.save_analyses([(audio_facts(file_id, filename=places[0].name), analysis_facts(file_id, **values))])
    mongo.close()
    record_places(settings, file_id, *places)
    return file_id


def record_places(settings: Settings, file_id: str, *places: Path) -> None:
    """Record where a content lies, as `decode` does."""
    open_record(settings)
    found = [library.locate(place, settings.roots) for place in places]
    stats = [place.stat() if place.exists() else None for place in places]
    values = [(1, 1, 1) if one is None else (one.st_size, one.st_mtime_ns, one.st_ctime_ns) for one in stats]
    store_places.save(
        Place(root, path, file_id, *stat, settled=True) for (root, path), stat in zip(found, values, strict=True)
    )
    mongo.close()


def end_items(settings: Settings, batch_id: str) -> None:
    """End a batch as its workers would: every pending item but the first fails, the first is analysed."""
    open_record(settings)
    items = list(batches.iterate(batch_id))
    waiting = [item for item in items if item.state in ("pending", "queued")]
    collection = mongo.database()["batch_items"]
    first = waiting[0]
    mongo.run(
        collection.update_one(
            {"_id": first.id}, {"$set": {"state": "completed", "file_id": content_id(1), "step": "store"}}
        )
    )
    error = {"code": "unreadable", "message": "-- not a \x1b[31mWAV"}
    mongo.run(
        collection.update_many(
            {"_id": {"$in": [item.id for item in waiting[1:]]}}, {"$set": {"state": "failed", "error": error}}
        )
    )
    assert batches.close_if_done(batch_id)
    mongo.close()


def test_submit_records_queues_and_prints_the_id(cli: Cli, kit: Path, settings: Settings):
    code, out, err = cli(
        "submit", str(kit), "--name", "drums", "--priority", "bulk", "--files-per-chain", "1", "--no-ai"
    )

    batch_id = out.strip()
    assert code == 0
    assert f"samplemind status {batch_id} --watch" in err
    open_record(settings)
    job = batches.find(batch_id)
    mongo.close()
    assert (job.name, job.priority, job.files_per_chain, job.ai, job.force) == ("drums", "bulk", 1, False, False)
    assert settings.redis_url is not None
    with redis.Redis.from_url(settings.redis_url.get_secret_value()) as queue:
        assert queue.llen(f"{settings.database}:cpu") == 3


def test_submit_json_is_the_batch(cli: Cli, kit: Path):
    code, out, _ = cli("submit", str(kit), "--json")

    report = json.loads(out)
    assert code == 0
    assert (report["status"], report["total_files"], report["skipped"], report["pending"]) == ("processing", 5, 2, 3)


def test_status_of_one_and_of_all(cli: Cli, kit: Path):
    first, second = submitted(cli, kit), submitted(cli, kit, "--name", "[bold]x\x1b")

    code, out, _ = cli("status", "--json")
    assert (code, [json.loads(line)["batch_id"] for line in out.splitlines()]) == (0, [second, first])
    code, out, _ = cli("status", "--json", first)
    assert (code, json.loads(out)["batch_id"]) == (0, first)
    code, out, _ = cli("status")
    assert code == 0
    assert [line.split()[:2] for line in out.splitlines()[1:]] == [[second, "[bold]x\\x1b"], [first, "kit"]]
    code, out, err = cli("status", first)
    assert (code, out.splitlines()[0].split()) == (0, ["batch", first])
    assert err.startswith("no worker gives a sign of life")


def test_a_batch_is_named_by_when_it_was_made(cli: Cli, kit: Path):
    code, out, err = cli("status", "last")
    assert (code, out, err) == (2, "", "samplemind: error: no batch yet; `samplemind submit FOLDER` makes one\n")
    first, second = submitted(cli, kit), submitted(cli, kit)

    def batch_of(name: str) -> str:
        code, out, err = cli("status", name, "--json")
        assert code == 0, err
        return json.loads(out)["batch_id"]

    assert [batch_of(name) for name in ("last", "last~0", "last~1", first[:-1])] == [second, second, first, first]
    code, out, err = cli("status", "last~2")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "there is no batch so far back" in err
    assert cli("cancel", "last~1") == (0, "", f"cancelled 3 files of batch {first}\n")
    assert cli("retry", "last~1") == (0, "", "no file of it has failed\n")
    assert len(cli("files", "last~1")[1].splitlines()) == 6
    assert len(cli("export", "last~1", "--format", "csv")[1].splitlines()) == 6
    assert cli("summarize", "last~1", "--provider", "local")[2] == "nothing to write\n"


def test_status_needs_the_record_alone(cli: Cli, kit: Path, monkeypatch: pytest.MonkeyPatch):
    batch_id = submitted(cli, kit)
    monkeypatch.setenv("SAMPLEMIND_REDIS_URL", "redis://127.0.0.1:9/0")
    get_settings.cache_clear()

    code, out, err = cli("status", batch_id, "--json")

    report = json.loads(out)
    assert (code, report["batch_id"]) == (0, batch_id)
    assert err.startswith("Redis does not answer: ")
    assert report["notes"] == err.splitlines()


def test_files_lists_states_and_filters(cli: Cli, kit: Path):
    batch_id = submitted(cli, kit)

    code, out, _ = cli("files", batch_id, "--json")
    items = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert {(Path(item["path"]).name, item["skip_reason"]) for item in items} == {
        ("a.wav", None),
        ("b.wav", None),
        ("=c.flac", None),
        (".hidden.wav", "hidden"),
        ("cover.png", "not_audio_type"),
    }
    assert {item["path"] for item in items} == {str(path) for path in kit.iterdir()}
    code, out, _ = cli("files", batch_id, "--state", "skipped")
    assert (code, len(out.splitlines())) == (0, 3)


def test_cancel_then_nothing_is_open(cli: Cli, kit: Path):
    batch_id = submitted(cli, kit)

    assert cli("cancel", batch_id) == (0, "", f"cancelled 3 files of batch {batch_id}\n")
    assert cli("cancel", batch_id) == (0, "", "nothing of it was still open\n")
    code, out, _ = cli("status", batch_id, "--json")
    report = json.loads(out)
    assert (code, report["status"], report["cancelled"], report["skipped"]) == (0, "cancelled", 3, 2)
    code, _, _ = cli("status", batch_id, "--watch")
    assert code == 0


def test_failed_files_give_exit_1_and_can_be_retried(cli: Cli, kit: Path, settings: Settings):
    save_analysis(settings, kit / "=c.flac")
    batch_id = submitted(cli, kit)
    end_items(settings, batch_id)

    code, out, _ = cli("status", batch_id, "--watch", "--json")
    assert (code, json.loads(out)["failed"], json.loads(out)["errors"]) == (1, 2, {"unreadable": 2})
    code, out, _ = cli("status", batch_id, "--watch")
    assert code == 1
    assert "unreadable  -- not a \\x1b[31mWAV" in out
    assert "\x1b" not in out
    assert cli("retry", batch_id) == (0, "", f"2 failed files of batch {batch_id} queued again\n")
    assert cli("retry", batch_id) == (0, "", "no file of it has failed\n")
    code, out, _ = cli("status", batch_id, "--json")
    assert (code, json.loads(out)["failed"], json.loads(out)["pending"]) == (0, 0, 2)


def test_show_by_id_prefix_and_path(cli: Cli, kit: Path, settings: Settings):
    file_id = save_analysis(settings, kit / "a.wav", kit / "b.wav")

    for name in (file_id, file_id[:6], str(kit / "a.wav"), "kit/b.wav"):
        code, out, _ = cli("show", name, "--json")
        report = json.loads(out)
        assert (code, report["file_id"], report["tempo"]) == (0, file_id, 120.0)
        assert sorted(report["places"]) == [str(kit / "a.wav"), str(kit / "b.wav")]
    code, out, _ = cli("show", file_id)
    assert (code, out.splitlines()[0]) == (0, "a.wav")
    assert "key          A minor, from the sound" in out.splitlines()
    code, out, _ = cli("show", file_id, "--all")
    assert (code, ["key", "A"] in [line.split() for line in out.splitlines()]) == (0, True)


@pytest.mark.usefixtures("kit")
def test_show_of_what_is_not_there(cli: Cli):
    for name, said in {
        "ffffff": "no file 'ffffff' in the library",
        "abc": "'abc' is neither a file nor the id of one (at least 6 hex digits)",
        "kit/a.wav": "kit/a.wav is not in the library; `samplemind submit kit/a.wav` adds it",
        "nope.wav": "nope.wav is no file, no id of one, and no place that the library knows",
        "n" * 5000: f"{'n' * 5000} is no file, no id of one, and no place that the library knows",
        "kit/cover.png": "kit/cover.png is not in the library, and by its name it is no audio file",
        "kit": "kit is a folder; name one file of it",
        "": "a file id or a path is needed, and this one is empty",
    }.items():
        assert cli("show", name) == (2, "", f"samplemind: error: {said}\n")


@pytest.mark.usefixtures("kit")
def test_similar_of_what_is_not_there_or_no_audio(cli: Cli, tmp_path: Path):
    (tmp_path / "text.wav").write_text("no audio")

    assert cli("similar", "nope.wav") == (
        2,
        "",
        "samplemind: error: nope.wav is no file, no id of one, and no place that the library knows\n",
    )
    assert cli("similar", "text.wav") == (
        1,
        "",
        "samplemind: error: not_audio: not an audio file of any known kind: text.wav\n",
    )
    assert cli("similar", "kit") == (2, "", "samplemind: error: kit is a folder; name one file of it\n")


def test_similar_of_a_recorded_file_that_failed_says_why(cli: Cli, kit: Path, settings: Settings):
    (kit / "text.wav").write_text("no audio")
    file_id = content_id(7)
    record_places(settings, file_id, kit / "text.wav")

    said = "samplemind: error: not_audio: not an audio file of any known kind: kit/text.wav\n"
    assert cli("similar", "kit/text.wav") == (1, "", said)


def test_show_of_a_file_that_failed(cli: Cli, kit: Path, settings: Settings):
    end_items(settings, submitted(cli, kit.parent))

    code, out, _ = cli("show", str(kit / "b.wav"), "--json")

    assert (code, json.loads(out)["status"], json.loads(out)["error"]["code"]) == (1, "rejected", "unreadable")


STORED = {**analysis_facts("").versions, "summarize": VERSIONS["summarize"], "store": VERSIONS["store"]}


def store_vectors(settings: Settings, vectors: dict[str, list[float]]) -> None:
    assert settings.chroma_url is not None
    open_record(settings)
    with Vectors(settings.chroma_url.get_secret_value(), database=settings.database, version=VERSIONS["store"]) as made:
        made.upsert(vectors)
    mongo.close()


def lose_vectors(settings: Settings, *ids: str) -> None:
    """Take some vectors out of Chroma, or its whole collection."""
    assert settings.chroma_url is not None
    open_record(settings)
    with Vectors(settings.chroma_url.get_secret_value(), database=settings.database, version=VERSIONS["store"]) as made:
        name = made.names.active
        made.chroma.remove(name, ids) if ids else made.chroma.drop(name)
    mongo.close()


@pytest.fixture
def stored(kit: Path, settings: Settings, request: pytest.FixtureRequest) -> list[str]:
    """Three contents that are analysed and stored; the first two sound alike."""
    request.getfixturevalue("chroma")
    places = [("a.wav", [1.0, 0.0]), ("b.wav", [0.9, 0.1]), ("=c.flac", [0.0, 1.0])]
    ids = [
        save_analysis(settings, kit / name, seed=seed, vector=vector, versions=STORED)
        for seed, (name, vector) in enumerate(places)
    ]
    store_vectors(settings, dict(zip(ids, (vector for _, vector in places), strict=True)))
    return ids


def test_similar_lists_the_nearest_but_not_itself(cli: Cli, kit: Path, stored: list[str]):
    code, out, err = cli("similar", "kit/a.wav", "--json")
    reports = [json.loads(line) for line in out.splitlines()]
    assert (code, err, [report["file_id"] for report in reports]) == (0, "", stored[1:])
    assert [report["distance"] for report in reports] == pytest.approx([0.0061, 1.0], abs=1e-3)
    code, out, _ = cli("similar", stored[0][:8], "--limit", "1")
    assert (code, out.splitlines()[1].split()[:2]) == (0, ["0.99", str(kit / "b.wav")])


def test_similar_without_vectors_is_no_empty_answer(cli: Cli, settings: Settings, stored: list[str]):
    lose_vectors(settings)

    said = "the index of vectors is missing in Chroma: none of 3 is there"
    mend = "`samplemind reindex` rebuilds it from the record"
    assert cli("similar", stored[0]) == (3, "", f"samplemind: error: {said}; {mend}\n")


def test_similar_with_too_few_vectors_says_that_some_are_missing(cli: Cli, settings: Settings, stored: list[str]):
    lose_vectors(settings, stored[2])

    code, out, err = cli("similar", stored[0], "--json")

    assert (code, [json.loads(line)["file_id"] for line in out.splitlines()]) == (3, stored[1:2])
    assert err == (
        "samplemind: error: the index of vectors in Chroma is incomplete: it has 2 of 3; "
        "`samplemind reindex` rebuilds it from the record\n"
    )


@pytest.mark.usefixtures("chroma")
def test_similar_in_an_empty_library_is_nothing(cli: Cli, kit: Path):
    said = "the library has no analysed file to compare with; `samplemind submit FOLDER` adds some\n"
    assert cli("similar", str(kit / "a.wav")) == (0, "", said)


def test_reindex_brings_the_vectors_back(cli: Cli, settings: Settings, stored: list[str]):
    lose_vectors(settings)

    code, out, err = cli("reindex", "--json")

    assert (code, json.loads(out)["vectors"]) == (0, 3)
    assert err.startswith("the index has 3 vectors and 3 entries again, after ")
    code, out, err = cli("similar", stored[0], "--json")
    assert (code, err, [json.loads(line)["file_id"] for line in out.splitlines()]) == (0, "", stored[1:])


@pytest.mark.usefixtures("chroma")
def test_reindex_of_an_empty_library_is_done(cli: Cli):
    code, out, _ = cli("reindex", "--json")

    assert (code, json.loads(out)["vectors"]) == (0, 0)


def test_reindex_and_similar_without_chroma_are_exit_3(cli: Cli, stored: list[str], monkeypatch: pytest.MonkeyPatch):
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("SAMPLEMIND_CHROMA_URL", f"http://127.0.0.1:{taken.getsockname()[1]}")

        for command in (("reindex",), ("similar", stored[0])):
            code, out, err = cli(*command)
            assert (code, out) == (3, "")
            assert err.startswith("samplemind: error: Chroma does not answer")
        assert cli("status")[0] == 0


def test_status_and_doctor_say_that_vectors_are_missing(cli: Cli, settings: Settings, stored: list[str]):
    assert cli("status")[2] == ""
    assert index_check(cli) == ("ok", "has 3 vectors, as the record", "")

    lose_vectors(settings, stored[0])

    said = "the index of vectors in Chroma is incomplete: it has 2 of 3"
    assert cli("status")[2] == f"{said}; `samplemind reindex` rebuilds it from the record\n"
    assert index_check(cli) == ("fail", said, "`samplemind reindex` rebuilds it from the record")


def index_check(cli: Cli) -> tuple[str, str, str]:
    checks = {check["name"]: check for check in json.loads(cli("doctor", "--json")[1])["checks"]}
    found = checks["vectors"]
    return found["state"], found["detail"], found["mend"]


def test_similar_of_a_silent_file_says_so(cli: Cli, kit: Path, settings: Settings):
    file_id = save_analysis(settings, kit / "a.wav", vector=None)

    code, out, err = cli("similar", file_id)

    assert (code, out) == (2, "")
    assert "is silent" in err


def test_export_of_a_batch_has_every_item(cli: Cli, kit: Path, settings: Settings, tmp_path: Path):
    save_analysis(settings, kit / "=c.flac")
    batch_id = submitted(cli, kit)
    end_items(settings, batch_id)

    code, out, _ = cli("export", batch_id, "--format", "json")
    reports = json.loads(out)
    assert (code, sorted(report["status"] for report in reports)) == (
        0,
        ["analyzed", "rejected", "rejected", "skipped", "skipped"],
    )
    assert cli("export", batch_id, "--format", "csv", "-o", str(tmp_path / "out.csv")) == (0, "", "")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text(), newline="")))
    assert sorted(row["path"] for row in rows) == sorted(str(path) for path in kit.iterdir())
    assert {row["error_message"] for row in rows if row["status"] == "rejected"} == {"'-- not a \x1b[31mWAV"}
    assert {float(row["loudness_lufs"]) for row in rows if row["status"] == "analyzed"} == {-14.2}


def test_export_of_the_library_has_every_place(cli: Cli, kit: Path, settings: Settings):
    save_analysis(settings, kit / "a.wav", kit / "b.wav")
    save_analysis(settings, kit / "=c.flac", seed=2)

    code, out, _ = cli("export", "--all", "--format", "json")

    assert (code, sorted(Path(report["path"]).name for report in json.loads(out))) == (0, ["=c.flac", "a.wav", "b.wav"])


def test_export_is_csv_in_the_order_of_the_paths(cli: Cli, kit: Path, settings: Settings, tmp_path: Path):
    for seed in range(8):
        save_analysis(settings, kit / f"{seed}.wav", kit / f"copy of {seed}.wav", seed=seed)

    code, out, _ = cli("export", "--all")
    paths = [row["path"] for row in csv.DictReader(io.StringIO(out))]
    assert (code, len(paths)) == (0, 16)
    assert paths == sorted(paths)
    assert cli("export", "--all", "-o", str(tmp_path / "out.json"))[0] == 0
    assert [report["path"] for report in json.loads((tmp_path / "out.json").read_text())] == paths


def test_export_to_parquet_has_the_vectors(cli: Cli, kit: Path, settings: Settings, tmp_path: Path):
    save_analysis(settings, kit / "a.wav", kit / "b.wav", tempo=120.00491)
    target = tmp_path / "library.parquet"

    assert cli("export", "--all", "-o", str(target)) == (0, "", "")

    rows = pq.read_table(target).to_pylist()
    assert [(Path(row["path"]).name, row["tempo"], row["vector"]) for row in rows] == [
        ("a.wav", 120.00491, [0.5, -1.0, 2.0]),
        ("b.wav", 120.00491, [0.5, -1.0, 2.0]),
    ]


def test_export_of_a_batch_to_parquet_has_every_item(cli: Cli, kit: Path, settings: Settings, tmp_path: Path):
    save_analysis(settings, kit / "=c.flac")
    batch_id = submitted(cli, kit)
    end_items(settings, batch_id)

    assert cli("export", batch_id, "--format", "parquet", "-o", str(tmp_path / "out")) == (0, "", "")

    table = pq.read_table(tmp_path / "out")
    assert sorted(table["status"].to_pylist()) == ["analyzed", "rejected", "rejected", "skipped", "skipped"]
    assert table["vector"].null_count == 4


@pytest.mark.usefixtures("cli")
def test_parquet_goes_to_standard_output_too(kit: Path, settings: Settings, tmp_path: Path):
    save_analysis(settings, kit / "a.wav")
    command = [sys.executable, "-m", "samplemind_cli", "export", "--all", "--format", "parquet"]

    with (tmp_path / "out").open("wb") as file:
        assert subprocess.run(command, stdout=file, check=False).returncode == 0
    piped = subprocess.run(command, stdout=subprocess.PIPE, check=True)

    assert pq.read_table(tmp_path / "out")["path"].to_pylist() == [str(kit / "a.wav")]
    assert pq.read_table(io.BytesIO(piped.stdout)).num_rows == 1


def test_parquet_names_what_is_missing_for_it(cli: Cli, monkeypatch: pytest.MonkeyPatch):
    for name in ("pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, name, None)

    code, out, err = cli("export", "--all", "--format", "parquet", "-o", "out.parquet")

    assert (code, out) == (3, "")
    assert "`make parquet` in the project's folder adds it" in err
    assert not Path("out.parquet").exists()


@pytest.mark.parametrize("suffix", ["csv", "json", "parquet"])
def test_export_into_a_missing_folder_is_wrong_usage(cli: Cli, tmp_path: Path, suffix: str):
    code, out, err = cli("export", "--all", "-o", f"no/out.{suffix}")

    assert (code, out) == (2, "")
    assert err == (
        f"samplemind: error: cannot write no/out.{suffix}: there is no folder {tmp_path}/no; make it, or name another "
        "file\n"
    )


def test_interrupting_the_wait_leaves_the_batch_running(cli: Cli, kit: Path, settings: Settings):
    assert settings.redis_url is not None
    queue = redis.Redis.from_url(settings.redis_url.get_secret_value())
    command = [sys.executable, "-m", "samplemind_cli", "submit", "--wait", str(kit)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        batch_id = process.stderr.readline().split()[-1]
        deadline = time.monotonic() + 20
        while not queue.llen(f"{settings.database}:cpu") and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)

    queue.close()
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-1] == f"the batch goes on; follow it with `samplemind status {batch_id} --watch`"
    assert json.loads(cli("status", batch_id, "--json")[1])["status"] == "processing"


def test_unknown_batch_is_exit_2(cli: Cli):
    for command in (["status"], ["files"], ["retry"], ["cancel"], ["export", "--format", "csv"]):
        code, out, err = cli(*command, "nope")
        assert (code, out, err) == (
            2,
            "",
            "samplemind: error: no batch 'nope'; `samplemind status` lists the recent ones\n",
        )


def test_names_that_are_no_utf8_survive(cli: Cli, tmp_path: Path):
    folder = tmp_path / "kit"
    write_audio(folder / "ascii.wav", sine(220.0, 0.2)).rename(folder / os.fsdecode(b"caf\xe9.wav"))
    batch_id = submitted(cli, folder)

    code, out, _ = cli("files", batch_id, "--json")

    assert (code, json.loads(out)["path"]) == (0, f"{folder}/caf\\xe9.wav")
