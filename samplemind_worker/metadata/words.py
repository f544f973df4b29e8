"""The words, codes and numbers that `names` knows from how sample packs and drum machines name their sounds."""

from typing import Final

CLEAR_INSTRUMENTS: Final = {
    "kick": "kick", "bassdrum": "kick", "kickdrum": "kick", "kik": "kick", "snare": "snare", "snr": "snare",
    "handclap": "clap", "rimshot": "rim", "sidestick": "rim", "hihat": "hat", "highhat": "hat", "hh": "hat",
    "closedhat": "hat_closed", "closedhihat": "hat_closed", "closedhh": "hat_closed", "hhclosed": "hat_closed",
    "chh": "hat_closed", "hhc": "hat_closed", "openhat": "hat_open", "openhihat": "hat_open", "openhh": "hat_open",
    "hhopen": "hat_open", "ohh": "hat_open", "hho": "hat_open", "hatclosed": "hat_closed", "hatopen": "hat_open",
    "tomtom": "tom", "floortom": "tom", "crashcymbal": "crash", "ridecymbal": "ride", "ridebell": "ride",
    "shaker": "shaker", "maraca": "shaker", "cowbell": "cowbell", "percussion": "perc", "perc": "perc",
    "conga": "perc", "bongo": "perc", "woodblock": "perc", "synth": "synth", "synthbass": "bass",
    "bassguitar": "bass", "subbass": "bass", "piano": "piano", "guitar": "guitar", "violin": "strings",
    "viola": "strings", "cello": "strings", "trumpet": "brass", "trombone": "brass", "flute": "flute",
    "glockenspiel": "bell", "vocal": "vocal", "vox": "vocal", "sax": "sax", "saxophone": "sax", "voice": "voice",
    "speech": "voice", "spoken": "voice", "ambience": "ambience", "ambiance": "ambience", "fx": "fx", "sfx": "fx",
    "hihatclosed": "hat_closed", "hihatopen": "hat_open", "splash": "crash", "splashcymbal": "crash", "clave": "perc",
    "timbale": "perc", "darbuka": "perc", "djembe": "perc", "tabla": "perc", "cajon": "perc", "castanet": "perc",
    "guiro": "perc", "agogo": "perc", "cabasa": "shaker", "cabassa": "shaker", "shekere": "shaker",
    "tambourin": "shaker", "tamborin": "shaker", "frenchhorn": "brass", "tuba": "brass", "basstrombone": "brass",
    "bassflute": "flute", "harmonium": "organ", "fiddle": "strings", "violoncello": "strings", "basssax": "sax",
    "basssaxophone": "sax", "acapella": "vocal", "acappella": "vocal", "accapella": "vocal", "adlib": "vocal",
    "downlifter": "fx", "uplifter": "fx", "whoosh": "fx", "swoosh": "fx", "cuica": "perc", "vibraslap": "perc",
    "closehat": "hat_closed", "hatclose": "hat_closed", "closehihat": "hat_closed", "hihatclose": "hat_closed",
    "closehh": "hat_closed", "hhclose": "hat_closed", "clhat": "hat_closed", "hatcl": "hat_closed",
    "clhh": "hat_closed", "hhcl": "hat_closed", "hihatcl": "hat_closed", "pedalhat": "hat_closed",
    "hatpedal": "hat_closed", "pedalhh": "hat_closed", "hhpedal": "hat_closed", "ophat": "hat_open",
    "hatop": "hat_open", "ophh": "hat_open", "hihato": "hat_open", "hhop": "hat_open", "hihatop": "hat_open",
}  # fmt: skip
_FOREIGN: Final = {
    "kick": "bombo grancassa grossecaisse", "snare": "redoblante tarola rullante caisseclaire",
    "crash": "platillo cymbale becken", "shaker": "pandereta schellenkranz chocalho caxixi",
    "cowbell": "cencerro kuhglocke", "perc": "pandeiro berimbau tamborim surdo repinique zabumba",
    "bass": "guitarebasse bassgitarre",
    "guitar": "gitarre guitarra guitare chitarra violao", "piano": "klavier",
    "strings": "geige bratsche streicher violon violoncelle violino violonchelo violoncelo cordes cuerdas",
    "brass": "trompete trompette trompeta tromba posaune", "flute": "flote floete querflote blockflote flauta flauto",
    "sax": "saxophon saxofon saxofone", "organ": "orgel orgue organo orgao", "bell": "glocke cloche campana",
    "vocal": "gesang chor choeur coro voz voix voce",
}  # fmt: skip
"""Instruments in German, French, Spanish, Portuguese and Italian, without accents."""
LIKELY_INSTRUMENTS: Final = {
    "clap": "clap", "rim": "rim", "hat": "hat", "tom": "tom", "crash": "crash", "ride": "ride", "cymbal": "crash",
    "tambourine": "shaker", "bass": "bass", "reese": "bass", "string": "strings", "brass": "brass", "organ": "organ",
    "bell": "bell", "rhodes": "piano", "epiano": "piano", "choir": "vocal", "riser": "fx", "tamb": "shaker",
    "horns": "brass", "frenchhorns": "brass", "hornsection": "brass", "hornstab": "brass",
} | {word: name for name, words in _FOREIGN.items() for word in words.split()}  # fmt: skip
"""Instrument words that also have another meaning, or name other sounds too."""
INSTRUMENTS: Final = CLEAR_INSTRUMENTS | LIKELY_INSTRUMENTS
OTHERS: Final = frozenset({
    "clarinet", "oboe", "bassoon", "contrabassoon", "harp", "kalimba", "marimba", "vibraphone", "xylophone", "celesta",
    "celeste", "harpsichord", "clavinet", "accordion", "harmonica", "bagpipe", "banjo", "mandolin", "ukulele", "sitar",
    "koto", "shamisen", "oud", "dulcimer", "theremin", "timpani",
})  # fmt: skip
"""Instruments beyond the closed list: "bass clarinet" is no bass, and "oboe piano" no piano."""
STRUCK: Final = frozenset({"triangle", "gong", "chime"})
"""What is struck: "piano" beside it says how softly. A "triangle bass" is a bass by its waveform."""
NO_INSTRUMENTS: Final = frozenset({
    ("mezzo", "piano"), ("steel", "drum"), ("hang", "drum"), ("tongue", "drum"), ("door", "bell"), ("bike", "bell"),
    ("bicycle", "bell"), ("school", "bell"), ("bass", "drop"), ("bass", "boost"), ("bass", "boosted"),
})  # fmt: skip
"""Two words that together name something else than the instrument among them."""
SYNONYMS: Final = {
    "gtr": "guitar", "egtr": "guitar", "agtr": "guitar", "schlagzeug": "drum", "batterie": "drum", "bateria": "drum",
    "batteria": "drum", "boucle": "loop", "bucle": "loop", "cymb": "cymbal",
}  # fmt: skip
DRUMS: Final = frozenset({
    "kick", "snare", "clap", "rim", "hat", "hat_closed", "hat_open", "tom", "crash", "ride", "shaker", "cowbell",
    "perc",
})  # fmt: skip

