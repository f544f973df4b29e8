"""Where bytes of strangers are decoded: a process that can harm nobody, and whose death costs one file.

::

    worker ── lobby ──> server        a clean program, started once a worker: it has loaded everything and holds nothing
      │                   └ fork      whenever a process of the worker asks
      ├── control ────> keeper        starts one decoder, ends it, says how it ended
      │                   └ fork
      └── channel ────> decoder       confined: gets open files, gives facts as JSON and samples in shared memory

`client` is the worker's side, `server` the other one, `confine` what a decoder may still do, `wire` the messages.
What a decoder says is not trusted: sizes are checked, nothing is unpickled, and samples are copied out of the shared
memory by reading, as a mapping that is cut short would kill the reader.
"""

from samplemind_worker.sandbox.client import Answer, Bounds, Sandbox, Wanted, shared
from samplemind_worker.sandbox.wire import PROTECTIONS

__all__ = ["PROTECTIONS", "Answer", "Bounds", "Sandbox", "Wanted", "shared"]
