"""The describer that needs no network: plain sentences that follow from the numbers.

The same numbers give the same words, and nothing is said that was not measured.
"""

from collections.abc import Callable, Sequence

from config.ai import AiTask
from samplemind_worker.providers import advice
from samplemind_worker.providers.base import Reply, Sample, Summary, always
from samplemind_worker.providers.reading import Reading, read
from samplemind_worker.providers.units import cents, decibels, frequency, length, number, plural
from samplemind_worker.usage import NOTHING_USED, Usage

NAME = "local"
_IN_TUNE = 3.0  # cents; nobody hears less


class LocalProvider:
    """Describes samples from their numbers alone."""

    name = NAME
    model = None
    prompt_version = "none"

    def estimate(self, task: AiTask, samples: Sequence[Sample]) -> Usage:  # noqa: ARG002 -- the protocol
        """Return nothing: no tokens are needed."""
        return NOTHING_USED

    def describe(
        self,
        task: AiTask,  # noqa: ARG002 -- the protocol
        samples: Sequence[Sample],
        *,
        may_repair: Callable[[], bool] = always,  # noqa: ARG002 -- the protocol
    ) -> Reply:
        """Return one summary a sample; never fails."""
        return Reply(tuple(_describe(read(sample)) for sample in samples), NOTHING_USED)

    def close(self) -> None:
        """Do nothing: there are no connections."""


def _describe(reading: Reading) -> Summary:
    sentences = (_identity(reading), _sound(reading), _level(reading))
    return Summary(
        summary=" ".join(sentence for sentence in sentences if sentence),
        production_tips=advice.production_tips(reading),
        creative_ideas=advice.creative_ideas(reading),
        fl_studio_recommendations=advice.fl_studio(reading),
        tags=_tags(reading),
        provider=NAME,
        model=None,
    )


def _identity(r: Reading) -> str:
    """Say what it is, how long, and where it sits in tempo and pitch."""
    if r.silent:
        return f"Silence, {length(r.seconds)} long." if r.seconds is not None else "Silence."
    parts = [_noun(r)]
    if r.tempo is not None:
        parts.append(f"{_hedge(r.tempo_sure)}at {number(r.tempo)} BPM")
    if r.midi is not None:
        parts.append(f"{_hedge(r.pitch_sure)}pitched at {r.note}")
    elif r.key is not None:
        parts.append(f"{_hedge(r.key_sure)}in {r.key.name}")
    subject = " ".join(parts)
    details = [text for text in (_extent(r), _tuning(r)) if text]
    return f"{subject[0].upper()}{subject[1:]}{''.join(f', {text}' for text in details)}."


def _noun(r: Reading) -> str:
    kind = {"one_shot": "one-shot", "loop": "loop", "track": "track", None: "sample"}[r.kind]
    if r.instrument_name is None or (r.kind == "track" and r.instrument == "song"):
        words = kind
    elif r.instrument_sure:
        words = f"{r.instrument_name} {kind}"
    else:
        words = f"{kind} (perhaps {r.instrument_name})"
    article = "an" if words[0] in "aeiou" and not words.startswith("one-shot") else "a"
    return f"{_hedge(r.kind_sure or r.kind is None)}{article} {words}"


def _hedge(sure: bool) -> str:  # noqa: FBT001 -- the one argument
    return "" if sure else "probably "


def _extent(r: Reading) -> str | None:
    """Say how long it is: a loop in beats and bars too, where length and tempo agree."""
    if r.seconds is None:
        return None
    if not r.on_the_beat or r.beats is None:
        return f"{length(r.seconds)} long"
    extent = plural(int(r.beats), "beat")
    if r.bars is not None and r.meter is not None:
        extent += f" ({plural(r.bars, 'bar')} of {r.meter[0]}/{r.meter[1]})"
    return f"{extent} in {length(r.seconds)}"


def _tuning(r: Reading) -> str | None:
    if r.cents is None or abs(r.cents) < _IN_TUNE:
        return None
    return f"tuned {cents(r.cents)} {'sharp' if r.cents > 0 else 'flat'}"


def _sound(r: Reading) -> str | None:
    words = [word for word in (r.brightness, r.noisiness) if word]
    if r.silent or not words:
        return None
    sentence = f"It sounds {' and '.join(words)}"
    if r.centroid is None:
        return f"{sentence}."
    sentence += f": its spectrum centres on {frequency(r.centroid)}"
    return f"{sentence} and mostly lies below {frequency(r.rolloff)}." if r.rolloff is not None else f"{sentence}."


def _level(r: Reading) -> str | None:
    if r.silent or (r.lufs is None and r.peak is None):
        return None
    if r.lufs is None:
        return f"Its true peak is {decibels(r.peak or 0.0)} dBTP."
    loudness = f"It is {r.loudness} at" if r.loudness else "It measures"
    sentence = f"{loudness} {decibels(r.lufs)} LUFS"
    if r.peak is None:
        return f"{sentence}."
    sentence += f" with a true peak of {decibels(r.peak)} dBTP"
    return f"{sentence}, {r.dynamics}." if r.dynamics else f"{sentence}."


def _tags(r: Reading) -> tuple[str, ...]:
    """Give short lower-case tags; guesses get none."""
    if r.silent:
        return ("silence",)
    found: list[str | None] = [
        r.kind.replace("_", "-") if r.kind and r.kind_sure else None,
        r.sure_instrument.replace("_", "-") if r.sure_instrument else None,
        "drums" if r.drums else None,
        f"{round(r.sure_tempo)}-bpm" if r.sure_tempo is not None else None,
        r.note.lower() if r.note and r.pitch_sure else None,
        r.sure_key.name.lower().replace(" ", "-") if r.sure_key and r.midi is None else None,
        r.brightness.replace(" ", "-") if r.brightness and r.brightness != "balanced" else None,
        r.noisiness.replace(" ", "-") if r.noisiness and r.noisiness != "slightly noisy" else None,
        r.loudness.replace(" ", "-") if r.loudness and r.loudness != "moderately loud" else None,
        r.dynamics.replace(" ", "-") if r.dynamics and r.dynamics != "moderately dynamic" else None,
    ]
    return tuple(dict.fromkeys(tag for tag in found if tag))
