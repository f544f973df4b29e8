"""Reads class and pitch of recorded sounds out of the names of files and folders, as `training.sources` has them.

A table of words gives the class of the first word that is in the path; an empty class leaves the sound out.
"""

import math
import re
from collections.abc import Callable
from pathlib import Path

from training import programs

_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_NOTE = re.compile(r"(?<![A-Za-z])([A-G])(#|s)?(-?\d)(?=v|_|$)")
Label = Callable[[Path], tuple[str | None, float | None] | None]
"""From a path below the source's folder to class and pitch (None: it has none; `programs.UNKNOWN`: not known)."""


def midi_of(stem: str) -> float | None:
    """Read the note in a file's name, as in ``cello_As3_1_forte`` or ``D#4vL`` (C4 is 60)."""
    found = _NOTE.search(stem)
    if found is None:
        return None
    letter, sharp, octave = found.groups()
    return float(12 * (int(octave) + 1) + _SEMITONES[letter] + (sharp is not None))


def noted(name: str) -> Label:
    """Label notes of one instrument whose names have their pitch."""
    return lambda path: (name, midi_of(path.stem)) if midi_of(path.stem) is not None else None


def keyed(name: str) -> Label:
    """Label notes of one instrument whose names are those of keys: ``c4``, and ``c-4`` for a sharp."""
    return lambda path: (name, midi_of(path.stem.upper().replace("-", "#")))


def in_hertz(classes: dict[str, str]) -> Label:
    """Label notes by the words of their folders, and by the frequency (Hz) that their names give."""
    by_folder = folders(classes)

    def label(path: Path) -> tuple[str | None, float | None] | None:
        found, hz = by_folder(path.parent), re.search(r"\d+\.\d+", path.stem)
        return None if found is None or hz is None else (found[0], 69.0 + 12.0 * math.log2(float(hz[0]) / 440.0))

    return label


def fixed(name: str) -> Label:
    """Label sounds of one class without a pitch."""
    return lambda _: (name, None)


def unnoted(name: str) -> Label:
    """Label notes whose names do not tell their pitch, or tell it in another way."""
    return lambda _: (name, programs.UNKNOWN)


def esc_class(path: Path) -> int:
    """Read the class in the name of a clip of ESC-50, its last number."""
    return int(path.stem.rsplit("-", 1)[1])


def folders(classes: dict[str, str]) -> Label:
    """Go by the first of the words that is in the path."""

    def label(path: Path) -> tuple[str | None, float | None] | None:
        where = path.as_posix().lower()
        for word, name in classes.items():
            if word in where:
                return (name, programs.UNKNOWN) if name else None
        return None

    return label


def within(kits: tuple[str, ...], classes: dict[str, str]) -> Label:
    """Go by the first of the words that is in the file's name, in some folders."""
    by_name = folders(classes)
    return lambda path: by_name(Path(path.name)) if any(part in kits for part in path.parts) else None


def played(instruments: dict[str, str]) -> Label:
    """Label notes by the instrument that their folders tell; the numbers in their names may not be their pitch."""

    def label(path: Path) -> tuple[str | None, float | None] | None:
        name = instruments.get(path.parent.name)
        return (name, programs.UNKNOWN) if name else None

    return label


