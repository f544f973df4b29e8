"""The fields of the JSON that commands put together themselves. Commands load it for the type checker alone."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from samplemind_worker.documents.facts import Kind, Mode
from samplemind_worker.interchange.reports import CutReport, KitReport, StemsReport


class Cost(TypedDict):
    """What the summaries of some files would usually cost."""

    provider: str
    """Who would be asked."""
    model: str | None
    """The model that would write."""
    requests: int
    """How many requests there would be."""
    input_tokens: int
    """Tokens that would be sent."""
    output_tokens: int
    """Tokens that would be received."""
    usd: float
    """The price in US dollars."""


class Survey(TypedDict):
    """What `submit` would take in."""

    audio: int
    """Audio files."""
    bytes: int
    """Their size."""
    skipped: dict[str, int]
    """How many entries would be skipped, by the reason."""
    ai: Cost | None
    """The cost of summaries, if all files are new; null if no model would write them."""


class SearchHit(TypedDict):
    """A file that a search has found."""

    path: str
    """The first of its paths that passes the filters."""
    file_id: str
    """SHA-256 of its bytes."""
    score: float
    """How well it fits the words, 0 to 1."""
    why: list[str]
    """What made it a hit, for each word."""
    kind: Kind | None
    """What it is: a single sound, a loop, or longer material."""
    tempo: float | None
    """BPM."""
    key: str | None
    """The tonic."""
    mode: Mode | None
    """Major or minor."""
    camelot: str | None
    """The key on the Camelot wheel."""
    chord: str | None
    """The chord of a one-shot."""
    instrument: str | None
    """The instrument."""
    duration: float
    """Seconds."""
    loudness_lufs: float | None
    """Integrated loudness in LUFS."""
    brightness_hz: float | None
    """The centre of the spectrum in Hz."""
    pitch_midi: int | None
    """The note of a one-shot; 60 is C4."""
    descriptors: dict[str, float]
    """Words of docs/vocabulary.md that fit it, each with how well, 0 to 1."""
    tags: list[str]
    """Tags of the file and of its summary."""
    places: list[str]
    """Every path where it lies."""
    added_at: str
    """When it was analysed for the first time (UTC, ISO 8601)."""


class Outdated(TypedDict):
    """How many contents have an older result of a step."""

    version: int
    """The version of the step now."""
    outdated: int
    """Contents with an older result, or none."""


class Pace(TypedDict):
    """How fast the last batches were."""

    batches: int
    """How many batches were measured."""
    files: int
    """How many files they had."""
    files_per_second: float | None
    """Files per second; null if none was measured."""


class Migration(TypedDict):
    """A change of form that documents of a collection need."""

    collection: str
    """The collection."""
    version: int
    """The form that they get."""
    seen: int
    """How many documents were brought to it, or had it."""


class ByWorkers(TypedDict):
    """What the workers do by themselves."""

    vectors: int
    """Vectors that they make anew."""
    migrations: list[Migration]
    """Documents that they bring to their present form."""


class Plan(TypedDict):
    """What this version would analyse again."""

    contents: int
    """All contents that are analysed."""
    steps: dict[str, Outdated]
    """The steps of the analysis."""
    analyze: int
    """Files to analyse again."""
    summarize: int
    """Summaries to write again."""
    draw: int
    """Files to decode for their waveform alone."""
    gone: int
    """Files that are left out, as they lie nowhere."""
    is_exact: bool
    """False if the counts were judged by a sample."""
    cpu_seconds: float
    """CPU time that the files took the last time, in seconds."""
    eta_seconds: int | float | None
    """How long it would take, in seconds; null if that is not known."""
    measured: Pace
    """By what that is expected."""
    ai: Cost | None
    """The cost of the summaries; null if no model would write any."""
    by_workers: ByWorkers
    """What is done without being asked for."""
    without_waveform: int
    """Contents that have no waveform of this version."""


class Rebuilt(TypedDict):
    """What `reindex` has rebuilt."""

    entries: int
    """Library entries, which searches read."""
    vectors: int
    """Vectors in Chroma."""
    converted: int
    """Vectors of an older recipe that were made anew."""
    outdated: int
    """Files that must be submitted again to get a vector of this recipe."""
    seconds: float
    """How long it took."""


class Backup(TypedDict):
    """A backup of the record."""

    folder: str
    """Where it lies."""
    release: str
    """The release of SampleMind that wrote it."""
    made_at: str
    """When it was written (UTC, ISO 8601)."""
    documents: dict[str, int]
    """How many documents it has, by collection."""
    bytes: int
    """Its size."""


class Restored(Backup):
    """A backup that was restored, or would be."""

    dry_run: bool
    """Whether it was only checked."""


class Kit(KitReport):
    """A drum kit, and where it is."""

    folder: str
    """The folder of the kit."""
    dry_run: bool
    """Whether nothing was written."""


class Slices(CutReport):
    """The slices of a file, and where they are."""

    path: str
    """The file that is cut."""
    folder: str | None
    """The folder of the slices; null for cue points."""
    dry_run: bool
    """Whether nothing was written."""


class Stems(StemsReport):
    """The parts of a mix, and where they are."""

    path: str
    """The mix."""
    folder: str
    """The folder of the parts."""
    dry_run: bool
    """Whether nothing was written."""


Status = Literal["planned", "linked", "copied", "moved", "left", "moved back", "removed"]


class Organized(TypedDict):
    """What `organize` has done with a file, or would do."""

    status: Status
    """What was done; the last two with `--undo`."""
    source: str | None
    """Where the file lay; null for a removed file of which that is not known."""
    target: str
    """Where it is in the pattern of folders."""
    why: NotRequired[str]
    """Why it was left."""


class Tagged(TypedDict):
    """What `tag` has done with a file, or would do."""

    path: str
    """The file."""
    state: Literal["written", "unchanged", "left"]
    """What was done."""
    fields: list[str]
    """What was written."""
    kept: NotRequired[list[str]]
    """What holds another value already, and was not replaced."""
    reason: NotRequired[str]
    """Why the file was left."""


class Untagged(TypedDict):
    """What `tag --undo` has done with a file."""

    path: str
    """The file."""
    state: Literal["restored", "left"]
    """What was done."""
    reason: NotRequired[str]
    """Why the file was left."""


class TagRun(TypedDict):
    """A run that can be undone."""

    id: str
    """The id for `--undo`."""
    at: str
    """When it was (ISO 8601)."""
    command: str
    """The command."""
    changes: int
    """How many files it has changed."""


class Forgotten(TypedDict):
    """What was forgotten at or below a path."""

    path: str
    """The path, below the root's folder or name."""
    places: int
    """Files that were taken out of the record."""
    already_gone: int
    """Files that were out before."""


