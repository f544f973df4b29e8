"""Writes the summary: one sentence each about kind, sound, place in a mix, loudness, and matching keys and tempi.

A sentence whose number was not measured is left out.
"""

from samplemind_worker.describer import theory
from samplemind_worker.describer.adjectives import brightness, dynamics, loudness, noisiness
from samplemind_worker.describer.balance import LOW_END_HZ
from samplemind_worker.describer.reading import DETUNED, LIKELY, PLAIN, Reading
from samplemind_worker.describer.traits import body_and_click, particulars, place
from samplemind_worker.describer.wording import (
    article,
    cents,
    choose,
    decibels,
    frequency,
    length,
    listed,
    number,
    sentence,
    tempo,
)
from samplemind_worker.pitches import PITCH_CLASSES, note_name
from samplemind_worker.text import plural

_IN_TUNE = 3.0  # cents; a smaller deviation is inaudible
_KINDS = {"one_shot": "one-shot", "loop": "loop", "track": "track", None: "sample"}


def summarize(r: Reading) -> str:
    """Return the summary, which is never empty."""
    if r.silent:
        return _silence(r)
    if r.sort == "series":
        return _series(r)
    return " ".join(text for text in (_identity(r), _harmony(r), _sound(r), _place(r), _level(r), _company(r)) if text)


def _silence(r: Reading) -> str:
    extent = "" if r.seconds is None else f", {length(r.seconds)} long"
    return f"Silence{extent}: no signal was found in the file."


def _series(r: Reading) -> str:
    """Say no more than what holds for all sounds of a file: what is measured is that of the loudest one, or a mean."""
    extent = "" if r.seconds is None else f", {length(r.seconds)} long"
    return f"A series of about {plural(r.hits, 'sound')} one after the other{extent}."


def hedge(confidence: float) -> str:
    """Prefix an answer with its certainty."""
    return "" if confidence >= PLAIN else "probably " if confidence >= LIKELY else "perhaps "


def _also(confidence: float) -> str:
    """Prefix a further answer with its certainty."""
    return " " if confidence >= PLAIN else ", likely " if confidence >= LIKELY else ", perhaps "


def noun(r: Reading) -> str:
    """Name it, without article: "snare one-shot", "808-style kick", "drum loop", "sample"."""
    kind = _KINDS[r.kind]
    if r.sort == "sub":
        return f"808-style {r.instrument_name} one-shot"
    if r.sort == "top_loop":
        return "top loop"
    if r.sort == "pad" and r.kind == "loop":
        return "pad loop"
    if r.sort == "pad" and r.instrument_name is None:
        return "sustained one-shot"
    if r.sure_instrument is None or r.instrument_name is None or r.sure_instrument == "song":
        return "pitched one-shot" if r.sure_midi is not None and r.instrument is None else kind
    return f"{r.instrument_name} {kind}"


def _identity(r: Reading) -> str:
    """Say what it is, how long, and where it sits in tempo and pitch."""
    named = noun(r)
    if r.kind is not None and r.kind_confidence < PLAIN:
        words = f"{hedge(r.kind_confidence)}{article(named)}"
    elif r.sure_instrument is not None and r.instrument_confidence < PLAIN:
        words = f"{hedge(r.instrument_confidence)}{article(named)}"
    else:
        words = article(named)
    if r.kind == "one_shot" and r.instrument_noun is not None and r.sure_instrument is None:
        words += f" (perhaps {article(r.instrument_noun)})"
    if r.tempo is not None:
        words += f"{_also(r.tempo_confidence)}at {number(r.tempo)} BPM"
    if r.midi is not None:
        words += f"{_also(r.pitch_confidence)}on {note_name(r.midi)}"
        if r.fundamental is not None:
            words += f" ({frequency(r.fundamental)})"
    elif r.chord is not None:
        words += f" of the chord {r.chord}"
    elif r.key is not None:
        words += f"{_also(r.key_confidence)}in {r.key.code}"
        if r.other_key is not None:
            words += f" or {r.other_key.code}"
    details = [text for text in (_extent(r), _tuning(r)) if text]
    return sentence(", ".join([words, *details]))


def _harmony(r: Reading) -> str | None:
    """Name the chords of a loop."""
    if len(r.progression) > 1:
        return f"Its chords are {listed(r.progression)}."
    return f"It stays on {r.progression[0]}." if r.progression else None


