"""``kit``: a drum kit from the library."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samplemind_cli import filters as filter_options
from samplemind_cli import options, output
from samplemind_cli.layout import Column
from samplemind_worker.errors import ServiceUnavailableError, UsageError
from samplemind_worker.text import plural

if TYPE_CHECKING:
    from config.settings import Settings
    from samplemind_cli.reports import Kit as Made
    from samplemind_worker.finding.filters import Filter
    from samplemind_worker.interchange.kits.choosing import Wanted
    from samplemind_worker.interchange.kits.kit import Kit


@filter_options.filtered_by_place
def kit(
    *,
    filters: dict[str, Any],
    words: Annotated[
        str, typer.Option("--from", metavar="TEXT", help="What its sounds are: dusty, punchy.", show_default=False)
    ] = "",
    like: Annotated[
        str | None,
        typer.Option("--like", metavar="FILE_ID_OR_PATH", help="A sound that it goes with.", show_default=False),
    ] = None,
    style: Annotated[
        str, typer.Option("--style", metavar="TEXT", help="What is preferred: house.", show_default=False)
    ] = "",
    key: Annotated[
        str | None, typer.Option("--key", metavar="KEY", help="Tune pitched sounds to it: Am.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, max=2**31, help="Another number is another variant.")] = 0,
    formats: Annotated[
        str, typer.Option("--to", metavar="FORMATS", help="sfz, decent-sampler, hydrogen, mpc, folder; several.")
    ] = "sfz",
    folder: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="The new folder.", show_default=False, parser=options.path),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="What it is called.", show_default=False)] = None,
    link: Annotated[bool, typer.Option("--link", help="Link the samples instead of copying them.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be chosen.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make a drum kit of the library's sounds.

    It has one sound per role, evened in level, on General MIDI notes. The same library and seed give the same kit.
    """
    from samplemind_worker.finding import filter_text, query  # noqa: PLC0415 -- slow import
    from samplemind_worker.interchange.kits import building, choosing  # noqa: PLC0415 -- slow import
    from samplemind_worker.interchange.naming import plain_name  # noqa: PLC0415 -- slow import
    from samplemind_worker.interchange.staging import require_free  # noqa: PLC0415 -- slow import

    chosen_formats = building.read_formats(formats)
    filter_options.check(filters)
    keys = () if key is None else filter_text.read_key(key)
    if keys and keys[0][1] is None:
        raise UsageError(f"--key {key} needs a mode: {key} major or {key} minor")
    called = name or " ".join(part for part in (words, style, Path(like).stem if like else "", f"kit {seed}") if part)
    target = folder or Path(plain_name(called, instead="kit"))
    if not dry_run:
        require_free(target)
    wanted = choosing.Wanted(
        called,
        seed=seed,
        words=query.read(words),
        style=query.read(style),
        key=None if not keys else (keys[0][0], str(keys[0][1])),
    )
    from samplemind_cli import record  # noqa: PLC0415 -- slow import

    with record.open_record() as settings:
        made = _choose(wanted, like, filters, settings)
        if not dry_run:
            building.build(made, target, chosen_formats, link=link, settings=settings)
    _print(made, target, as_json=as_json, dry_run=dry_run)


def _choose(wanted: "Wanted", like: str | None, filters: dict[str, Any], settings: "Settings") -> "Kit":
    from dataclasses import replace  # noqa: PLC0415 -- slow import

    from samplemind_cli import index, library  # noqa: PLC0415 -- slow import
    from samplemind_worker.finding import recipes, similar  # noqa: PLC0415 -- slow import
    from samplemind_worker.interchange.kits.choosing import choose  # noqa: PLC0415 -- slow import
    from samplemind_worker.store import entries  # noqa: PLC0415 -- slow import

    trouble = entries.progress().trouble
    if trouble:
        raise ServiceUnavailableError(trouble)
    wanted = replace(wanted, chosen=filter_options.chosen(filters, settings))
    if like is None:
        return choose(wanted, settings)
    sound = recipes.Sound(like, *library.sound_of(like, settings))
    with index.open_vectors(settings) as current:
        choice = recipes.choose(current, sound)
        index.require(choice.vectors)
        asked = similar.asked(choice, sound)
        has_entries = choice.vectors is current
        path = Path(like).absolute() if library.exists(like) else None

        def _nearest(chosen: "Filter", limit: int) -> dict[str, float]:
            hits = similar.nearest(choice.vectors, asked, chosen, limit=limit, has_entries=has_entries)
            return {hit.file_id: hit.similarity for hit in hits}

        given = None if path is None else (path, (sound.audio, sound.analysis))
        return choose(replace(wanted, nearest=_nearest, given=given), settings)


def _print(kit: "Kit", target: Path, *, as_json: bool, dry_run: bool) -> None:
    if as_json:
        made: Made = {"folder": str(target), "dry_run": dry_run, **kit.report()}
        output.emit(made)
        return
    rows = (
        (
            pad.role.note,
            pad.role.name,
            str(pad.source),
            output.fixed(pad.gain_db, 1),
            output.fixed(pad.tune, 2),
            ", ".join(pad.why) or None,
        )
        for pad in kit.pads
    )
    output.table(("note", "role", Column("file", least=24), "dB", "tune", Column("why", leaves=1)), rows)
    others = [pad.role.name for pad in kit.pads if not pad.is_asked_for]
    if others:
        output.note(f"nothing that fits was found for {', '.join(others)}: other sounds stand in")
    if kit.missing:
        output.note(f"the library has no sound for {', '.join(kit.missing)}")
    if not dry_run:
        output.note(f"wrote {plural(len(kit.pads), 'sound')} to {target}")
