"""Rhythms of many styles: what is played on which step, and at which tempi.

Conventions: a line has one character a step, a bar or two bars long; ``x`` hits hard, ``o`` softly, ``?`` sometimes,
``.`` not. Tempi are those that the style is usually counted at. Each part has several lines to draw from.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Style:
    """A way of playing."""

    tempi: tuple[float, float]
    """Slowest and fastest usual tempo, BPM."""
    parts: dict[str, tuple[str, ...]]
    beats: int = 4
    """Beats a bar."""
    steps: int = 4
    """Steps a beat: 4, or 3 for triplets."""
    swing: tuple[float, float] = (0.0, 0.0)
    """Delay of every second step, as a part of a step."""
    half: bool = False
    """Counted by many at half the tempo."""
    human: float = 0.4
    """How often it is played by hand."""


_FOUR = ("x...x...x...x...",)
_BACK = ("....x.......x...", "....x.......x..o", "....x..o....x...", "....x.......x.?.")
_EIGHTHS = ("x.x.x.x.x.x.x.x.", "x.o.x.o.x.o.x.o.", "o.x.o.x.o.x.o.x.")
_SIXTEENTHS = ("xoxoxoxoxoxoxoxo", "xxxxxxxxxxxxxxxx", "x?x?x?x?x?x?x?x?", "xooxxooxxooxxoox", "x.xxx.xxx.xxx.xx")
_OFF = ("..x...x...x...x.", "..x...x...x..xx.")

STYLES: dict[str, Style] = {
    "house": Style(
        (115, 132),
        {
            "kick": (*_FOUR, "x...x...x...x.?.", "x...x...x..?x..."),
            "clap": _BACK[:1],
            "open": _OFF,
            "hat": (*_EIGHTHS, *_SIXTEENTHS),
            "perc": ("...x..x....x..x.", "x..x..x...x..x..", "..?.x..?..x...x."),
        },
        swing=(0.0, 0.25),
        human=0.1,
    ),
    "techno": Style(
        (122, 150),
        {
            "kick": (*_FOUR, "x...x...x...x..o"),
            "open": _OFF,
            "hat": _SIXTEENTHS,
            "tom": ("...x..x...x..x..", "..o..o..o..o..o.", "...o..o....o..o.", ".x..x..x..x..x.."),
            "perc": ("......x.......x.", "..x..x....x..x..", "x..x..x..x..x..."),
        },
        human=0.05,
    ),
    "trance": Style((130, 145), {"kick": _FOUR, "clap": _BACK[:1], "open": _OFF, "hat": _SIXTEENTHS}, human=0.05),
    "hardcore": Style(
        (150, 200),
        {
            "kick": (*_FOUR, "x...x...x...x.x."),
            "open": _OFF,
            "snare": (*_BACK[:2], "..x...x...x...x."),
            "hat": _EIGHTHS,
        },
        human=0.05,
    ),
    "disco": Style((104, 132), {"kick": _FOUR, "snare": _BACK, "open": _OFF, "hat": (*_SIXTEENTHS, *_EIGHTHS)}),
    "rock": Style(
        (88, 160),
        {
            "kick": (
                "x.......x.......",
                "x.......x.x.....",
                "x.....x.x.......",
                "x..x....x.......",
                "x.....x.x.x...o.",
            ),
            "snare": _BACK,
            "hat": (*_EIGHTHS, "x...x...x...x..."),
            "tom": ("................", "............x.xx"),
        },
        human=0.8,
    ),
    "slow rock": Style(
        (58, 92),
        {"kick": ("x.......x.......", "x.......x.x...o."), "snare": _BACK, "hat": (*_EIGHTHS, *_SIXTEENTHS[:1])},
        human=0.8,
    ),
    "punk": Style(
        (150, 205),
        {"kick": ("x.......x.......", "x.....x.x.......", "x..x....x..x...."), "snare": _BACK[:1], "hat": _EIGHTHS},
        human=0.8,
    ),
    "metal": Style(
        (110, 200),
        {
            "kick": ("x.x.x.x.x.x.x.x.", "xxxxxxxxxxxxxxxx", "x..xx..xx..xx..x", "x.xxx.xxx.xxx.xx"),
            "snare": (*_BACK[:1], "........x......."),
            "hat": ("x...x...x...x...", *_EIGHTHS),
        },
        human=0.6,
    ),
    "pop": Style(
        (84, 132),
        {
            "kick": ("x.......x.......", "x..x....x.......", "x.....x...x.....", *_FOUR),
            "clap": _BACK[:1],
            "hat": (*_EIGHTHS, *_SIXTEENTHS),
            "shaker": _SIXTEENTHS,
        },
        human=0.3,
    ),
    "funk": Style(
        (86, 124),
        {
            "kick": (
                "x.x...o...x..o..",
                "x.x.......xx....",
                "x..x..x...x.....",
                "x.......x.x..x..",
                "x.x....x..x..x..",
            ),
            "snare": ("....x..o.o..x..o", "....x..o.o.ox...", ".o..x..o.o..x.o.", "....x.oo....x.o."),
            "hat": (*_SIXTEENTHS, *_EIGHTHS),
            "open": ("..............x.", "......x.........", "................"),
        },
        swing=(0.0, 0.25),
        human=0.9,
    ),
    "boom bap": Style(
        (78, 106),
        {
            "kick": (
                "x.....x...x.....",
                "x......x..x.....",
                "x..x....x.x.....",
                "x.x.......x..x..",
                "x.......o.x...x.",
            ),
            "snare": _BACK,
            "hat": _EIGHTHS,
        },
        swing=(0.0, 0.5),
    ),
    "lofi": Style(
        (62, 92),
        {
            "kick": ("x.......x.......", "x......x..x.....", "x.....x...x..x..", "x..x......x....."),
            "snare": _BACK[:3],
            "hat": (*_EIGHTHS, "x.x.xxx.x.x.x.xx"),
            "shaker": _EIGHTHS,
        },
        swing=(0.1, 0.55),
    ),
    "trap": Style(
        (122, 164),
        {
            "kick": ("x.........x.....", "x.....x.........", "x..x......x..x..", "x.....x...x....."),
            "clap": ("........x.......",),
            "hat": ("x.x.x.x.x.x.x.x.", "x.x.x.xxx.x.x.x.", "xxxxx.x.xxx.x.xx", "x.x.xxx.x.xxx.x."),
            "open": ("................", "......x.........", "............x..."),
        },
        half=True,
        human=0.05,
    ),
    "drill": Style(
        (136, 148),
        {
            "kick": ("x.....x.......x.", "x..x..x...x.....", "x.........x..x.."),
            "snare": ("......x.......x.", "........x.......", "......x........."),
            "hat": ("x..x..x.x..x..x.", "x..x..xxx..x..x.", "x.x.x.x.x.xxx.x."),
        },
        half=True,
        human=0.05,
    ),
    "dubstep": Style(
        (136, 150),
        {
            "kick": ("x...............", "x.....x.........", "x..........x....", "x..x............"),
            "snare": ("........x.......",),
            "hat": ("x.x.x.x.x.x.x.x.", "x..x..x.x..x..x.", "..x...x...x...x.", "x.?.x.?.x.?.x.xx"),
            "perc": ("......x.....x...", "..........x...x."),
        },
        half=True,
        human=0.05,
    ),
    "drum and bass": Style(
        (164, 182),
        {
            "kick": ("x.........x.....", "x.........x..x..", "x.x.......x.....", "x.....x...x....."),
            "snare": ("....x.......x...", "....x..o....x...", "....x..o.o..x..."),
            "hat": (*_EIGHTHS, "x.xxx.x.x.xxx.x.", *_SIXTEENTHS[:1]),
            "shaker": _SIXTEENTHS,
        },
        human=0.2,
    ),
    "jungle": Style(
        (150, 178),
        {
            "kick": ("x.x.......xx....", "x.x.......x.....x.x.......xx....", "x.........x...x.", "x.x....x..x....."),
            "snare": (
                "....x..o.o..x..o",
                "....x..o.o..x..o....x..o.o....x.",
                "....x..x.x....x.",
                "....x..x....x..o..o.x..o.x....x.",
            ),
            "hat": (*_EIGHTHS, "x.x.x.x.x.x.x.xx"),
        },
        human=0.6,
    ),
    "breakbeat": Style(
        (105, 145),
        {
            "kick": ("x.x.......xx....", "x..x..x...x.....", "x.......x.x.....", "x.....x...xx...."),
            "snare": ("....x..o.o..x..o", "....x.......x...", "....x..o....x.o.", "....x..x....x..x"),
            "hat": (*_EIGHTHS, *_SIXTEENTHS),
            "open": ("......x.........", "..............x."),
        },
        swing=(0.0, 0.2),
        human=0.5,
    ),
    "garage": Style(
        (126, 138),
        {
            "kick": ("x.........x.....", "x..x......x.....", "x......x..x....."),
            "snare": ("....x.......x...", "....x..?....x..?"),
            "hat": ("..x...x...x...x.", "x.xxx.xxx.x.x.xx", "..x..xx...x..xx."),
            "perc": ("...x..x....x..x.", ".......x..x....."),
        },
        swing=(0.2, 0.6),
        human=0.1,
    ),
    "footwork": Style(
        (152, 166),
        {
            "kick": ("x..x..x.x..x..x.", "x..x..x...x..x..", "x.....x.....x..."),
            "clap": ("........x.......", "....x.......x..."),
            "hat": ("..x...x...x...x.", "x.x.x.x.x.x.x.x."),
            "tom": ("x..x..x..x..x.x.", "...x.x....x.x..."),
        },
        human=0.05,
    ),
    "electro": Style(
        (108, 136),
        {
            "kick": ("x.....x...x.....", "x..x..x...x...x.", "x.....x......x.."),
            "snare": _BACK,
            "hat": (*_SIXTEENTHS, *_EIGHTHS),
            "cowbell": ("x..x..x.x..x..x.", "..x..x....x..x.."),
        },
        human=0.05,
    ),
    "synthwave": Style(
        (78, 120), {"kick": (*_FOUR, "x.......x......."), "snare": _BACK[:1], "hat": _EIGHTHS}, human=0.1
    ),
    "downtempo": Style(
        (64, 102),
        {
            "kick": ("x.......x.......", "x......x..x.....", "x.........x.....", "x..x......x....."),
            "snare": (*_BACK, "............x..."),
            "hat": (*_EIGHTHS, *_SIXTEENTHS, "..x...x...x...x."),
            "perc": ("...x..x....x..x.", "......x.....x..."),
        },
        swing=(0.0, 0.3),
    ),
    "reggae": Style(
        (62, 90),
        {
            "kick": ("........x.......", "x.......x.......", *_FOUR),
            "rim": ("........x.......", "........x.....o."),
            "hat": (*_EIGHTHS, "x.xxx.x.x.xxx.x."),
        },
        swing=(0.0, 0.4),
        human=0.6,
    ),
    "dancehall": Style(
        (86, 110),
        {
            "kick": ("x..x..x.x..x..x.", "x.......x.......", *_FOUR),
            "snare": ("...x..x....x..x.", "......x.......x."),
            "hat": _EIGHTHS,
        },
        human=0.1,
    ),
    "reggaeton": Style(
        (84, 108),
        {
            "kick": _FOUR,
            "snare": ("...x..x....x..x.", "...x..x....x..xx"),
            "hat": (*_EIGHTHS, *_SIXTEENTHS),
            "shaker": _SIXTEENTHS,
        },
        human=0.05,
    ),
    "afrobeat": Style(
        (94, 128),
        {
            "kick": ("x.....x...x.....", "x..x..x...x.....", "x...x...x...x...", "x......xx......."),
            "snare": ("....x.......x...", "...x..x.....x...", "......x......x.."),
            "hat": ("x.xxx.xxx.xxx.xx", *_SIXTEENTHS),
            "shaker": ("xoxoxoxoxoxoxoxo", "x.xxx.xxx.xxx.xx"),
            "conga": ("..x...xx..x...xx", "x..x..xx..x.x...", "x.?x..x.x.?x..x."),
            "cowbell": ("x..x..x...x.x...", "x.x.xx.x.x.xx.x."),
        },
        human=0.6,
    ),
    "amapiano": Style(
        (108, 116),
        {
            "kick": (*_FOUR, "x...x...x.......", "................"),
            "tom": ("...x..x....x..x.", "x..x..x...x..x..", "......x..x....x."),
            "shaker": _SIXTEENTHS,
            "rim": ("...x..x.....x...", "....x.......x..."),
        },
        human=0.2,
    ),
    "samba": Style(
        (88, 124),
        {
            "kick": ("x..xx..xx..xx..x", "o...x...o...x...", "x..ox..ox..ox..o"),
            "hat": ("xooxxooxxooxxoox", "x.xxx.xxx.xxx.xx"),
            "rim": ("x.x..x.x.x.x.xx.", "x.x.xx.x.x.xx.x."),
            "shaker": _SIXTEENTHS,
        },
        human=0.8,
    ),
    "bossa": Style(
        (110, 168),
        {
            "kick": ("x.....x.x.....x.", "x......xx......x"),
            "rim": ("x.....x.....x.......x.....x.....", "x.....x.....x..."),
            "hat": (*_EIGHTHS, *_SIXTEENTHS[:1]),
        },
        human=0.8,
    ),
    "salsa": Style(
        (150, 215),
        {
            "rim": ("x.....x.....x.......x...x.......", "....x...x.......x.....x.....x..."),
            "cowbell": ("x...x...x...x...", "x...x.x.x...x.x."),
            "conga": ("....x.....x.x...", "x.x.x.x.x.x.xxx.", "....x.......x.x."),
            "shaker": ("x.x.x.x.x.x.x.x.",),
            "kick": ("......x.....x...",),
        },
        human=0.8,
    ),
    "cha-cha": Style(
        (104, 128),
        {
            "cowbell": _FOUR,
            "conga": ("....x.......x.x.", "x.x.x.x.x.x.x.x."),
            "shaker": _EIGHTHS,
            "rim": ("..x.x...x..x..x.",),
        },
        human=0.7,
    ),
    "jazz": Style(
        (92, 215),
        {
            "ride": ("x..x.xx..x.x", "x..x..x..x..", "x..x.xx..x.x", "x..x.xx..x.."),
            "hat": ("...x.....x..",),
            "kick": ("............", "x..o..x..o..", "..........?."),
            "snare": ("............", ".....?.....?", "..?.....?...", "........x..."),
        },
        steps=3,
        human=0.95,
    ),
    "shuffle": Style(
        (76, 142),
        {
            "kick": ("x.....x.....", "x.....x.x...", "x..x..x..x.."),
            "snare": ("...x.....x..", "...x.o...x.o"),
            "hat": ("x.xx.xx.xx.x", "x..x..x..x.."),
        },
        steps=3,
        human=0.8,
    ),
    "slow blues": Style(
        (48, 78),
        {"kick": ("x.....x.....", "x....xx....."), "snare": ("...x.....x..",), "hat": ("xxxxxxxxxxxx", "x.xx.xx.xx.x")},
        steps=3,
        human=0.8,
    ),
    "waltz": Style(
        (84, 190),
        {
            "kick": ("x...........", "x.........o."),
            "snare": ("....x...x...", "....o...o...", "........x..."),
            "hat": ("x.x.x.x.x.x.", "x...x...x...", "....x...x..."),
            "shaker": ("x.x.x.x.x.x.", "xoxoxoxoxoxo"),
        },
        beats=3,
        human=0.5,
    ),
    "march": Style(
        (96, 132), {"kick": ("x.......x.......", *_FOUR), "snare": ("x.xxx.x.x.xxxxxx", "....x.oo....x.oo")}, human=0.8
    ),
    "train": Style(
        (84, 126), {"kick": ("x.......x.......", *_FOUR), "snare": ("ooxoooxoooxoooxo", "o.x.o.x.o.x.o.xo")}, human=0.9
    ),
    "two-step": Style(
        (150, 240), {"kick": ("x.......x.......",), "snare": _BACK[:1], "hat": ("x...x...x...x...",)}, human=0.8
    ),
    "ska": Style(
        (112, 176),
        {"kick": ("x.......x.......", *_FOUR), "snare": _BACK[:1], "hat": ("..x...x...x...x.", *_EIGHTHS)},
        human=0.7,
    ),
    "tribal": Style(
        (96, 136),
        {
            "tom": ("x..x..x.x.x.x...", "x.x..x.xx.x..x.x", "x...x.x.x..xx.x."),
            "conga": ("..x...xx..x...xx", "x.xx..x.x.xx..x.", "xooxxoxoxooxxoxo"),
            "shaker": _SIXTEENTHS,
            "kick": (*_FOUR, "x.......x.......", "................"),
        },
        human=0.7,
    ),
    "six eight": Style(
        (46, 96),
        {
            "kick": ("x.....x.....", "x...x.x....."),
            "snare": ("...x.....x..", "......x....."),
            "hat": ("xxxxxxxxxxxx", "x.xx.xx.xx.x"),
        },
        steps=3,
        human=0.5,
    ),
}
