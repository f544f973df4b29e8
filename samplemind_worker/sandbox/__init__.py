"""Decodes untrusted files in a process that can do no harm, and whose death costs one file.

::

    worker ── lobby ──> server        a clean program, started once per worker: it has all code loaded, and no secrets
      │                   └ fork      for each process of the worker that asks
      ├── control ────> keeper        starts one decoder, ends it, reports how it ended
      │                   └ fork
      └── channel ────> decoder       confined: gets open files, gives facts as JSON and samples in shared memory

`client` is the worker's side and `server` the other one; `confine` takes rights from a decoder, and `messages` are what
is sent between them. The server of `analyze` forks the processes that analyse, too, which stay unconfined
(`pipeline.analyst`). A decoder's answers are not trusted: sizes are checked, nothing is unpickled, and samples are read
from the shared memory, not mapped, because a mapping that the decoder truncates would kill the worker.
"""

from samplemind_worker.sandbox.client import Answer, Bounds, Sandbox, Wanted, shared
from samplemind_worker.sandbox.messages import PROTECTIONS

__all__ = ["PROTECTIONS", "Answer", "Bounds", "Sandbox", "Wanted", "shared"]
