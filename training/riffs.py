"""What bass, chords and arpeggios play, by steps a beat; written as in `training.patterns`."""

BASSES = {
    4: (
        "x.......x.......",
        "x...x...x...x...",
        "x.x.x.x.x.x.x.x.",
        "..x...x...x...x.",
        "x..x..x.x..x..x.",
        "x.....x...x.....",
        "x..x..x...x.x...",
        ".xxx.xxx.xxx.xxx",
        "x...............",
        "x.......o.....x.",
        "x..xx..x..x.x..x",
        "xxxxxxxxxxxxxxxx",
        "x.........x.....",
        "x.x...x.x...x.x.",
    ),
    3: ("x..x..x..x..", "x.....x.....", "x.xx.xx.xx.x", "x...........", "x..x.xx..x.x"),
}
CHORDS = {
    4: (
        "x...............",
        "x.......x.......",
        "x...x...x...x...",
        "..x...x...x...x.",
        "x..x..x.........",
        "x.x.x.x.x.x.x.x.",
        "....x.......x...",
        "x..x..x.x..x..x.",
        "x..x...x..x.....",
        "x.....x.........",
        "...x..x....x..x.",
        "x.......x.x.....",
    ),
    3: ("x...........", "x.....x.....", "..x..x..x..x", "...x.....x..", "x.x..xx.x..x", "xxxxxxxxxxxx"),
}
ARPEGGIOS = {
    4: (
        "xxxxxxxxxxxxxxxx",
        "x.x.x.x.x.x.x.x.",
        "x..x..x..x..x.x.",
        "x.xxx.xxx.xxx.xx",
        "xx.xx.xxx.xx.xx.",
        "x..x..x.x..x..x.",
    ),
    3: ("xxxxxxxxxxxx", "x.xx.xx.xx.x", "x..x..x..x.."),
}
