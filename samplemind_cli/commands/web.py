"""``web``: the library in a browser."""

import sys
import webbrowser
from contextlib import nullcontext
from typing import Annotated

import typer

from samplemind_cli import output
from samplemind_cli.commands.processes import become, environment_of


def web(
    *,
    address: Annotated[str, typer.Option(help="Listen here; beyond this machine only behind a proxy with TLS.")] = (
        "127.0.0.1"
    ),
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Default: SAMPLEMIND_WEB_PORT, 8765.", show_default=False)
    ] = None,
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
) -> None:
    """Serve the page and the API, until Ctrl-C.

    Private services and workers are started where no URLs are set; they go on afterwards. If these serve the page
    already (`samplemind up --web`), it is only opened.
    """
    from config.settings import get_settings  # noqa: PLC0415 -- slow import
    from samplemind_worker.local_services import join_for_good, web_address  # noqa: PLC0415 -- slow import
    from samplemind_worker.local_services.services import private_names  # noqa: PLC0415 -- slow import
    from samplemind_worker.local_services.session import session  # noqa: PLC0415 -- slow import

    own = get_settings()
    # The server waits for given stores by itself.
    with session(own, workers=True, say=output.note) if private_names(own) else nullcontext(own) as settings:
        open_page = open_page and sys.stdout.isatty()
        running = web_address(own)
        if running is not None and running == f"http://{address}:{port or settings.web_port}/":
            output.note(f"the page: {running}")
            if open_page:
                webbrowser.open(running)
            return
        # Still within the session: nobody stops the services in between.
        join_for_good(own, say=output.note)
        arguments = ["--address", address, "--port", str(port or settings.web_port)]
        if open_page:
            arguments.append("--open")
        become(["samplemind_web", *arguments], environment_of(settings) | {"PYTHONUNBUFFERED": "1"})
