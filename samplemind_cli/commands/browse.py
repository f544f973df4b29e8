"""``browse``: the library on a screen of text."""

import signal
from typing import Annotated, Any, Literal

import typer

from samplemind_cli import filters as filter_options
from samplemind_cli import output
from samplemind_worker.errors import UsageError


@filter_options.filtered
def browse(
    text: Annotated[
        list[str] | None, typer.Argument(metavar="TEXT", help="Words to begin with.", show_default=False)
    ] = None,
    *,
    filters: dict[str, Any],
    sort: Annotated[
        Literal["match", "added", "name", "tempo", "duration", "loudness"] | None,
        typer.Option("--sort", help="Order, by default match, or added without words.", show_default=False),
    ] = None,
) -> None:
    """Browse the library, and listen, in the terminal.

    The arrow keys move and play, enter copies the path, and ? lists all keys.
    """
    if not output.has_screen():
        raise UsageError("`browse` needs a terminal with a screen; `samplemind search` prints a list")
    filter_options.check(filters)
    from samplemind_cli import record  # noqa: PLC0415 -- slow import
    from samplemind_cli.browse.app import Browser  # noqa: PLC0415 -- slow import

    with record.open_record() as settings:
        filter_options.chosen(filters, settings)  # a batch or collection that is not there is told before the screen is
        browser = Browser(settings, text=" ".join(text or ()), filters=filters, order=None if sort == "match" else sort)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda received, _: browser.leave(received))
        try:
            browser.run()
        finally:
            browser.audition.stop()
        if browser.return_code:
            raise typer.Exit(browser.return_code)