CODES: Final = {
    "bd": "kick", "sd": "snare", "sn": "snare", "cp": "clap", "rs": "rim", "hh": "hat", "ch": "hat_closed",
    "oh": "hat_open", "lt": "tom", "mt": "tom", "ht": "tom", "cy": "crash", "cr": "crash", "rd": "ride",
    "cb": "cowbell", "lc": "perc", "mc": "perc", "hc": "perc", "cl": "perc", "ma": "shaker",
}  # fmt: skip
"""Letters that drum machines print on their buttons (the congas are ``lc``, ``mc`` and ``hc``)."""
VAGUE_CODES: Final = frozenset({"sd", "sn", "ch", "cr", "lc", "mc", "hc", "cl", "ma"})
"""Codes that stand for other things as well, as "SD" for a memory card."""
MAKERS: Final = frozenset({"roland", "casio", "korg", "yamaha", "boss", "akai", "alesis"})
MACHINES: Final = MAKERS | frozenset({
    "tr", "rolandtr", "linn", "linndrum", "mpc", "bossdr", "dr", "rz", "casiorz", "kr", "hr", "sr", "rx", "ry", "emu",
    "drumulator", "sp", "oberheim", "dmx", "dx", "simmons", "sds", "sequential", "drumtraks", "univox", "drum", "kit",
    "machine", "classic", "analog", "clean", "tape", "dry", "raw", "sample", "hit", "x",
})  # fmt: skip
"""Words that may stand beside a code or the name of a drum without changing its meaning."""
MANNERS: Final = frozenset({
    "one", "os", "open", "closed", "high", "low", "mid", "muted", "soft", "hard", "egg", "alto", "tenor", "soprano",
    "baritone", "acoustic", "electric", "nylon", "steel", "spanish", "classical", "grand", "upright",
})  # fmt: skip
"""Words that may stand beside an instrument in the name of a folder: they say how it is built, tuned or played."""
MODELS: Final[dict[str, frozenset[int]]] = {
    "cr": frozenset({68, 78, 5000, 8000}), "tr": frozenset({66, 77}), "dr": frozenset({110, 202}),
    "sr": frozenset({95, 120}), "juno": frozenset({60, 106}), "jupiter": frozenset({80}), "sh": frozenset({101}),
    "cp": frozenset({33, 70, 80}), "cs": frozenset({60, 70, 80}), "dx": frozenset({100, 200}),
    "cz": frozenset({101}), "mpc": frozenset({60}), "rhodes": frozenset({73, 88}), "wurli": frozenset({140, 200}),
    "wurlitzer": frozenset({140, 200}), "system": frozenset({100}), "sk": frozenset({200}),
    "mt": frozenset({32, 68, 70}), "rd": frozenset({88, 700, 800}), "mc": frozenset({202, 303, 307, 505, 909}),
    "rs": frozenset({9, 101, 202, 505, 7000}), "sd": frozenset({20, 50, 80, 90}), "jx": frozenset({80}),
    "poly": frozenset({61, 800}), "arp": frozenset({2500, 2600}), "emt": frozenset({140, 240, 250}),
}  # fmt: skip
"""Numbers of machines, by the word before them: no tempi, and no drum's code."""
MODEL_NUMBERS: Final = frozenset({101, 106})
"""Those that stand alone in names, too; 303, 606, 707, 808 and 909 are no tempi anyway."""

