"""``python -m samplemind_web.openapi``: prints the OpenAPI document, from which the types of the page are generated."""

import sys

import orjson

from config.settings import Settings
from samplemind_web.app import create_app


def main() -> None:
    """Print the document."""
    app = create_app(Settings.model_construct())
    sys.stdout.buffer.write(orjson.dumps(app.openapi(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")


if __name__ == "__main__":
    main()