KIT = {
    "sidestick": "rim", "rimshot": "", "snare-bottom-off": "", "snare-top-off": "", "snarerest": "", "snare": "snare",
    "kick": "kick", "kdrum": "kick", "tom": "tom", "crash-bell": "", "crash": "crash", "china": "crash", "ride": "ride",
    "half-open": "hat_open", "half-closed": "", "hihatopen": "hat_open", "hihat open": "hat_open",
    "hihat": "hat_closed", "gong": "",
}  # fmt: skip
BILLIE = {
    "side stick": "rim", "cowbell": "cowbell", "clap": "clap", "cabassa": "shaker", "shaker": "shaker", "bongo": "perc",
    "conga": "perc", **KIT,
}  # fmt: skip
HANDS = {
    "handclap": "clap", "maracas": "shaker", "eggshaker": "shaker", "tambourine": "shaker", "bongos": "perc",
    "conga": "perc", "cajon": "perc", "castanets": "perc", "darbuka": "perc", "claves": "perc",
}  # fmt: skip
EFFECTS = {
    "curtain": "", "weather": "ambience", "indoors": "ambience", "humming": "ambience",
    "underground": "ambience", "engine_working": "ambience", "static": "ambience", "chatter": "voice",
    "speech": "voice", "hurt": "voice", "mon_death": "", "mon_bite": "", "geiger": "",
    "music": "", "clean_up": "", "": "fx",
}  # fmt: skip
BEDS = {"silence": "", "binaural": "", "morse": "", "alarm": "", "bowl": "", "chimes": "", "": "ambience"}
# What has another licence than CC0 or CC BY, and what is music.
THINGS = {
    **dict.fromkeys(("node_", "duck_quack_01", "ghost", "giraffe", "lava_cool", "loon", "robot_01", "toucan"), ""),
    **dict.fromkeys(("trumpeter_swan", "mermaid_song", "piano", "church_bells"), ""),
    **dict.fromkeys(("cicada", "rain_", "/sounds_wind", "ambience", "motor", "seagulls"), "ambience"),
    "laugh_evil": "voice", "": "fx",
}  # fmt: skip
ESC_10 = {
    **dict.fromkeys((0, 1, 21, 38), "fx"),  # a dog, a rooster, sneezes, a clock
    **dict.fromkeys((10, 11, 12, 40, 41), "ambience"),  # rain, waves, fire, a helicopter, a chainsaw
    20: "voice",  # a baby
}
# What is music, and what is no recording.
CLONK = {
    **dict.fromkeys(("fanfare", "trumpet", "ui.ocg", "singing", "teleport", "diamond", "icehit", "pickaxe"), ""),
    **dict.fromkeys(("waterfall", "birdsloop", "windloop", "stereorain", "boiling", "fire.ogg", "furnace"), "ambience"),
    "skin.ocg": "voice",
    "": "fx",
}
BASS_NOTES = ["E", "F", "F#", "G", "G#", "A", "A#", "B", "C", "C#", "D", "D#", "E2"]
ORCHESTRA = {
    "violin": "strings", "contrabass": "strings", "flute": "flute", "horn": "brass", "trombone": "brass",
    "trumpet": "brass", "tuba": "brass", "bassoon": "other", "clarinet": "other", "harp": "other",
    "xylophone": "other", "organ": "organ", "piano": "piano",
}  # fmt: skip
PLUCKED_AND_STRUCK = {
    "celtic_harp": "other", "k1_harp": "other", "kankles": "other", "harpsichord": "piano", "pianet": "piano",
    "nylon_strings": "guitar", "glockenspiel": "bell", "vibraphone": "bell",
}  # fmt: skip
SYNTHESIZER = {"kicks": "kick", "snares": "snare", "toms": "tom", "cymbals/op_": "hat_open", "cymbals/ride": "ride"}