def _extent(r: Reading) -> str | None:
    """Say how long it is: a loop in beats and bars too, where length and tempo agree."""
    if r.seconds is None:
        return None
    if not r.on_the_beat or r.beats is None or r.sure_tempo is None:
        return f"{length(r.seconds)} long"
    if r.bars is not None and r.meter is not None:
        return f"{plural(r.bars, 'bar')} of {r.meter[0]}/{r.meter[1]} in {length(r.seconds)}"
    return f"{plural(int(r.beats), 'beat')} in {length(r.seconds)}"


def _tuning(r: Reading) -> str | None:
    if r.cents is None or abs(r.cents) < _IN_TUNE:
        return None
    return f"{cents(r.cents)} {'sharp' if r.cents > 0 else 'flat'}"


def _sound(r: Reading) -> str | None:
    """Say what character it has, and which numbers that follows from."""
    if r.kind == "one_shot":
        return particulars(r)
    words = [word for word in (brightness(r), noisiness(r)) if word]
    if not words:
        return None
    plain = " and " not in words[0] and "," not in words[0] and "with" not in words[0]
    character = (" and " if plain else ", ").join(words)
    if r.centroid is None:
        return sentence(f"it sounds {character}")
    center = frequency(r.centroid)
    if r.rolloff is None or r.rolloff <= r.centroid or r.fundamental is not None:
        return choose(
            r.centroid,
            f"It sounds {character}, with its spectrum centered on {center}.",
            f"{character[0].upper()}{character[1:]}: the center of its spectrum lies at {center}.",
            f"The sound is {character}, centered on {center}.",
        )
    most = frequency(r.rolloff)
    return choose(
        r.centroid,
        f"It sounds {character}: its spectrum centers on {center} and mostly lies below {most}.",
        f"{character[0].upper()}{character[1:]}, with the center of its spectrum at {center} and little above {most}.",
        f"The sound is {character}, centered on {center}, and most of it stays below {most}.",
    )


def _place(r: Reading) -> str | None:
    """Say which part of a mix it occupies."""
    if r.sort in {"melodic_loop", "pad", "track", "loop"} and r.kind != "one_shot":
        if r.balance is not None and r.balance.bassy:
            bass = "Its weight is in the low end" if r.sort == "track" else "It brings its own low end"
            return f"{bass}: the range below {frequency(LOW_END_HZ)} leads."
        if r.balance is not None and r.balance.bassless:
            return f"There is little below {frequency(LOW_END_HZ)}, which leaves the low end to a bass."
        return None
    if r.kind != "one_shot":
        return None
    return body_and_click(r) if r.sort in {"kick", "tom"} else place(r)


def _level(r: Reading) -> str | None:
    """Say how loud loops and tracks are; a single hit has a peak and no loudness worth a word."""
    if r.kind == "one_shot" or (r.lufs is None and r.peak is None):
        return None
    if r.lufs is None:
        return f"Its true peak is {decibels(r.peak or 0.0)} dBTP."
    named, movement = loudness(r), dynamics(r)
    text = f"{'It is ' + named + ' at' if named else 'It measures'} {decibels(r.lufs)} LUFS"
    if r.peak is None:
        return f"{text}."
    return f"{text} with a true peak of {decibels(r.peak)} dBTP{', ' + movement if movement else ''}."


def _company(r: Reading) -> str | None:
    """Say which keys and tempi it goes with."""
    if r.sure_midi is not None:
        return _company_of_note(
            r.sure_midi, in_tune=abs(r.cents or 0.0) < DETUNED, exact=r.sort not in {"kick", "tom", "snare", "perc"}
        )
    keys = None if r.sure_key is None else listed([key.code for key in r.sure_key.neighbours()])
    tempi = None if r.sure_tempo is None else [r.sure_tempo, *theory.octaves_of_tempo(r.sure_tempo)]
    fits = None if tempi is None else f"fits projects at {listed([tempo(bpm)[:-4] for bpm in tempi], 'or')} BPM"
    if keys is None:
        return None if fits is None else f"It {fits}."
    return f"It goes with {keys}{', and ' + fits if fits else ''}."


def _company_of_note(midi: int, *, in_tune: bool, exact: bool) -> str:
    """Name the keys that a note belongs to."""
    minor, major = theory.Key(midi % 12, "minor"), theory.Key(midi % 12, "major")
    fifth = minor.moved(5)
    name = PITCH_CLASSES[midi % 12]
    if exact:
        return (
            f"{'As it is' if in_tune else 'Once tuned'}, {name} is the root of {minor.code} and {major.code}, and the "
            f"fifth of {fifth.code}."
        )
    return f"It sits best in {minor.code}, {major.code}, or {fifth.code}, where {name} is the root or the fifth."
