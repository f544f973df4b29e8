"""Where results live."""

import sys
from importlib.util import find_spec

if find_spec("service_identity") is None:
    # For OCSP, PyMongo tries PyOpenSSL, and loads all of cryptography before it finds that this part is missing. None
    # says at once that there is no such module, which saves a tenth of the time of a command that reads the record.
    sys.modules.setdefault("pymongo.pyopenssl_context", None)  # pyright: ignore[reportArgumentType]
