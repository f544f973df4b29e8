"""Sets damaged data of a private Chroma aside: the record has every vector."""

import os
import signal
from contextlib import suppress
from pathlib import Path

from config.settings import Settings
from samplemind_worker.local_services import damage
from samplemind_worker.local_services.home import Home
from samplemind_worker.local_services.services import private_names


def start_anew(settings: Settings) -> Path | None:
    """Have a private Chroma start with an empty folder; return where its data is now, None if there was none.

    The folder is moved before the server is ended. The supervisor starts it again.
    """
    home = Home(settings.home)
    if "chroma" not in private_names(settings) or home.holder() is None:
        return None
    aside = damage.set_aside(home.data_folder("chroma"))
    running = home.read_state().services.get("chroma")
    if running is not None:
        with suppress(ProcessLookupError):
            # SIGKILL, because a server that shuts down would write to the new folder.
            os.kill(running.pid, signal.SIGKILL)
    return aside