# Drumlabooh's kits. Left out are what a name does not tell (perc, stick, star), and machines that other collections
# hold, too (Drumulator, MFB-512, SR-88).
ANALOG_MACHINES = (
    "ARP Axxe", "Elgam Carousel", "ELI CompuRhythm CR 7030", "Formanta Polivoks", "GEM Drum15", "KLONE KICK NW8",
    "KLONE SNARE NW8", "MTI AO-1", "Watford Rhythm Generator",
)  # fmt: skip
DIGITAL_MACHINES = (
    "Lel-DR8", "Lel-PSR", "Rokton UDS", "Technics PCM DP50", "Cheetah SpecDrum Afro", "Cheetah SpecDrum Electro",
    "Cheetah SpecDrum Latin", "Cheetah SpecDrum Standard",
)  # fmt: skip
MACHINE = {
    **dict.fromkeys(("groove", "thud", "perc", "hit.", "stick", "star", "timpani", "hat0", "cymb_"), ""),
    "rim": "rim", "cow": "cowbell", "clap": "clap", "cabasa": "shaker", "tamb": "shaker",
    **dict.fromkeys(("bongo", "conga", "clav", "guiro", "timb_"), "perc"),
    **dict.fromkeys(("hihat_o", "hihatopen", "hihat_long", "ophat", "hhv4open", "hh02"), "hat_open"),
    **dict.fromkeys(("hat", "hh"), "hat_closed"),
    "ride": "ride", "crash": "crash", "cymbal": "crash", "tom": "tom", "snare": "snare", "sd": "snare", "sn_": "snare",
    "kick": "kick", "bass": "kick", "bd": "kick",
    # The ROMs of the Lel PSR.
    "_br1": "kick", "_br2": "rim", "_mb": "snare", "_h12": "hat_open", "_kk1": "cowbell", "_kk2": "clap",
    "_hb1": "perc", "_t1": "tom", "_t2": "tom", "_t3": "tom",
}  # fmt: skip
ACOUSTIC_KITS = ("bass", "cymbals", "snare", "toms", "Sixties Basic", "Copyc4t El Nacho Drumkit", "Tamil")
ACOUSTIC = {
    **dict.fromkeys(("half", "leg", "ride crash", "hhc", "hhl", "hhf", "hho", "cymbal"), ""),
    "hat-open": "hat_open", "hat": "hat_closed", "drum-r-": "perc", "crash": "crash", "tom": "tom", "cat-": "tom",
    "snare": "snare", "kick": "kick", "bass22": "kick",
}  # fmt: skip
STUDIO = {
    "hihat-closed": "hat_closed", "hihat-open": "hat_open", "kick": "kick", "snare": "snare", "tom": "tom",
    "crash": "crash", "splash": "crash", "ride": "ride",
}  # fmt: skip
RHYTHM_KING = {
    **dict.fromkeys(("block", "bongo", "clave"), "perc"), "cymball-long": "crash", "hihat-closed": "hat_closed",
    "hihat-open": "hat_open", "kick": "kick", "snare": "snare", "tom": "tom",
}  # fmt: skip
# A closed hat and a snare of Freesound, 269720 and 57534, which other collections hold, too, stay apart.
SINGLE_DRUMS = {
    "hi-hat-closed-1": "", "snare-1": "", "clap": "clap",
    "claves": "perc", "wood-block": "perc", "island-drum": "perc", "cowbell": "cowbell",
    "hi-hat-closed": "hat_closed", "hi-hat-open": "hat_open", "kick": "kick", "ride": "ride", "shaker": "shaker",
    "tambourine": "shaker", "snare": "snare", "xylo": "other",
}  # fmt: skip
IOWA = {
    **dict.fromkeys(("alto-saxophone", "soprano-saxophone"), "sax"),
    **dict.fromkeys(("alto-flute", "bass-flute", "flute"), "flute"),
    **dict.fromkeys(("trumpet", "tenor-trombone", "bass-trombone", "french-horn"), "brass"),
    **dict.fromkeys(("violin", "viola", "cello", "double-bass"), "strings"),
    **dict.fromkeys(("clarinet", "bass-clarinet", "bassoon", "oboe", "BbClarinet"), "other"),
}
VOWELS = dict.fromkeys(
    ("claudia-ah", "claudia-ih", "claudia-oh", "mirko-ah", "mirko-oh", "sven-ah", "sven-ih", "sven-oh"), "vocal"
)
# Ten notes of the Music Technology Group's saxophones stay apart, as do hats and snares, whose names don't say how they
# were struck, and double basses, plucked and bowed.
FREESOUND = {
    **dict.fromkeys(("2f9c5f62", "3a80061f", "4345851e", "5f0dc8e4", "9c0838c1", "ac097834", "b8c0a88a"), ""),
    **dict.fromkeys(("d6665734", "dba6817d", "f8d96888", "hi_hat", "snare_drum", "double_bass"), ""),
    "acoustic_guitar": "guitar", "bass_drum": "kick", "cello": "strings", "clarinet": "other", "flute": "flute",
    "saxophone": "sax", "violin": "strings",
}  # fmt: skip
WORKSTATION = {
    **dict.fromkeys(("scratch", "noize", "slide", "tick.", "tickp", "whistle", "vibraslap", "cuica"), ""),
    **dict.fromkeys(("roll", "triangle", "stickclick", "fingers", "tambassd", "brush", "transcymbal"), ""),
    "timbalerim": "perc", "rimshot": "rim", "sidestick": "rim", "clapsnare": "", "clap": "clap", "cow": "cowbell",
    **dict.fromkeys(("tamb", "cabasa", "maracas", "sheker", "shaker"), "shaker"),
    **dict.fromkeys(("agogo", "bongo", "conga", "clave", "guiro", "timbale", "woodblock"), "perc"),
    **dict.fromkeys(("openhat", "hatopen", "hatxopen"), "hat_open"), "hat": "hat_closed", "crash": "crash",
    "ride": "ride", "tom": "tom", "snare": "snare", "kick": "kick",
}  # fmt: skip
HOUSE = {"openhihat": "hat_open", "hihat": "hat_closed", "kick": "kick", "snare": "snare", "clap": "clap", "tom": "tom"}
# Left out are loops, what has words or is whispered, and sub basses, which are as much a kick as a bass.
PRODUCED = {
    **dict.fromkeys((".mid", "/loops/", "/presets/", "vocal", "asmr", "808", "vinyl", "ambience"), ""),
    **dict.fromkeys(("lead", "pianorise", "sky trumpet", "clings", "whistle", "ringing hat", "metro", "kluck"), ""),
    "birds": "", "kick": "kick", "snare": "snare", "/claps/": "clap", "/rimshots/": "rim", "open hat": "hat_open",
    "/hi hats/": "hat_closed", "/perc/": "perc", "fx/": "fx", "ukulele": "guitar", "sitar": "other", "bass": "bass",
    "/one shots/": "synth", "synths/oneshot": "synth",
}  # fmt: skip
TAMTAM = {
    **dict.fromkeys(("roll", "shoulder", "flanger", "drum2hat", "vibraslap", "quica", "drum3djembesidestick"), ""),
    "sidestick": "rim", "707clap": "clap", "707open": "hat_open", "808closed": "hat_closed", "hatpedal": "hat_closed",
    **dict.fromkeys(("drum1crash", "splash", "drum1chine"), "crash"), "ride": "ride", "cowbell": "cowbell",
    **dict.fromkeys(("drum1snare", "808sn", "909sn"), "snare"), "tom": "tom", "tambouri": "shaker",
    **dict.fromkeys(("drum1kick", "909bass", "909kick"), "kick"),
    **dict.fromkeys(("darbuka", "djembe", "bongo", "conga", "agogo", "guiro", "timables", "madal"), "perc"),
    **dict.fromkeys(("acguit", "guit2", "sounds/guit"), "guitar"), "sounds/bass": "bass", "sounds/saxo": "sax",
    **dict.fromkeys(("sounds/cello", "sounds/violin"), "strings"), "saxsoprano": "sax", "sounds/flute": "flute",
    **dict.fromkeys(("sounds/trumpet", "sounds/tuba", "sounds/flugel"), "brass"), "sounds/voix": "vocal",
    **dict.fromkeys(("sounds/piano", "sounds/rhodes"), "piano"), "sounds/harmonium": "organ",
    **dict.fromkeys(("sounds/clarinette", "sounds/marimba", "sounds/koto", "sounds/sitar"), "other"),
}  # fmt: skip
SYNTHESIZED_NOTES = {
    **dict.fromkeys(("reed", "mallet", "keyboard"), ""), "brass": "brass", "flute": "flute", "guitar": "guitar",
    "organ": "organ", "string": "strings", "vocal": "vocal", "bass": "bass",
}  # fmt: skip

