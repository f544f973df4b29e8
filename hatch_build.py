"""Puts the manual page into a wheel, where ``man`` finds it: ``share/man/man1`` beside the command's ``bin``."""

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ManualHook(BuildHookInterface[Any]):
    """Writes ``samplemind.1`` for the time of a build; it is made from the texts of ``--help``, and never kept."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the page, and add it to the wheel."""
        del version  # editable or not: `man` finds it in both
        sys.path.insert(0, self.root)
        from samplemind_cli.manual import page  # noqa: PLC0415 -- after the path to it

        self._folder = tempfile.TemporaryDirectory(prefix="samplemind-manual-")
        manual = Path(self._folder.name) / "samplemind.1"
        manual.write_text(page(self.metadata.version), encoding="utf-8")
        build_data["shared_data"][str(manual)] = "share/man/man1/samplemind.1"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was made for the build."""
        del version, build_data, artifact_path
        self._folder.cleanup()
