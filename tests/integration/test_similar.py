"""What sounds alike, in a real Chroma and record: filters lose nothing, and two recipes never mix."""

import json
import random
from pathlib import Path

import numpy as np
import pytest

from samplemind_worker.documents.facts import AnalysisFacts
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.dsp.embedding import EMBEDDING_SIZE, MEASURES, embed
from samplemind_worker.errors import ServiceUnavailableError, UsageError
from samplemind_worker.finding import aspects, entry, recipes, similar
from samplemind_worker.finding.filters import Filter
from samplemind_worker.finding.recipes import Sound
from samplemind_worker.finding.similar import Asked
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import places, results, vector_index
from samplemind_worker.store.places import Place
from samplemind_worker.store.vectors import Vectors
from samplemind_worker.upkeep import recipe, reindex
from tests.command import Cli
from tests.factories import analysis_facts, audio_facts, content_id

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("chroma")]

VERSION = VERSIONS["store"]
DONE = {**analysis_facts("").versions, "summarize": VERSIONS["summarize"], "store": VERSION}


def unit_vector(number: int, size: int = 16) -> list[float]:
    draw = random.Random(number)  # noqa: S311 -- no secret
    return [draw.gauss(0.0, 1.0) for _ in range(size)]


def record(rows: dict[str, AnalysisFacts]) -> None:
    """Record contents with a place and an entry each, as the pipeline leaves them."""
    places.save(Place("/library", f"{at:05}.wav".encode(), key, 1, 1, 1, settled=True) for at, key in enumerate(rows))
    results.save_analyses([(audio_facts(key), facts) for key, facts in rows.items()])
    entry.refresh(list(rows))


@pytest.fixture
def vectors(workspace: Workspace) -> Vectors:
    return workspace.vectors


@pytest.fixture
def library(vectors: Vectors) -> dict[str, AnalysisFacts]:
    """1,500 contents: every 100th is a snare, every 5th a kick."""
    rows = {
        content_id(number): analysis_facts(
            content_id(number),
            vector=unit_vector(number),
            versions=DONE,
            instrument="snare" if number % 100 == 0 else "kick" if number % 5 == 0 else "bass",
        )
        for number in range(1500)
    }
    record(rows)
    vectors.upsert({key: facts.vector or [] for key, facts in rows.items()})
    return rows


def by_comparing(library: dict[str, AnalysisFacts], query: list[float], instrument: str | None) -> list[str]:
    def cosine(vector: list[float]) -> float:
        return float(np.dot(query, vector) / np.linalg.norm(query) / np.linalg.norm(vector))

    passing = [key for key, facts in library.items() if instrument in {None, facts.instrument}]
    return sorted(passing, key=lambda key: -cosine(library[key].vector or []))


@pytest.mark.parametrize("instrument", [None, "kick", "snare"])
def test_as_many_as_wanted_are_found_and_the_nearest_first(
    vectors: Vectors, library: dict[str, AnalysisFacts], instrument: str | None
):
    query = unit_vector(9999)
    chosen = Filter() if instrument is None else Filter(instruments=(instrument,))

    hits = similar.nearest(vectors, Asked(query), chosen, limit=15)

    wanted = by_comparing(library, query, instrument)[:15]
    assert [hit.file_id for hit in hits][:3] == wanted[:3]
    assert len({hit.file_id for hit in hits} & {*wanted}) >= 14
    assert len(hits) == 15


def test_a_filter_that_the_nearest_do_not_pass_still_gives_all(vectors: Vectors, library: dict[str, AnalysisFacts]):
    """All snares are opposite to the query; Chroma would have to be asked for nearly everything."""
    snares = [key for key, facts in library.items() if facts.instrument == "snare"]
    away = {key: [-5.0 - at, *unit_vector(at, 15)] for at, key in enumerate(snares)}
    record({key: library[key].model_copy(update={"vector": vector}) for key, vector in away.items()})
    vectors.upsert(away)

    hits = similar.nearest(vectors, Asked([5.0, *[0.0] * 15]), Filter(instruments=("snare",)), limit=20)

    assert {hit.file_id for hit in hits} == {*snares}
    assert [hit.distance for hit in hits] == sorted(hit.distance for hit in hits)