class Forget(TypedDict):
    """What `forget` has done, or would do."""

    dry_run: bool
    """Whether nothing was changed."""
    places: int
    """Files that were taken out of the record, at all paths."""
    paths: list[Forgotten]
    """The same for each path."""


class Moved(TypedDict):
    """What `roots move` has done, or would do."""

    old: str
    """Where the files were."""
    new: str
    """Where they are now."""
    dry_run: bool
    """Whether nothing was changed."""
    moved: int
    """Files that are followed."""
    missing: int
    """Files that are not there, or have another size."""
    ended: int
    """Missing files that were marked as gone."""


Setting = TypedDict(
    "Setting",
    {
        "name": Annotated[str, Field(description="The setting, as in `samplemind.toml`.")],
        "variable": Annotated[str, Field(description="The environment variable that sets it.")],
        "value": Annotated[Any, Field(description="Its value; `(hidden)` for a secret.")],
        "from": Annotated[str | None, Field(description="Where it is set; null if it has its default.")],
    },
)
Setting.__doc__ = "A setting."


class Check(TypedDict):
    """A check of `doctor`."""

    name: str
    """What was checked."""
    state: Literal["ok", "warn", "fail"]
    """The verdict."""
    detail: str
    """What was found."""
    mend: str
    """What to do; empty if nothing has to be done."""


class Health(TypedDict):
    """What works on this machine."""

    ok: bool
    """Whether no check failed."""
    checks: list[Check]
    """The checks."""
