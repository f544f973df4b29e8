"""``up``, ``down`` and ``doctor``: the private services of this machine."""

from typing import TYPE_CHECKING, Annotated

import typer

from samplemind_cli import output
from samplemind_worker.errors import UsageError

if TYPE_CHECKING:
    from samplemind_cli.reports import Check, Health

_SETUP_EXIT = 3


def up(
    *,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Leave them running and come back at once.")] = False,
    web: Annotated[bool, typer.Option("--web", help="Also serve the page and the API, as `samplemind web`.")] = False,
) -> None:
    """Start the private services and workers of this machine.

    They run until Ctrl-C; with --detach in the background, until `samplemind down`.
    """
    from config.settings import get_settings  # noqa: PLC0415 -- slow import
    from samplemind_worker.local_services import run_foreground, start_web  # noqa: PLC0415 -- slow import

    settings = get_settings()
    if settings.redis_url and settings.mongodb_url and settings.chroma_url:
        raise UsageError(
            "SAMPLEMIND_REDIS_URL, SAMPLEMIND_MONGODB_URL and SAMPLEMIND_CHROMA_URL are all set: there is no private "
            "service to start; run `samplemind worker` and `samplemind beat`"
        )
    if not detach and run_foreground(settings, web=web, say=output.note):
        return
    from samplemind_worker.local_services.session import session  # noqa: PLC0415 -- slow import

    with session(settings, workers=True, say=output.note):
        if web:
            output.note(f"the page: {start_web(settings)}")
        output.note(f"running in {settings.home}; end it with `samplemind down`")


def down(
    *,
    force: Annotated[bool, typer.Option("--force", help="Stop them though other commands use them.")] = False,
) -> None:
    """Stop the private services and workers."""
    from config.settings import get_settings  # noqa: PLC0415 -- slow import
    from samplemind_worker.local_services.session import end  # noqa: PLC0415 -- slow import

    output.note("stopped" if end(get_settings(), force=force, say=output.note) else "nothing was running")


def doctor(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say what works on this machine, and how to mend the rest."""
    from config.settings import get_settings  # noqa: PLC0415 -- slow import
    from samplemind_worker.local_services.doctor import diagnose  # noqa: PLC0415 -- slow import

    checks = diagnose(get_settings())
    healthy = all(check.ok for check in checks)
    if as_json:
        rows: list[Check] = [
            {"name": check.name, "state": check.state, "detail": check.detail, "mend": check.mend} for check in checks
        ]
        health: Health = {"ok": healthy, "checks": rows}
        output.emit(health)
    else:
        width = max(len(check.name) for check in checks)
        for check in checks:
            mend = f"; {check.mend}" if check.mend else ""
            typer.echo(f"{check.state:4}  {check.name:{width}}  {check.detail}{mend}")
    if not healthy:
        raise typer.Exit(_SETUP_EXIT)
