"""Kernels are kept on disk by the time of their own file: one that holds code of another has to change with it."""

import hashlib
import re
from pathlib import Path

import pytest

DSP = Path(__file__).parents[2] / "samplemind_worker/dsp"
_IMPORT = re.compile(r"^from samplemind_worker\.dsp\.(_\w+) import", re.MULTILINE)


def _sources(name: str) -> set[str]:
    found = set(_IMPORT.findall((DSP / f"{name}.py").read_text()))
    return found.union(*map(_sources, found))


MODULES = sorted(path.stem for path in DSP.glob("_*.py") if path.stem != "__init__" and _sources(path.stem))


def test_there_are_kernels_that_hold_others():
    assert MODULES == [
        "_character",
        "_chords",
        "_fft",
        "_frames",
        "_kernels",
        "_layers",
        "_loudness",
        "_map",
        "_median",
        "_networks",
        "_notes",
        "_prints",
        "_sounds",
        "_strings",
        "_tones",
        "_trees",
        "_waveform",
    ]


@pytest.mark.parametrize("name", MODULES)
def test_a_kernel_names_the_sources_that_it_was_built_on(name: str):
    sources = b"".join((DSP / f"{source}.py").read_bytes() for source in sorted(_sources(name)))
    digest = hashlib.sha256(sources).hexdigest()[:12]
    assert re.findall(r'^BUILT_ON = "(\w*)"$', (DSP / f"{name}.py").read_text(), re.MULTILINE) == [digest]