def test_what_is_left_out_and_what_is_gone_is_not_found(vectors: Vectors, library: dict[str, AnalysisFacts]):
    first, second, third, *_ = by_comparing(library, unit_vector(0), None)
    assert places.end(places.of([second])[second]) == 1
    entry.refresh([second])

    for chosen in (Filter(), Filter(kinds=("loop",))):
        hits = similar.nearest(vectors, Asked(unit_vector(0), leave_out=frozenset({first})), chosen, limit=5)
        assert hits[0].file_id == third
        assert len(hits) == 5


def sound(number: int, version: int) -> AnalysisFacts:
    """The analysis of a sound with statistics, by a recipe."""
    statistics = np.random.default_rng(number).random(MEASURES).astype("<f2")
    return analysis_facts(
        content_id(number),
        vector=embed(statistics).tolist(),
        vector_version=version,
        sound_statistics=statistics.tobytes(),
        versions={**DONE, "store": version},
    )


def test_one_aspect_ranks_by_its_own_cosine(vectors: Vectors):
    rows = {content_id(number): sound(number, VERSION) for number in range(300)}
    record(rows)
    vectors.upsert({key: facts.vector or [] for key, facts in rows.items()})
    asked = rows[content_id(7)].vector or []
    query, scale = aspects.query_by(asked, "timbre")

    hits = similar.nearest(vectors, Asked(query, scale), Filter(), limit=5)

    alike = {key: aspects.alike(asked, facts.vector or [])["timbre"] or 0.0 for key, facts in rows.items()}
    best = sorted(alike.values(), reverse=True)[:5]
    assert [hit.similarity for hit in hits] == pytest.approx(best, abs=2e-3)
    assert hits[0].file_id == content_id(7)


def test_an_aspect_that_a_sound_does_not_have_is_said():
    vector = np.zeros(EMBEDDING_SIZE)
    for place in aspects.ASPECTS.values():
        vector[place][-1] = 1.0

    with pytest.raises(UsageError, match="no rhythm"):
        aspects.query_by(vector.tolist(), "rhythm")
    with pytest.raises(ServiceUnavailableError, match="older"):
        aspects.query_by([1.0, 2.0], "rhythm")


def asked_sound(facts: AnalysisFacts) -> Sound:
    return Sound("a.wav", audio_facts(facts.file_id), facts)


@pytest.fixture
def upgraded(vectors: Vectors) -> tuple[Vectors, dict[str, AnalysisFacts]]:
    """Vectors of the next recipe, and 1,200 contents that have one of the current recipe."""
    rows = {content_id(number): sound(number, VERSION) for number in range(1200)}
    record(rows)
    vectors.upsert({key: facts.vector or [] for key, facts in rows.items()})
    return vectors.of(VERSION + 1), rows


def test_older_vectors_answer_until_the_new_ones_are_made(upgraded: tuple[Vectors, dict[str, AnalysisFacts]]):
    new, rows = upgraded
    first = rows[content_id(0)]
    assert recipe.convert(new, seconds=0.0) == recipe.Converted(done=False, vectors=500)
    stored = results.load([*rows])
    converted = next(facts for _, facts in stored.values() if facts.vector_version == VERSION + 1)
    left = next(facts for _, facts in stored.values() if facts.vector_version == VERSION)

    for facts in (converted, left):
        choice = recipes.choose(new, asked_sound(facts))
        assert choice.vectors.version == VERSION
        assert choice.said == (
            "older vectors answer, as 500 of 1,200 files have one of the new recipe; "
            "`samplemind reindex` makes the others at once"
        )
        # The older collection still has all of them, those of the new recipe included.
        assert similar.nearest(choice.vectors, Asked(choice.vector), Filter(), limit=1)[0].file_id == facts.file_id
    assert reindex.compare(new).state == "complete"

    assert recipe.convert(new) == recipe.Converted(done=True, vectors=700)

    choice = recipes.choose(new, asked_sound(results.load([first.file_id])[first.file_id][1]))
    assert (choice.vectors.version, choice.said) == (VERSION + 1, "")
    assert new.ids() == rows.keys()
    assert new.of(VERSION).collections() == []
    assert vector_index.state(VERSION) is None
    assert reindex.compare(new).expected == 1200
    # A filter reads the new vectors from the entries.
    assert len(similar.nearest(new, Asked(choice.vector), Filter(kinds=("loop",)), limit=20)) == 20
    assert recipe.convert(new) == recipe.Converted(done=True, vectors=0)


