"""``stems``: the parts of a mix."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from samplemind_cli import options, output
from samplemind_worker import times

if TYPE_CHECKING:
    from samplemind_cli.reports import Stems


def stems(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file.", show_default=False, parser=options.path)],
    *,
    method: Annotated[
        Literal["medians", "model"] | None,
        typer.Option("--method", help="By default model, if the settings name one.", show_default=False),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("-o", "--output", help="The new folder.", show_default=False, parser=options.path)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be written.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Separate a mix into drums, bass and the rest.

    Median filters do that, which is quick and imperfect; all parts together are the mix. Another method is a model of
    your own, which SAMPLEMIND_STEMS_MODEL names.
    """
    from config.settings import get_settings  # noqa: PLC0415 -- slow import
    from samplemind_worker.interchange.staging import require_free  # noqa: PLC0415 -- slow import
    from samplemind_worker.interchange.stems import separating  # noqa: PLC0415 -- slow import

    settings = get_settings()
    target = folder or file.parent / f"{file.stem} stems"
    if not dry_run and file.exists():
        require_free(target)
    chosen = method or ("medians" if settings.stems_model is None else "model")
    done = separating.separate(file, target, chosen, settings, dry_run=dry_run)
    if as_json:
        parts: Stems = {"path": str(file), "folder": str(target), "dry_run": dry_run, **done.report()}
        output.emit(parts)
        return
    for name in done.files:
        output.write(f"{output.clean(target / name)}\n")
    by = "median filters" if done.model is None else f"the model {done.model} (licence: {done.licence})"
    output.note(f"{'would separate' if dry_run else 'separated'} {times.span(done.frames / done.rate)} by {by}")
