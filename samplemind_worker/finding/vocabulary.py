"""The words that a sound may be searched by ("dark", "punchy", "short"), each defined by what is measured.

A word has one part or two: a measure, and whether more or less of it is meant. A part's degree is the share of the
sounds of the same instrument that lie on the other side (`reference`), and a word's degree is the mean of its parts,
if none of them is below one half. The word holds if its degree is above a threshold, which at most a third of the
recorded sounds of the instrument reach (`training/vocabulary.py`). Opposites mean the same measures the other way, so
they exclude each other. Words for much and for little treble exclude each other, too, whatever they measure: of those
that hold, the side of the strongest one is kept.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

from samplemind_worker import reference
from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts
from samplemind_worker.text import plural

_ONE_SHOT: Final = frozenset({"one_shot"})
_LONGER: Final = frozenset({"loop", "track"})
_ALL: Final = _ONE_SHOT | _LONGER
_HALF: Final = 0.5
_LEAST_STRENGTH: Final = 0.01
_SUGGESTIONS: Final = 3


@dataclass(frozen=True, slots=True)
class Part:
    """More or less of a measure; ``least`` and ``most`` are what there must and may be of it at all."""

    measure: str
    more: bool
    least: float | None = None
    most: float | None = None

    def allows(self, value: float) -> bool:
        """Tell whether there is neither too little nor too much of the measure."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    @property
    def turned(self) -> "Part":
        """The part of the opposite word."""
        return Part(self.measure, not self.more)


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the vocabulary, and what it means."""

    name: str
    parts: tuple[Part, ...]
    synonyms: tuple[str, ...] = ()
    opposite: str | None = None
    kinds: frozenset[str] = _ALL


def _word(name: str, parts: str, synonyms: str = "", kinds: frozenset[str] = _ALL) -> Word:
    """Read a definition: parts as ``+measure`` or ``-measure``, with ``>least`` or ``<most`` behind it."""
    found: list[Part] = []
    for part in parts.split():
        rest, _, most = part[1:].partition("<")
        measure, _, least = rest.partition(">")
        found.append(Part(measure, part[0] == "+", float(least) if least else None, float(most) if most else None))
    return Word(name, tuple(found), tuple(synonyms.split()), kinds=kinds)


def _pair(first: Word, opposite: str, synonyms: str = "", *, most: float | None = None) -> tuple[Word, Word]:
    """Return a word and its opposite, of whose measures there may be at most so much."""
    turned = tuple(replace(part.turned, most=most) for part in first.parts)
    return (
        Word(first.name, first.parts, first.synonyms, opposite, first.kinds),
        Word(opposite, turned, tuple(synonyms.split()), first.name, first.kinds),
    )


_DEFINED: Final = (
    *_pair(_word("bright", "+brightness_hz", "brilliant shiny glassy trebly toppy"), "dark", "gloomy shadowy"),
    *_pair(
        _word("warm", "+low_mid_share>0.05 -brightness_hz", "warmth cosy creamy"),
        "cold",
        "cool icy sterile clinical",
    ),
    *_pair(_word("airy", "+air_share>0.01", "air breathy sparkling sparkly shimmering hissy"), "muffled", "dull muted"),
    *_pair(
        _word("harsh", "+high_share>0.02 +noisiness_db", "aggressive piercing abrasive shrill edgy biting"),
        "mellow",
        "smooth silky sweet",
    ),
    *_pair(
        _word("snappy", "-attack_seconds +transient_db", "snap sharp crack cracking", _ONE_SHOT),
        "soft",
        "gentle delicate",
    ),
    _word("punchy", "+transient_db +crest_db", "punch hitting knocking knock slamming impact hard", _ONE_SHOT),
    _word("crisp", "-attack_seconds +attack_brightness_hz", "crispy", _ONE_SHOT),
    *_pair(
        _word("clicky", "+click>0.1", "click ticky pointed attacky", _ONE_SHOT),
        "round",
        "rounded bouncy",
    ),
    *_pair(
        _word("clean", "+crest_db -noisiness_db", "pure pristine polished hifi clear"),
        "gritty",
        "distorted distortion dirty saturated overdriven driven fuzzy crushed crunchy rough grit",
    ),
    *_pair(
        _word("dynamic", "+crest_db", "peaky uncompressed"),
        "squashed",
        "compressed limited flat slammed",
    ),
    _word("dusty", "-air_share +noisiness_db>-45", "dust lofi vinyl grainy old crackly tape worn"),
    *_pair(_word("noisy", "+noisiness_db -tonalness", "noise hiss"), "tonal", "pitched tuned melodic musical"),
    _word("metallic", "+sheen_db +brightness_hz>500", "metal clangy steely tinny"),
    *_pair(
        _word("boxy", "+low_mid_share>0.1", "boxed cardboard woody"),
        "hollow",
        "scooped",
    ),
    _word("nasal", "+mid_share>0.1", "honky middy mid forward telephone"),
    _word("deep", "+sub_share>0.1", "sub subby subbass lowend low bassy rumbling"),
    *_pair(
        _word("fat", "+weight_share>0.1 +decay_seconds", "thick phat full big huge massive heavy weighty beefy meaty"),
        "thin",
        "light small tiny lean weak",
    ),
    *_pair(
        _word("boomy", "+bottom_share>0.2 +decay_seconds", "boom booming resonant", _ONE_SHOT),
        "tight",
        "controlled",
    ),
    *_pair(
        _word("long", "+length_seconds", "lengthy extended ringing", _ONE_SHOT),
        "short",
        "brief quick stubby clipped staccato",
    ),
    *_pair(
        _word("sustained", "+sustain", "held drone droning continuous", _ONE_SHOT),
        "plucky",
        "pluck plucked percussive decaying stab",
    ),
    _word("swelling", "+attack_seconds>0.15 +sustain>0.8", "swell riser rising rise reverse reversed", _ONE_SHOT),
    *_pair(
        _word("roomy", "+roominess", "room reverberant reverb reverby wet ambient spacious distant echoey", _ONE_SHOT),
        "dry",
        "dead close upfront",
    ),
    *_pair(
        _word("dense", "+onsets_per_second>5", "busy complex packed hectic", _LONGER),
        "sparse",
        "minimal empty simple",
        most=1.5,
    ),
    *_pair(
        _word("wobbly", "+modulation_db", "wobble modulated tremolo pulsing fluttering moving", _ONE_SHOT),
        "steady",
        "even constant static stable",
    ),
    *_pair(_word("wide", "+width>0.01", "broad stereowide"), "narrow", "centered centred"),
)
TREBLE: Final = (frozenset({"bright", "cold", "airy", "harsh"}), frozenset({"dark", "warm", "muffled", "mellow"}))
"""Words for much and for little treble, by several measures."""
MONO, STEREO = Word("mono", (), ("monophonic",), "stereo"), Word("stereo", (), (), "mono")
"""These two are facts, not degrees: whether there are two channels that differ."""
WORDS: Final[Mapping[str, Word]] = {word.name: word for word in (*_DEFINED, MONO, STEREO)}
"""The vocabulary by its words."""


@lru_cache(maxsize=1)
def _canonical() -> dict[str, str]:
    """Return the word that each token stands for."""
    found = {synonym: word.name for word in WORDS.values() for synonym in word.synonyms}
    return found | {name: name for name in WORDS}


@lru_cache(maxsize=4096)
def lookup(token: str) -> str | None:
    """Return the word that a token stands for, as ``lo-fi`` does for ``dusty``; None if it is in no list."""
    return _canonical().get(re.sub(r"[^\w]|_", "", token.casefold()))


def suggest(token: str) -> list[str]:
    """Return up to three words or synonyms of the vocabulary that are spelt like a token, nearest first."""
    return get_close_matches(token.casefold()[:40], list(_canonical()), n=_SUGGESTIONS, cutoff=0.7)


def degree(word: Word, group: str, measures: Mapping[str, float]) -> float:
    """Return how far a word is true of a sound among those of a group, 0 to 1; 0 if it is not, or not measured."""
    total = 0.0
    for part in word.parts:
        value = measures.get(part.measure)
        if value is None or not part.allows(value):
            return 0.0
        share = reference.percentile(group, part.measure, value)
        if share is None:
            return 0.0
        share = share if part.more else 1.0 - share
        if share < _HALF:
            return 0.0
        total += share
    return total / len(word.parts) if word.parts else 0.0


@lru_cache(maxsize=256)
def _compared(instrument: str | None, kind: str | None) -> list[tuple[Word, str, float]]:
    """Return the words that may hold for a sound, each with the group it is compared with and its threshold there."""
    thresholds = reference.load()["words"]
    found: list[tuple[Word, str, float]] = []
    for word in _DEFINED:
        if kind in word.kinds:
            group = _group(word, instrument, kind)
            least = thresholds[word.name].get(group)
            if least is not None:
                found.append((word, group, least))
    return found


def words_of(audio: AudioFacts, analysis: AnalysisFacts) -> dict[str, float]:
    """Return the words that hold for a sound, and how strongly, above 0 up to 1, strongest first."""
    measures = reference.measures_of(audio, analysis)
    found: dict[str, float] = {}
    for word, group, least in _compared(analysis.instrument, analysis.kind):
        reached = degree(word, group, measures)
        if reached > least:
            found[word.name] = round(max((reached - least) / (1.0 - least), _LEAST_STRENGTH), 3)
    much, little = (max((found.get(name, 0.0) for name in side), default=0.0) for side in TREBLE)
    for name in TREBLE[1 if much >= little else 0]:
        found.pop(name, None)
    if measures:
        found[MONO.name if "width" not in measures and audio.channels <= 2 else STEREO.name] = 1.0  # noqa: PLR2004 -- left and right
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def explain(word: str, audio: AudioFacts, analysis: AnalysisFacts) -> str:
    """Say how far a word holds, and by which measures: ``dark: brightness 612 Hz, darker than 88 % of kicks``."""
    measures, meaning = reference.measures_of(audio, analysis), WORDS[word]
    if not meaning.parts:
        return f"{word}: {plural(audio.channels, 'channel')}" + (
            " that hold the same" if audio.channels == 2 and "width" not in measures else ""  # noqa: PLR2004 -- left and right
        )
    group = _group(meaning, analysis.instrument, analysis.kind)
    reasons = [reason for part in meaning.parts if (reason := _reason(part, group, measures))]
    return f"{word}: {'; '.join(reasons) or 'not measured'}"


def _reason(part: Part, group: str, measures: Mapping[str, float]) -> str | None:
    value = measures.get(part.measure)
    share = None if value is None else reference.percentile(group, part.measure, value)
    if value is None or share is None:
        return None
    measure = reference.MEASURES[part.measure]
    compared = reference.comparison(share, part.measure, more=part.more)
    return f"{measure.label} {measure.written(value)}, {compared} of {reference.noun(group)}"


@lru_cache(maxsize=4096)
def _group(word: Word, instrument: str | None, kind: str | None) -> str:
    """Return the group in which all measures of a word are known."""
    groups = {reference.group_of(instrument, kind, part.measure) for part in word.parts}
    if len(groups) == 1:
        return groups.pop()
    return kind if kind in groups else reference.EVERYTHING
