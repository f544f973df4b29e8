"""``python -m samplemind_worker.sandbox MODULE PARENT LOBBY``: the server of a sandbox; `client.Sandbox` starts it."""

import sys

from samplemind_worker.sandbox.server import main

main(sys.argv[1:])