def test_a_conversion_that_ended_before_chroma_had_the_vectors_goes_on(
    upgraded: tuple[Vectors, dict[str, AnalysisFacts]], workspace: Workspace
):
    new, rows = upgraded
    with (
        Vectors("http://127.0.0.1:9", database=workspace.settings.database, version=VERSION + 1) as unreachable,
        pytest.raises(ServiceUnavailableError),
    ):
        recipe.convert(unreachable)
    assert vector_index.with_vector(VERSION + 1) == 500

    assert recipe.convert(new) == recipe.Converted(done=True, vectors=1200)
    assert new.ids() == rows.keys()


def test_contents_without_statistics_must_be_submitted_again(vectors: Vectors):
    old = {content_id(number): unit_vector(number) for number in range(30)}
    versions = {**DONE, "store": 1}
    record({key: analysis_facts(key, vector=each, vector_version=1, versions=versions) for key, each in old.items()})
    vectors.of(1).upsert(old)

    assert recipe.convert(vectors) == recipe.Converted(done=True, vectors=0)
    known = results.load([content_id(3)])[content_id(3)][1]
    choice = recipes.choose(vectors, asked_sound(known))
    assert choice.vectors.version == 1
    assert "0 of 30 files have one of the new recipe; `samplemind submit` the library again" in choice.said
    with pytest.raises(UsageError, match="has nothing to be compared with: 0 of 30 files"):
        recipes.choose(vectors, asked_sound(sound(99, VERSION)))


def test_the_workers_make_new_vectors_by_themselves(upgraded: tuple[Vectors, dict[str, AnalysisFacts]]):
    new, rows = upgraded

    reindex.tend(new)

    assert new.ids() == rows.keys()


def test_statistics_that_the_engine_records_make_the_vector_again(workspace: Workspace, tmp_path: Path):
    from samplemind_worker.pipeline.analyze import analyze_file  # noqa: PLC0415 -- slow import
    from tests.factories import write_audio  # noqa: PLC0415 -- slow import

    y = np.random.default_rng(0).normal(size=22050).astype(np.float32) * np.linspace(0.5, 0.0, 22050, dtype=np.float32)
    _, analysis = analyze_file(write_audio(tmp_path / "hit.wav", y), workspace.settings)

    assert analysis.sound_statistics is not None
    again = embed(np.frombuffer(analysis.sound_statistics, dtype="<f2"))
    assert again.tolist() == pytest.approx(analysis.vector, abs=0.01)


def test_the_command_compares_by_aspects_and_explains(vectors: Vectors, cli: Cli):
    rows = {content_id(number): sound(number, VERSION) for number in range(40)}
    record(rows)
    vectors.upsert({key: facts.vector or [] for key, facts in rows.items()})
    first = content_id(3)

    plain = cli("similar", first, "--limit", "3", "--json")
    timbre = cli("similar", first, "--by", "timbre", "--limit", "3", "--json")
    explained = cli("similar", first, "--explain", "--limit", "3", "--json")
    copies = cli("similar", first, "--copies", "--limit", "1", "--json")
    table = cli("similar", first, "--explain", "--limit", "3")

    assert [code for code, _, _ in (plain, timbre, explained, copies, table)] == [0] * 5
    lines = [json.loads(line) for line in plain[1].splitlines()]
    assert len(lines) == 3
    assert first not in {line["file_id"] for line in lines}
    assert "aspects" not in lines[0]
    ranked = [json.loads(line)["similarity"] for line in timbre[1].splitlines()]
    assert ranked == sorted(ranked, reverse=True)
    [told, *_] = [json.loads(line) for line in explained[1].splitlines()]
    assert sorted(told["aspects"]) == ["envelope", "pitch", "rhythm", "timbre"]
    assert told["shares"] == ["loop", "120 BPM", "A minor"]
    assert json.loads(copies[1])["file_id"] == first
    assert "timbre" in table[1].splitlines()[0]
