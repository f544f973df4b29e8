"""Two examples of each command and group of commands, which its help ends with. A test parses them all."""

from typing import Final

EXAMPLES: Final[dict[str, tuple[str, str]]] = {
    "analyze": ("analyze kick.wav", "analyze ~/Samples/drums --json"),
    "submit": ("submit ~/Samples --wait", "submit ~/Samples --dry-run"),
    "status": ("status", "status last --watch"),
    "files": ("files last", "files last --state failed"),
    "retry": ("retry last", "retry last~1"),
    "cancel": ("cancel last", "cancel 20260131-0812"),
    "pause": ("pause last", "pause 20260131-0812"),
    "resume": ("resume last", "resume 20260131-0812"),
    "show": ("show ~/Samples/kick.wav", "show 3f9a1c --all"),
    "search": ("search dark kick -loop", "search --key Am --compatible --bpm 120..128"),
    "browse": ("browse", "browse dusty --kind loop --since 7d"),
    "similar": ("similar kick.wav", "similar 3f9a1c --by timbre --limit 5"),
    "match": ("match loop.wav", "match --key Am --bpm 174 --instrument bass"),
    "duplicates": ("duplicates", "duplicates --near --json"),
    "library": ("library", "library --json"),
    "plan": ("plan", "plan --step tempo"),
    "reanalyze": ("reanalyze --step tempo", "reanalyze --where kick"),
    "reindex": ("reindex", "reindex --json"),
    "backup": ("backup ~/Backups/samplemind", "backup /mnt/nas/samplemind --json"),
    "restore": ("restore ~/Backups/samplemind --dry-run", "restore ~/Backups/samplemind"),
    "kit": ("kit --from dusty -o dusty-kit", "kit --style house --to hydrogen -o house-kit"),
    "slice": ("slice break.wav", "slice break.wav --to cues"),
    "organize": ("organize --dry-run", "organize --json"),
    "stems": ("stems song.wav", "stems song.wav --dry-run"),
    "tag": ("tag ~/Samples/drums", "tag --runs"),
    "summarize": ("summarize --missing --budget 1", "summarize last --provider local"),
    "export": ("export --all -o library.csv", "export last --format json"),
    "ingest": ("ingest ~/Inbox --wait", "ingest --json"),
    "watch": ("watch ~/Inbox", "watch ~/Inbox --json"),
    "forget": ("forget ~/Samples/old --dry-run", "forget ~/Samples/old"),
    "web": ("web", "web --port 8080 --no-open"),
    "demo": ("demo", "demo ~/Music/demo --remove"),
    "up": ("up", "up --detach --web"),
    "down": ("down", "down --force"),
    "doctor": ("doctor", "doctor --json"),
    "config": ("config --changed", "config --json"),
    "worker": ("worker", "worker --queues io --concurrency 8"),
    "exporter": ("exporter", "exporter --port 9700"),
    "logs": ("logs last", "logs --follow"),
    "schema": ("schema", "schema status"),
    "beat": ("beat", "--debug beat"),
    "help": ("help submit", "help roots move"),
    "roots": ("roots move /old/library /new/library", "roots move music /mnt/nas/music --dry-run"),
    "roots move": ("roots move /old/library /new/library", "roots move music /mnt/nas/music --dry-run"),
    "user": ("user add anna --role admin", "user list"),
    "user add": ("user add anna --role admin", "user add ben --role producer --root drums"),
    "user list": ("user list", "user list --json"),
    "user disable": ("user disable anna", "user disable ben"),
    "user enable": ("user enable anna", "user enable ben"),
    "user password": ("user password anna", "user password ben"),
    "flower": ("flower", "flower --address 127.0.0.1"),
}
"""The examples of each command, without the name of the program."""


def text_of(name: str) -> str | None:
    """Return what the help of a command ends with; None if it has no examples."""
    examples = EXAMPLES.get(name)
    return examples and "\b\nExamples:\n" + "\n".join(f"  samplemind {each}" for each in examples)
