"""Chooses the sounds of a kit from the library: by a description, by likeness to a sound, by style.

Each role gets a list of candidates with a score; one of the best is drawn, and better ones are drawn more often. The
draws depend on the seed and on the candidates alone, so the same library and seed give the same kit.
"""

import math
import os
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from config.settings import Settings
from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts
from samplemind_worker.errors import PermanentError, UsageError
from samplemind_worker.finding import vocabulary
from samplemind_worker.finding.filters import Filter
from samplemind_worker.finding.query import Query
from samplemind_worker.finding.search import search
from samplemind_worker.interchange.kits.kit import Kit, Pad
from samplemind_worker.interchange.kits.levels import Key, level, tune
from samplemind_worker.interchange.kits.roles import ROLES, Role
from samplemind_worker.store import library, places, results
from samplemind_worker.upkeep.places import look

Facts = tuple[AudioFacts, AnalysisFacts]
Nearest = Callable[[Filter, int], Mapping[str, float]]
"""Returns how alike, 0 to 1, the nearest contents that pass a filter are to the seed sound, and at most so many."""

_CANDIDATES: Final = 60
_WITHOUT_WORDS: Final = 200
"""Candidates where nothing is asked for, so that not only the newest sounds come into question."""
_DRAWN_FROM: Final = 8
_TEMPERATURE: Final = 0.12
"""By how much a score must be better to be drawn e times as often."""
_STYLE, _SURE, _COHERENT, _TOO_LONG = 0.5, 0.4, 0.4, 0.3
_SAME_PACK: Final = 0.5


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a kit is asked to be."""

    name: str
    seed: int = 0
    words: Query = field(default_factory=Query)
    """What its sounds should be, such as ``dusty``."""
    style: Query = field(default_factory=Query)
    """What is preferred, such as ``house``, but not demanded."""
    chosen: Filter = field(default_factory=Filter)
    """What every sound must pass."""
    nearest: Nearest | None = None
    given: tuple[Path, Facts] | None = None
    """A sound that plays its role, whatever the scores."""
    key: Key | None = None


@dataclass(frozen=True, slots=True)
class _Candidate:
    audio: AudioFacts
    analysis: AnalysisFacts
    score: float
    why: tuple[str, ...]
    words: frozenset[str]
    is_asked_for: bool


def choose(wanted: Wanted, settings: Settings) -> Kit:
    """Choose a kit.

    Raises
    ------
    UsageError
        If the library has no sound for any role.
    """
    picked: dict[str, tuple[Role, _Candidate, Path]] = {}
    missing: list[str] = []
    for instrument in dict.fromkeys(role.instrument for role in ROLES):
        roles = [role for role in ROLES if role.instrument == instrument]
        found = _of_instrument(instrument, roles, wanted, settings, list(picked.values()))
        # Low toms on low notes: by pitch where it is known, else by brightness.
        found.sort(key=lambda pair: _height(pair[0].analysis))
        for role, (candidate, path) in zip(roles, found, strict=False):
            picked[role.name] = (role, candidate, path)
        missing += [role.name for role in roles[len(found) :]]
    if not picked:
        raise UsageError(
            "no drum sound that passes lies in a folder of this machine; `samplemind submit FOLDER` adds some"
        )
    chosen = [picked[role.name] for role in ROLES if role.name in picked]
    gains = level([(role, candidate.audio) for role, candidate, _ in chosen])
    pads = [_pad(*each, gain, wanted.key) for each, gain in zip(chosen, gains, strict=True)]
    return Kit(wanted.name, wanted.seed, pads, missing)


def _pad(role: Role, candidate: _Candidate, path: Path, gain: float, key: Key | None) -> Pad:
    audio = candidate.audio
    return Pad(
        role=role,
        file_id=audio.file_id,
        source=path,
        frames=round(audio.duration * audio.sample_rate),
        rate=audio.sample_rate,
        subtype=audio.subtype,
        gain_db=gain,
        tune=tune(role, candidate.analysis, key),
        why=candidate.why,
        is_asked_for=candidate.is_asked_for,
    )


def _of_instrument(
    instrument: str,
    roles: Sequence[Role],
    wanted: Wanted,
    settings: Settings,
    before: Sequence[tuple[Role, _Candidate, Path]],
) -> list[tuple[_Candidate, Path]]:
    """Return one sound per role of an instrument, as far as the library has so many."""
    found: list[tuple[_Candidate, Path]] = []
    if wanted.given is not None and wanted.given[1][1].instrument == instrument:
        path, (audio, analysis) = wanted.given
        words = frozenset(vocabulary.words_of(audio, analysis))
        found.append((_Candidate(audio, analysis, 1.0, ("the sound itself",), words, is_asked_for=True), path))
    candidates = _candidates(instrument, roles[0], wanted, before)
    rest = [each for each in candidates if all(each.audio.file_id != one.audio.file_id for one, _ in found)]
    draw = random.Random(f"{wanted.seed}/{instrument}")  # noqa: S311 -- the same draws for the same seed, no secret
    while rest and len(found) < len(roles):
        candidate = _draw(rest, draw)
        rest.remove(candidate)
        path = _path_of(candidate.audio.file_id, wanted.chosen, settings)
        if path is not None:
            found.append((candidate, path))
    return found


def _candidates(
    instrument: str, role: Role, wanted: Wanted, before: Sequence[tuple[Role, _Candidate, Path]]
) -> list[_Candidate]:
    """Return the candidates for an instrument, best first."""
    chosen = wanted.chosen.model_copy(update={"kinds": ("one_shot",), "instruments": (instrument,)})
    fits = _fitting(wanted, chosen)
    asked = True
    if not fits and not wanted.words.is_empty:
        fits, asked = _found(Query(), chosen), False
    styled = {} if wanted.style.is_empty else _found(wanted.style, chosen)
    facts = results.load(sorted({*fits, *styled} if asked and wanted.words.is_empty else fits))
    found: list[_Candidate] = []
    for file_id, (audio, analysis) in sorted(facts.items()):
        match, why = fits.get(file_id, (0.0, ()))
        style, style_why = styled.get(file_id, (0.0, ()))
        words = frozenset(vocabulary.words_of(audio, analysis))
        score = match + _STYLE * style + _SURE * (analysis.instrument_confidence or 0.0)
        score += _COHERENT * _coherence(audio, words, [each for _, each, _ in before])
        score -= _TOO_LONG if audio.duration > role.longest else 0.0
        why = tuple(dict.fromkeys([*why, *style_why]))
        found.append(_Candidate(audio, analysis, score, why, words, is_asked_for=asked))
    return sorted(found, key=lambda each: (-each.score, each.audio.file_id))


def _fitting(wanted: Wanted, chosen: Filter) -> dict[str, tuple[float, tuple[str, ...]]]:
    """Return the sounds that the description or the seed sound asks for, with what they count and why."""
    if wanted.nearest is None:
        return _found(wanted.words, chosen)
    alike = wanted.nearest(chosen, _CANDIDATES)
    said = {file_id: (share, (f"alike {share:.2f}",)) for file_id, share in alike.items()}
    if wanted.words.is_empty:
        return said
    named = _found(wanted.words, chosen)
    return {
        file_id: (score + said.get(file_id, (0.0, ()))[0], (*why, *said.get(file_id, (0.0, ()))[1]))
        for file_id, (score, why) in named.items()
    }


def _found(words: Query, chosen: Filter) -> dict[str, tuple[float, tuple[str, ...]]]:
    hits = search(words, chosen, limit=_WITHOUT_WORDS if words.is_empty else _CANDIDATES).hits
    return {hit.entry["_id"]: (hit.score, hit.why) for hit in hits}


def _coherence(audio: AudioFacts, words: frozenset[str], before: Sequence[_Candidate]) -> float:
    """Return how well a sound goes with those that were chosen, 0 to 1: by what they sound like, and by their tags."""
    if not before:
        return 0.0
    shares: list[float] = []
    for each in before:
        both = len(words & each.words) / max(len(words | each.words), 1)
        tags = {*audio.tags} & {*each.audio.tags}
        shares.append(min(both + (_SAME_PACK if tags else 0.0), 1.0))
    return sum(shares) / len(shares)


def _draw(candidates: Sequence[_Candidate], draw: random.Random) -> _Candidate:
    """Draw one of the best candidates; the list begins with the best."""
    best = candidates[:_DRAWN_FROM]
    weights = [math.exp((each.score - best[0].score) / _TEMPERATURE) for each in best]
    return draw.choices(best, weights)[0]


def _path_of(file_id: str, chosen: Filter, settings: Settings) -> Path | None:
    """Return where a content lies on this machine, unchanged since it was analysed; None if nowhere."""
    for place in places.of([file_id]).get(file_id, ()):
        if not chosen.admits(place.shown):
            continue
        try:
            folder = library.folder_of(place.root, settings.roots)
        except PermanentError:
            continue
        full = os.path.join(os.fsencode(folder), place.path)  # noqa: PTH118 -- bytes: names need not be UTF-8
        if look(full, place) == "here":
            return Path(os.fsdecode(full))
    return None


def _height(analysis: AnalysisFacts) -> tuple[float, str]:
    """Return by what drums of one kind are ordered from low to high."""
    if analysis.pitch_midi is not None:
        return 440.0 * 2.0 ** ((analysis.pitch_midi - 69) / 12.0), analysis.file_id
    return analysis.character.get("brightness_hz") or 0.0, analysis.file_id