# Left out are effects, what is rolled or rubbed, and hats of the RD-6, whose names are numbers.
MACHINES = {
    **dict.fromkeys(("/fx/", "/misc/", "rd6/hats/", "brush_roll", "brush_swish", "brush_hit", "pedal"), ""),
    **dict.fromkeys(("double_snare", "rim_tom", "noisetom"), ""),
    **dict.fromkeys(("whistle", "vibra", "quijada", "cuica", "star_chime", "timpani", "triangle", "sleigh"), ""),
    **dict.fromkeys(("metallic_beat", "finger_snap", "rock_rim_shot_snare"), ""),
    **dict.fromkeys(("conga", "bongo", "timbale", "agogo", "claves", "castanet", "guiro", "wood_block"), "perc"),
    **dict.fromkeys(("pandiero", "surdo", "tamborim"), "perc"), "cowbell": "cowbell", "clap": "clap",
    **dict.fromkeys(("tambourine", "maracas", "shaker", "cabasa"), "shaker"), "rim_shot": "rim", "side_stick": "rim",
    **dict.fromkeys(("open_hi", "hihat_open"), "hat_open"),
    **dict.fromkeys(("closed_hi", "hihat_closed"), "hat_closed"), "ride": "ride",
    **dict.fromkeys(("crash", "china", "splash", "606_cymbal"), "crash"), "/sd/": "snare", "/bd/": "kick",
    "/toms/": "tom",
}  # fmt: skip
# What a TR-8 has of a TR-707 and a TR-727, and an RX5, are sounds in ROM, which other collections may hold, too.
HARDWARE = {**dict.fromkeys(("/rx5/", "_707_", "_727_"), ""), **MACHINES}
STARGATE = {
    **dict.fromkeys(("stargate/hats/", "hihat1", "hihat2", "-zap", "-fmperc", "-8bit", "sub-a", "timbales"), ""),
    "timpani": "", "bongo": "perc", "claves": "perc", "cowbell": "cowbell", "maracas": "shaker", "rimshot": "rim",
    **dict.fromkeys(("/clap", "clap1"), "clap"), **dict.fromkeys(("/closed/", "hatclsd"), "hat_closed"),
    **dict.fromkeys(("/open/", "hatopen"), "hat_open"), "-ride": "ride", "crash": "crash", "cymbals": "crash",
    "kick": "kick", "snare": "snare", "/toms/": "tom",
}  # fmt: skip
MERCURY = {
    **dict.fromkeys(("clap_min", "snare_808.", "hat_click", "hat_min_open", "_half", "wood_nord", "tom_808"), ""),
    **dict.fromkeys(("block", "bongo", "clave"), "perc"), "cowbell": "cowbell", "maracas": "shaker",
    "cymbal_808": "crash",
    **dict.fromkeys(("hat_808_open", "hat_909_open", "hat_nord_open"), "hat_open"), "hat_": "hat_closed",
    "clap_": "clap", "kick_": "kick", "snare_": "snare", "tom_": "tom",
}  # fmt: skip
CADENCE = {
    "clap": "clap", "cowbell": "cowbell", "crash": "crash", "hihat_open": "hat_open", "hihat_closed": "hat_closed",
    "kick": "kick", "tom": "tom",
}  # fmt: skip
PERCUSION = {**dict.fromkeys(("agogo", "bongo", "clave", "conga", "djembe"), "perc"), "chocalho": "shaker"}
REPIQUE = {"madera/1": "clap", "madera/4": "cowbell", "": "perc"}