_TONAL: Final = frozenset({
    "bass", "synth", "piano", "guitar", "string", "brass", "flute", "organ", "bell", "vocal", "vox", "pluck", "pad",
    "key", "lead", "note", "sub", "stab", "chord", "keys", "rhodes", "sax", "trumpet", "violin", "cello", "marimba",
    "choir", "arp", "melody", "saxophone",
})  # fmt: skip
MELODIC: Final = frozenset({"melody", "melodic", "riff", "lick", "arp", "progression"})
"""Words of loops that are music."""
NOTED: Final = frozenset({
    "chord", "pad", "lead", "pluck", "keys", "stab", "marimba", "kalimba", "harp", "ukulele", "banjo", "sitar",
    "mandolin", "harpsichord", "vibraphone", "xylophone", "accordion",
})  # fmt: skip
"""Words of single notes and of loops that are music, without an instrument of the closed list."""
PITCHED: Final = frozenset({
    *_TONAL, *OTHERS, *(word for word, name in INSTRUMENTS.items() if name not in DRUMS | {"fx", "voice", "ambience"}),
    "moog", "juno", "jupiter", "prophet", "minimoog", "wurlitzer", "wurli", "vibes", "contrabass", "mellotron", "horn",
    "sine", "saw", "square", "drone", "808", "nylon",
})  # fmt: skip
"""Words beside which "C2" is a note."""
MUSICAL: Final = frozenset({
    *INSTRUMENTS, *_TONAL, "loop", "oneshot", "shot", "drum", "beat", "riff", "groove", "bpm", "fill", "top", "melodic",
    "breakbeat",
    "303", "808", "909",
})  # fmt: skip
"""Words beside which "Am" is a key."""
PHRASES: Final = frozenset({
    "loop", "riff", "groove", "melody", "arp", "phrase", "song", "bpm", "beat", "lick", "run", "scale", "chord",
    "progression", "melodic", "sequence", "seq", "pattern", "solo", "jam",
})  # fmt: skip
"""Words of sounds that are more than a note."""
COMPOUNDED: Final = ("loop", "hit", "break", "beat", "fill")
"""Words that are also written as one with the word before them: "drumloop", "kickhit"."""

LETTERED: Final = frozenset({"plan", "side", "vitamin", "type", "grade", "class", "section", "team", "bar"})
"""Words behind which a letter is no tonic."""
PERSONS: Final = frozenset({"i", "who", "what", "where", "why", "here", "you", "we", "they", "not"})
UNITS: Final = frozenset({
    "hz", "khz", "bit", "bits", "kbps", "db", "ms", "s", "sec", "secs", "st", "semitones", "percent", "bar", "bars",
    "beat", "beats", "min", "mins", "cm", "mm", "deg", "degrees", "mph", "kmh", "km", "rpm", "feet", "ft", "years",
    "samples", "sounds", "presets",
})  # fmt: skip
COUNTED: Final = frozenset({
    "note", "midi",
    "vol", "volume", "no", "nr", "num", "take", "part", "pt", "track", "pack", "kit", "mk", "v", "ver", "version",
    "vel", "velocity", "rr", "ch", "cd", "disc", "bank", "preset", "patch", "page", "chapter", "scene", "day",
    "level", "area", "studio", "room", "route", "top", "best", "number", "op", "opus", "bwv", "psalm",
})  # fmt: skip
"""Words beside which a number is not a tempo."""
NEGATIONS: Final = frozenset({"no", "without", "minus", "less"})
