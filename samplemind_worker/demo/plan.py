"""What the demonstration library holds: drum hits, notes, chords, beats, phrases, bass lines, pads, songs, and copies.

The names of its files say nothing of tempo, key or instrument: what is told of them is heard.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from samplemind_worker.demo import music, sounds
from samplemind_worker.demo.library import Item
from samplemind_worker.demo.music import seconds_of
from samplemind_worker.demo.sounds import F64

_BEATS = (
    # bpm, pattern, kit, bars, swing, file type
    (120.0, "rock", "acoustic", 2, 0.0, "wav"),
    (128.0, "house", "machine", 4, 0.0, "wav"),
    (96.5, "hiphop", "machine", 2, 0.0, "flac"),
    (174.0, "dnb", "machine", 4, 0.0, "wav"),
    (110.25, "funk", "acoustic", 2, 0.0, "wav"),
    (72.4, "rock", "machine", 2, 0.0, "wav"),
    (168.3, "dnb", "acoustic", 2, 0.0, "ogg"),
    (135.0, "techno", "machine", 4, 0.0, "flac"),
    (88.37, "hiphop", "acoustic", 4, 0.3, "wav"),
    (104.0, "latin", "acoustic", 2, 0.0, "wav"),
    (100.0, "funk", "machine", 2, 0.0, "wav"),
    (124.7, "house", "acoustic", 2, 0.0, "mp3"),
)
_PHRASES = (
    # tonic, mode, bpm, voice of the chords, how they are played, voice of the tune, progression, file type
    (0, "major", 120.0, "pluck", "broken", "lead", 0, "wav"),
    (9, "minor", 100.0, "keys", "halves", "pluck", 0, "wav"),
    (6, "major", 90.5, "organ", "halves", "pluck", 0, "flac"),
    (3, "minor", 128.0, "pluck", "stabs", "lead", 1, "wav"),
    (7, "major", 140.0, "keys", "broken", None, 2, "ogg"),
    (11, "minor", 84.2, "strings", "held", "pluck", 0, "wav"),
    (2, "minor", 136.5, "pluck", "broken", "keys", 2, "wav"),
    (10, "major", 105.6, "keys", "stabs", "pluck", 0, "flac"),
    (1, "minor", 115.0, "organ", "stabs", "lead", 0, "wav"),
    (8, "major", 76.0, "keys", "halves", "pluck", 2, "wav"),
    (9, "minor", 124.0, "pluck", "halves", "lead", 2, "wav"),
    (4, "minor", 95.0, "keys", "broken", "bell", 0, "wav"),
)
_BASSES = ((9, "minor", 124.0, 0), (0, "major", 120.0, 0), (4, "minor", 95.0, 2))
_PADS = ((5, "major", 9.0, 0), (9, "minor", 8.0, 0), (2, "major", 10.0, 1))
_HITS = (
    ("kick", partial(sounds.kick, low=46.0, start=170.0, seconds=0.55, click=0.05)),
    ("kick", partial(sounds.kick, low=60.0, start=320.0, seconds=0.28, click=0.35)),
    ("kick", partial(sounds.kick, low=52.0, start=260.0, seconds=0.4, click=0.15)),
    ("kick", partial(sounds.kick, low=44.0, start=150.0, seconds=0.75, click=0.02)),
    ("snare", partial(sounds.snare)),
    ("snare", partial(sounds.snare, tone=215.0, seconds=0.17, rattle=0.8, bright=10000.0)),
    ("snare", partial(sounds.snare, tone=160.0, seconds=0.34, rattle=0.55, bright=6500.0)),
    ("clap", partial(sounds.clap)),
    ("clap", partial(sounds.clap, seconds=0.45, middle=1250.0)),
    ("hat_closed", partial(sounds.hat, seconds=0.05, base=560.0)),
    ("hat_closed", partial(sounds.hat, seconds=0.08, base=420.0, seed=24)),
    ("hat_open", partial(sounds.hat, seconds=0.38, base=480.0)),
    ("hat_open", partial(sounds.hat, seconds=0.6, base=400.0, seed=25)),
    ("tom", partial(sounds.tom, low=85.0, seconds=0.6)),
    ("tom", partial(sounds.tom, low=125.0)),
    ("tom", partial(sounds.tom, low=165.0, seconds=0.4)),
    ("crash", partial(sounds.crash)),
    ("shaker", partial(sounds.shaker)),
    ("conga", partial(sounds.conga)),
    ("conga", partial(sounds.conga, tone=340.0, seconds=0.2)),
    ("rim", partial(sounds.rim)),
)
_NOTES = (
    # MIDI note, voice, seconds
    *((60, "keys", 1.6), (69, "organ", 1.2), (40, "bass", 1.2), (79, "pluck", 1.2), (51, "strings", 1.6)),
    *((33, "bass", 1.4), (72, "bell", 1.6), (64, "lead", 1.0), (57, "keys", 1.6), (45, "bass", 0.8)),
)
_CHORDS = (
    # MIDI notes, voice, class of the tonic and mode
    ((57, 60, 64, 69), "keys", 9, "minor"),
    ((48, 55, 60, 64), "strings", 0, "major"),
    ((53, 57, 60, 65), "pluck", 5, "major"),
    ((50, 57, 62, 65), "keys", 2, "minor"),
)
_SONGS = (
    # tonic, mode, bpm, seconds, pattern, kit, voice, file type
    (9, "minor", 122.0, 40.0, "house", "machine", "pluck", "ogg"),
    (2, "major", 98.0, 44.0, "rock", "acoustic", "keys", "flac"),
)
_SOFTER = 0.5  # times the samples of the original: 6 dB less


def items() -> list[Item]:
    """Plan the library; the same items each time."""
    originals = [*_loops(), *_one_shots(), *_songs()]
    return [*originals, *_copies({item.path: item for item in originals})]


def _loops() -> Iterator[Item]:
    for k, (bpm, pattern, kit, bars, swing, ending) in enumerate(_BEATS):
        yield Item(
            path=f"drum_loops/beat_{k + 1:02}.{ending}",
            set="drum_loops",
            kind="loop",
            make=partial(music.beat, bpm, pattern, kit=kit, bars=bars, swing=swing, seed=100 + k),
            seconds=seconds_of(bars, bpm),
            bpm=bpm,
            notes=f"content=drums; beats={4 * bars}; exact=1",
        )
    for k, (tonic, mode, bpm, voice, style, tune, shape, ending) in enumerate(_PHRASES):
        yield Item(
            path=f"melodic_loops/phrase_{k + 1:02}.{ending}",
            set="melodic_loops",
            kind="loop",
            make=partial(
                music.phrase, tonic, mode, bpm, voice=voice, style=style, tune=tune, shape=shape, seed=300 + k
            ),
            seconds=seconds_of(4, bpm),
            bpm=bpm,
            tonic=tonic,
            mode=mode,
            notes="content=melodic; beats=16; exact=1; key_trust=A",
        )
    for k, (tonic, mode, bpm, shape) in enumerate(_BASSES):
        yield Item(
            path=f"bass_loops/line_{k + 1:02}.wav",
            set="bass_loops",
            kind="loop",
            make=partial(music.bass_line, tonic, mode, bpm, shape=shape),
            seconds=seconds_of(4, bpm),
            bpm=bpm,
            tonic=tonic,
            mode=mode,
            notes="content=bass; beats=16; exact=1",
        )
    for k, (tonic, mode, seconds, shape) in enumerate(_PADS):
        yield Item(
            path=f"pads/swell_{k + 1:02}.wav",
            set="pads",
            kind="loop",
            make=partial(music.pad, tonic, mode, seconds, shape=shape, seed=500 + k),
            seconds=seconds,
            tonic=tonic,
            mode=mode,
            notes="content=pad-beatless; key_trust=A",
        )


def _one_shots() -> Iterator[Item]:
    for k, (name, make) in enumerate(_HITS):
        yield Item(
            path=f"drums/hit_{k + 1:02}.wav",
            set="drums",
            kind="one_shot",
            make=make,
            seconds=len(make()) / sounds.SR,
            notes=f"class={name}",
        )
    for k, (midi, voice, seconds) in enumerate(_NOTES):
        yield Item(
            path=f"notes/note_{k + 1:02}.wav",
            set="notes",
            kind="one_shot",
            make=partial(sounds.note, midi, seconds, voice),
            seconds=seconds,
            tonic=midi % 12,
            notes=f"midi={midi}",
        )
    for k, (midi, voice, tonic, mode) in enumerate(_CHORDS):
        yield Item(
            path=f"chords/chord_{k + 1:02}.wav",
            set="chords",
            kind="one_shot",
            make=partial(music.chord, midi, 1.8, voice),
            seconds=1.8,
            tonic=tonic,
            mode=mode,
            notes="content=chord",
        )


def _songs() -> Iterator[Item]:
    for k, (tonic, mode, bpm, seconds, pattern, kit, voice, ending) in enumerate(_SONGS):
        yield Item(
            path=f"songs/song_{k + 1:02}.{ending}",
            set="songs",
            kind="track",
            make=partial(music.song, tonic, mode, bpm, seconds, pattern=pattern, kit=kit, voice=voice, seed=1100 + k),
            seconds=seconds,
            bpm=bpm,
            tonic=tonic,
            mode=mode,
            notes="key_trust=A",
        )


def _copies(originals: dict[str, Item]) -> Iterator[Item]:
    """Plan what `duplicates` finds: the same bytes, the same audio, another encoding, and another level."""
    phrase, other = originals["melodic_loops/phrase_02.wav"], originals["melodic_loops/phrase_04.wav"]
    kick, snare = originals["drums/hit_01.wav"], originals["drums/hit_05.wav"]
    yield replace(kick, path="downloads/boom.wav", set="downloads")
    yield replace(other, path="downloads/night.flac", set="downloads")
    yield replace(phrase, path="downloads/rain.ogg", set="downloads")
    yield replace(snare, path="downloads/crack.flac", set="downloads", make=partial(_softer, snare))


def _softer(item: Item) -> F64:
    return _SOFTER * item.make()
