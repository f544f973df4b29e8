"""Slices one file, from what the user asks for to what is written."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from config.settings import Settings
from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts
from samplemind_worker.errors import NotWrittenError, UnsupportedError, UsageError
from samplemind_worker.interchange import journal, samples
from samplemind_worker.interchange.reports import CutReport
from samplemind_worker.interchange.riff import Riff
from samplemind_worker.interchange.samples import Samples
from samplemind_worker.interchange.slicing import cues, files, points, seam
from samplemind_worker.interchange.slicing.points import Grid
from samplemind_worker.pipeline.analyze import analyze_file

Facts = tuple[AudioFacts, AnalysisFacts]

_BEATS: Final = 4
"""Beats of a bar where the analysis does not say."""


@dataclass(frozen=True, slots=True)
class How:
    """Where a file is cut: every so many beats or bars, into so many parts, or else at onsets."""

    sensitivity: float = 0.5
    beats: float | None = None
    bars: int | None = None
    parts: int | None = None
    bpm: float | None = None
    loop: bool = False
    """Whether loop points are wanted, too."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The slices of a file."""

    cuts: Sequence[int]
    """The first frame of each."""
    frames: int
    rate: int
    """Hz."""
    tempo: float | None = None
    """BPM, where a grid was used."""
    names: Sequence[str] = ()
    """The files, where there are any."""
    loop: tuple[int, int] | None = None
    """The first and the last frame of the loop."""
    run: str | None = None
    """The id by which a change of the file is taken back; None if nothing was changed."""

    def slices(self) -> Iterator[tuple[float, float, str | None]]:
        """Yield start and end in seconds, and the file of each slice."""
        ends = [*self.cuts[1:], self.frames]
        for number, (start, end) in enumerate(zip(self.cuts, ends, strict=True)):
            yield start / self.rate, end / self.rate, self.names[number] if self.names else None

    def report(self) -> CutReport:
        """Return the slices as a JSON object."""
        ends = [*self.cuts[1:], self.frames]
        return {
            "sample_rate": self.rate,
            "tempo": self.tempo,
            "loop": None if self.loop is None else list(self.loop),
            "undo": self.run,
            "slices": [
                {"start": start, "end": end, "file": self.names[number] if self.names else None}
                for number, (start, end) in enumerate(zip(self.cuts, ends, strict=True))
            ],
        }


def to_files(file: Path, how: How, target: Path, pattern: str, settings: Settings, *, dry_run: bool) -> Cut:
    """Write the slices of a file as files of a new folder.

    Raises
    ------
    UsageError
        If the file cannot be cut so, or the folder is there already.
    PermanentError
        If it cannot be decoded.
    OSError
        If something cannot be written.
    """
    with samples.read(file, settings) as sound:
        cut, facts = _cut(file, sound, how, settings)
        slices = files.plan(cut.cuts, sound, file, pattern)
        if not dry_run:
            # A WAV file's texts are copied with its chunks.
            audio = None if file.suffix.lower() == ".wav" else (facts or analyze_file(file, settings))[0]
            texts = {} if audio is None else _texts(audio)
            files.write(slices, sound, file, target, settings, texts=texts)
    return Cut(cut.cuts, cut.frames, cut.rate, cut.tempo, [each.name for each in slices])


def to_cues(file: Path, how: How, settings: Settings, *, dry_run: bool) -> Cut:
    """Save the slices of a WAV file as its cue points.

    Raises
    ------
    UsageError
        If the file cannot be cut so, or another run changes files now.
    PermanentError
        If it cannot be decoded, or is left as it is because of what it holds.
    SetupError
        If the disk is full.
    """
    with _refusals(file):
        with samples.open_source(file, settings) as opened:
            riff = Riff.of(opened.fileno())
            if riff is None:
                raise UnsupportedError(f"cue points are saved in WAV files alone: {file}; --to files takes any format")
            frames = riff.frames()[0]
        with samples.read(file, settings) as sound:
            if frames and frames != len(sound.y):
                raise NotWrittenError("its header and its samples differ in length")
            cut, facts = _cut(file, sound, how, settings)
            loop = _loop(sound, facts) if how.loop else None
        run_id = None
        if not dry_run:
            with journal.begin(settings.home, command=f"slice {file}") as run:
                if cues.write_cues(run, file, cut.cuts, loop):
                    run_id = run.id
    return Cut(cut.cuts, cut.frames, cut.rate, cut.tempo, (), loop, run_id)


@contextmanager
def _refusals(file: Path) -> Generator[None]:
    """Name the file in what is said of it."""
    try:
        yield
    except NotWrittenError as error:
        raise UnsupportedError(f"{error}: {file}") from error


def _cut(file: Path, sound: Samples, how: How, settings: Settings) -> tuple[Cut, Facts | None]:
    facts = None
    tempo = how.bpm
    on_grid = how.beats is not None or how.bars is not None
    if how.loop or (on_grid and (how.bpm is None or how.bars is not None)):
        facts = analyze_file(file, settings)
        tempo = how.bpm or facts[1].tempo
    if how.parts is not None:
        cuts = points.in_parts(sound.y, sound.rate, how.parts)
    elif on_grid:
        if not tempo:
            raise UsageError(f"{file} has no tempo that is known; name it with --bpm")
        beats = _beats_per_bar(facts) * how.bars if how.bars is not None else how.beats or 1.0
        cuts = points.on_grid(sound.y, sound.rate, Grid(60.0 / tempo * beats, _first_beat(facts, how)))
    else:
        cuts = points.at_onsets(sound.y, sound.rate, sensitivity=how.sensitivity)
    return Cut(cuts, len(sound.y), sound.rate, tempo if on_grid else None), facts


def _texts(audio: AudioFacts) -> dict[str, str]:
    """Return what the tags of a file say, by the names that `samples.write` knows."""
    found: dict[str, str] = {}
    for said in audio.metadata.values():
        if isinstance(said, dict):
            texts = cast("dict[str, Any]", said)
            found |= {name: texts[name] for name in samples.TEXTS if isinstance(texts.get(name), str)}
    return found


def _beats_per_bar(facts: Facts | None) -> int:
    return facts[1].time_signature[0] if facts is not None and facts[1].time_signature else _BEATS


def _first_beat(facts: Facts | None, how: How) -> float:
    """Return where the grid begins, in seconds: a loop begins on its first beat, behind what a codec put in front."""
    if facts is None:
        return 0.0
    audio, analysis = facts
    if analysis.kind == "loop" or not analysis.beats or how.bpm is not None:
        return audio.lead_seconds
    return analysis.beats[0]


def _loop(sound: Samples, facts: Facts | None) -> tuple[int, int]:
    """Return the loop of a file: its most loopable part, where it is a track that has one, or all of it."""
    start, end = 0, len(sound.y) - 1
    best = max(facts[1].loop_points or (), key=lambda each: each.score, default=None) if facts else None
    if best is not None:
        start, end = round(best.start * sound.rate), round(best.end * sound.rate) - 1
    return seam.loop_points(sound.y, sound.rate, start, min(end, len(sound.y) - 1))
