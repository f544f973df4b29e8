"""The server's process ends, whatever its threads wait for."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
WITH_A_THREAD_THAT_NEVER_ENDS = """
import asyncio, threading
from samplemind_web.__main__ import leave
from samplemind_web.threads import Threads

async def serve():
    threads = Threads("disks", most=1)
    threads.start(threading.Event().wait)
    threads.close()

asyncio.run(serve())
print("served")
leave(7)
"""


def test_a_thread_that_never_ends_does_not_keep_the_process():
    done = subprocess.run(
        [sys.executable, "-c", WITH_A_THREAD_THAT_NEVER_ENDS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60.0,
        check=False,
    )

    assert (done.returncode, done.stdout) == (7, "served\n")
