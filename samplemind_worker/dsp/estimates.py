"""Draws the conclusions from the features, in an order in which later ones build on earlier ones."""

from dataclasses import replace

from samplemind_worker.dsp import key as key_module
from samplemind_worker.dsp import pitch as pitch_module
from samplemind_worker.dsp import pulse
from samplemind_worker.dsp.chord import SURE, estimate_chord, estimate_chords
from samplemind_worker.dsp.instrument import estimate_instrument
from samplemind_worker.dsp.key import estimate_key
from samplemind_worker.dsp.kind import SHORTEST_LOOP_SECONDS, estimate_kind, kind_row
from samplemind_worker.dsp.pitch import Heard, estimate_pitch, hear
from samplemind_worker.dsp.tempo import estimate_tempo
from samplemind_worker.dsp.types import Chord, Estimates, Features, KeyEstimate, PitchEstimate, TempoEstimate
from samplemind_worker.pitches import PITCH_CLASSES, camelot, chord_mode

_SURE_OF_A_DRUM = 0.5
"""Probability of a drum from which a one-shot has no chord: the partials of a tom or a cymbal may resemble one."""

_SURE_OF_A_NOTE = 0.9
"""Probability of a pitch from which a sound is a single note, of which the overtones resemble a key."""

_NO_TEMPO, _NO_KEY, _NO_PITCH = TempoEstimate(), KeyEstimate(), PitchEstimate()


def estimate(features: Features, *, duration: float, exact_length: bool = True, kind: str | None = None) -> Estimates:
    """Estimate tempo, key, kind, pitch and instrument.

    Parameters
    ----------
    features : Features
        Features of the signal, or of an excerpt of a long one.
    duration : float
        Duration of the whole file in seconds.
    exact_length : bool
        Whether the file begins and ends where the sound does, so that the length of a loop is evidence of its tempo.
    kind : str or None
        A kind that is given, which leaves ``kind_confidence`` None; by default the kind is estimated.

    Returns
    -------
    Estimates
        A field is None where its question has no answer, or none that is likely enough: a one-shot has no tempo, and a
        key only if it is a chord; a loop has no pitch, and silence has nothing.
    """
    tempo, key = _NO_TEMPO, _NO_KEY
    heard = hear(features)
    kind_confidence: float | None = None
    if features.peak > 0.0 and duration >= SHORTEST_LOOP_SECONDS:
        tempo = estimate_tempo(features, duration=duration, exact_length=exact_length)
        key = estimate_key(features)
        row = kind_row(features, heard, duration=duration, tempo=tempo, key=key)
        row = pulse.pulse_row(features, row, tempo=tempo, key=key)
        any_tempo, this_tempo = pulse.chances(row, tempo)
        if kind is None:
            kind, kind_confidence = estimate_kind(row, duration=duration, tempo=tempo, pulse=any_tempo)
            is_note = heard is not None and heard.pitched * heard.same >= _SURE_OF_A_NOTE
            if kind == "loop" and any_tempo < pulse.LEAST and (is_note or not _is_likely(key)):
                # What has neither tempo nor key is no loop, though it resembles one; a single note has no key. As two
                # networks disagree, half of it counts.
                kind, kind_confidence = "one_shot", 1.0 - 0.5 * kind_confidence
        tempo = _given(tempo.preferred or tempo, this_tempo) if any_tempo >= pulse.LEAST else _NO_TEMPO
    elif kind is None and features.peak > 0.0:
        kind, kind_confidence = "one_shot", 0.98
    if kind not in {"loop", "track"}:
        tempo, key = _NO_TEMPO, _NO_KEY
    instrument = estimate_instrument(features, kind=kind, kind_confidence=kind_confidence, key=key)
    pitch, chord = _NO_PITCH, None
    if kind == "one_shot" and instrument.drum >= _SURE_OF_A_DRUM:
        pitch = estimate_pitch(features, heard, tone=instrument.tone)
    elif kind == "one_shot":
        chord, key, pitch = _chord_or_note(features, heard, instrument.tone, key)
    chords = () if chord is not None or key.key is None else estimate_chords(features, tempo.beats)
    key, pitch = _likely(key, pitch)
    tuned = key.key is not None or chord is not None or pitch.midi is not None
    return Estimates(
        kind=kind,
        kind_confidence=kind_confidence,
        tempo=tempo.tempo,
        tempo_confidence=tempo.confidence,
        tempo_candidates=tempo.candidates,
        time_signature=tempo.time_signature,
        beats=tempo.beats,
        beats_in_loop=tempo.beats_in_loop,
        key=key.key,
        mode=key.mode,
        key_confidence=key.confidence,
        key_candidates=key.candidates,
        camelot=key.camelot,
        tuning_cents=features.tuning_cents if tuned else None,
        pitch_midi=pitch.midi,
        pitch_note=pitch.note,
        pitch_cents=pitch.cents,
        pitch_confidence=pitch.confidence,
        instrument=instrument.name,
        instrument_confidence=instrument.confidence,
        chord=chord,
        chords=chords,
    )


def _given(tempo: TempoEstimate, confidence: float) -> TempoEstimate:
    """Return a tempo with its confidence; no other candidate is likelier."""
    named = tuple(
        (bpm, confidence if k == 0 else min(score, confidence)) for k, (bpm, score) in enumerate(tempo.candidates)
    )
    return replace(tempo, confidence=confidence, candidates=named)


def _likely(key: KeyEstimate, pitch: PitchEstimate) -> tuple[KeyEstimate, PitchEstimate]:
    """Drop answers that are more likely wrong than right; the candidates of a key stay, for a name may decide."""
    if not _is_likely(key):
        key = KeyEstimate(candidates=key.candidates)
    if pitch.confidence is not None and pitch.confidence < pitch_module.LEAST:
        pitch = _NO_PITCH
    return key, pitch


def _is_likely(key: KeyEstimate) -> bool:
    return key.key is not None and (key.confidence is None or key.confidence >= key_module.LEAST)


def _chord_or_note(
    features: Features, heard: Heard | None, tone: float, key: KeyEstimate
) -> tuple[Chord | None, KeyEstimate, PitchEstimate]:
    """Decide whether a one-shot is a chord or a single note: a chord has a key, a note a pitch.

    ``tone`` is the probability of an instrument that plays notes. It tells a note from a drum, but not from a chord: it
    says nothing for a pitch where a chord is likelier, though not likely enough to be named.
    """
    chord = estimate_chord(features, single_note=0.0 if heard is None else heard.pitched * heard.same)
    if chord is None or chord.confidence < SURE:
        return None, key, estimate_pitch(features, heard, tone=tone if chord is None else min(tone, 0.5))
    mode = chord_mode(chord.quality)
    if mode is not None:
        key = KeyEstimate(
            key=PITCH_CLASSES[chord.root],
            mode=mode,
            confidence=chord.confidence,
            candidates=((PITCH_CLASSES[chord.root], mode, chord.confidence),),
            camelot=camelot(chord.root, mode),
        )
    return chord, key, _NO_PITCH
