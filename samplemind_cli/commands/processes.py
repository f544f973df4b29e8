"""``worker``, ``beat``, ``flower`` and ``exporter``: the processes of a deployment, with safe defaults.

Each command replaces itself with the process, so that a supervisor's signals reach it and no parent stays.
"""

import os
import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from samplemind_cli import output
from samplemind_worker.errors import SetupError
from samplemind_worker.isolation import NEUTRAL_FOLDER

if TYPE_CHECKING:
    from config.settings import Settings


_URLS = frozenset({"SAMPLEMIND_REDIS_URL", "SAMPLEMIND_MONGODB_URL", "SAMPLEMIND_CHROMA_URL"})


def worker(
    *,
    queues: Annotated[
        Literal["cpu", "io", "store", "ai"],
        typer.Option(
            help="cpu: the analysis. io: summaries, storing, dispatch. store and ai: the same by two workers, so that "
            "models which hang hold up nothing else."
        ),
    ] = "cpu",
    concurrency: Annotated[
        int | None,
        typer.Option(min=1, max=1024, help="Children of a cpu worker, threads of the others.", show_default=False),
    ] = None,
) -> None:
    """Run a worker until it is stopped."""
    arguments = ["worker", "--role", queues]
    if concurrency is not None:
        arguments += ["--concurrency", str(concurrency)]
    become(["samplemind_worker.app", *arguments], environment_of(_settings()))


def beat() -> None:
    """Run the scheduler; a deployment needs exactly one."""
    become(["samplemind_worker.app", "beat"], environment_of(_settings(queue_is_enough=True)))


def flower(
    *,
    address: Annotated[
        str, typer.Option(help="Listen here; beyond this machine only behind a proxy with TLS.")
    ] = "127.0.0.1",
) -> None:
    """Run Flower: queues and workers in a browser.

    It asks for a password.
    """
    import secrets  # noqa: PLC0415 -- slow import

    settings = _settings(queue_is_enough=True)
    password = settings.flower_password.get_secret_value() if settings.flower_password is not None else ""
    if not password:
        password = secrets.token_urlsafe(16)
        output.note(f"Flower: user {settings.flower_user}, password {password} (SAMPLEMIND_FLOWER_PASSWORD is not set)")
    if ":" in settings.flower_user:
        raise SetupError("SAMPLEMIND_FLOWER_USER must not contain a colon, which ends the name in a password dialogue")
    # In the environment, not on the command line, which every user of the machine can read.
    environment = environment_of(settings) | {"SAMPLEMIND_FLOWER_PASSWORD": password}
    arguments = ["flower", "--address", address, "--port", str(settings.flower_port)]
    output.note(f"Flower: http://{address}:{settings.flower_port}")
    become(["samplemind_worker.app", *arguments], environment)


def exporter(
    *,
    address: Annotated[
        str | None,
        typer.Option(help="Listen here; default: SAMPLEMIND_METRICS_ADDRESS, 127.0.0.1.", show_default=False),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Default: SAMPLEMIND_METRICS_PORT and five, or 9645.", show_default=False),
    ] = None,
) -> None:
    """Serve the metrics of the record and the queues to Prometheus."""
    from samplemind_worker.metrics.definitions import FIRST_PORT, port_of  # noqa: PLC0415 -- slow import

    settings = _settings()
    chosen = port or port_of("exporter", first=settings.metrics_port or FIRST_PORT)
    arguments = ["--address", address or settings.metrics_address, "--port", str(chosen)]
    become(["samplemind_worker.exporter", *arguments], environment_of(settings))


def _settings(*, queue_is_enough: bool = False) -> "Settings":
    """Return the settings, with the URLs of all stores, or of Redis alone for a process that opens nothing else."""
    from config.settings import get_settings  # noqa: PLC0415 -- slow import
    from samplemind_worker.local_services import connected, join_for_good  # noqa: PLC0415 -- slow import

    given = get_settings()
    if queue_is_enough and given.redis_url is not None:
        return given
    settings = connected(given)
    if settings is None:
        raise SetupError(
            "set SAMPLEMIND_REDIS_URL, SAMPLEMIND_MONGODB_URL and SAMPLEMIND_CHROMA_URL, "
            "or start the private services with `samplemind up --detach`"
        )
    join_for_good(get_settings(), say=output.note)
    return settings


def environment_of(settings: "Settings") -> dict[str, str]:
    """Return the environment with the URLs, and with its settings rewritten: relative paths depend on the folder.

    Settings from files are read from there again, so that secrets in them stay out of the environment.
    """
    from samplemind_worker.local_services.services import setting_env  # noqa: PLC0415 -- slow import

    given = {name.upper() for name in os.environ} | _URLS
    settled = {name: value for name, value in setting_env(settings).items() if name in given}
    return {name: value for name, value in os.environ.items() if name.upper() not in settled} | settled


def become(module: list[str], environment: dict[str, str]) -> None:
    """Replace this process by a module of ours."""
    sys.stdout.flush()
    # Flower runs a `flowerconfig.py` of the working folder, and Celery imports from there.
    os.chdir(NEUTRAL_FOLDER)
    # -P keeps Python from importing from there.
    os.execve(sys.executable, [sys.executable, "-P", "-m", *module], environment)  # noqa: S606 -- our own command line
