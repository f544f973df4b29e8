"""The example of `docs/export.md` runs on an exported library."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from samplemind_cli.parquet import MORE_COLUMNS
from samplemind_worker.store import places, results
from samplemind_worker.store.places import Place
from tests.command import Cli
from tests.factories import analysis_facts, audio_facts, content_id

pytestmark = pytest.mark.services

DOCUMENT = Path(__file__).parents[2] / "docs" / "export.md"


@pytest.mark.usefixtures("workspace")
def test_the_first_example_lists_loud_loops(cli: Cli, tmp_path: Path):
    for seed, (kind, tempo, loudness) in enumerate(
        [("loop", 120.0, -14.0), ("loop", 90.0, -3.0), ("loop", 174.0, -9.0), ("one_shot", None, -1.0)]
    ):
        file_id = content_id(seed)
        audio = audio_facts(file_id, loudness_lufs=loudness)
        results.save_analyses([(audio, analysis_facts(file_id, kind=kind, tempo=tempo))])
        places.save([Place("/library", f"{seed}.wav".encode(), file_id, 1, 1, 1, settled=True)])
    found = re.search(r"```python\n(import pyarrow.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert found is not None

    assert cli("export", "--all", "-o", "library.parquet") == (0, "", "")
    shown = subprocess.run([sys.executable, "-c", found[1]], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert re.findall(r"'path': '([^']+)'", shown.stdout) == ["/library/2.wav", "/library/0.wav"]


def test_names_every_column():
    text = DOCUMENT.read_text()
    assert [name for name in MORE_COLUMNS if f"`{name}`" not in text] == []
