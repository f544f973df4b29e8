"""Reads soundfonts that were taken apart: the folder ``sound`` of github.com/surikov/webaudiofontdata.

A file is one drum of a kit (`12836_0_JCLive_sf2_file.js`: note 36, kit 0) or one program (`0250_..`: program 25); its
zones hold a recording each, as base64.
"""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand

import base64
import hashlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from training import cutting, drums, programs

F32 = npt.NDArray[np.float32]
Rng = np.random.Generator

SR = 22050
_RENDERED_ELSEWHERE = {"FluidR3", "LK"}


def _zones(path: Path) -> Iterator[dict[str, str]]:
    """Give the fields of each zone."""
    for zone in path.read_text(errors="replace").split("{")[2:]:
        yield dict(re.findall(r"(\w+):'?([^',\n]*)", zone))


def _decode(zone: dict[str, str]) -> tuple[F32, int]:
    if "file" in zone:
        try:
            y, sr = soundfile.read(io.BytesIO(base64.b64decode(zone["file"])), dtype="float32", always_2d=True)
        except soundfile.LibsndfileError:  # a few are damaged
            return np.zeros(0, np.float32), SR
        return y.mean(axis=1), sr
    return np.frombuffer(base64.b64decode(zone["sample"]), "<i2").astype(np.float32) / 32768.0, int(zone["sampleRate"])


def _hold(y: F32, zone: dict[str, str], sr: int, rng: Rng) -> F32:
    """Play a tone for a while: go around its loop, then let it go."""
    first, last = (int(zone[name]) * sr // int(zone["sampleRate"]) for name in ("loopStart", "loopEnd"))
    wanted = round(float(rng.uniform(0.3, 2.2)) * sr)
    if last - first > 10 and last <= len(y) < wanted + last:
        rounds = -(-wanted // (last - first))
        y = np.concatenate([y[:last], *([y[first:last]] * rounds)])
    y = y[:wanted].copy()
    release = min(len(y), round(float(rng.uniform(0.02, 0.25)) * sr))
    y[len(y) - release :] *= np.linspace(1.0, 0.0, release, dtype=np.float32)
    return y


def _pitch(zone: dict[str, str]) -> float:
    """Give the MIDI number that the header tells: far beyond any key it is damaged, and so may be the rest."""
    return (float(zone["originalPitch"]) - 100.0 * float(zone["coarseTune"]) - float(zone["fineTune"])) / 100.0


def _files(folder: Path) -> Iterator[tuple[Path, str, int | None, int]]:
    """Give each file, its soundfont, and the drum or the program it holds; no orchestral kits, none of effects."""
    odd: set[tuple[str, str]] = set()
    for path in folder.glob("12841_*.js"):
        if re.search(r"//.*(timp|scratch)", path.read_text(errors="replace"), re.IGNORECASE):
            _, kit, font, *_ = path.stem.split("_")
            odd.add((kit, font))
    for path in sorted(folder.glob("*.js")):
        number, *rest = path.stem.split("_")
        drum = int(number) - 12800
        if drum < 0 and rest[0] not in _RENDERED_ELSEWHERE:
            yield path, rest[0], None, int(number) // 10
        elif drum in drums.GENERAL_MIDI and rest[1] not in _RENDERED_ELSEWHERE and (rest[0], rest[1]) not in odd:
            yield path, rest[1], drum, 128


def sounds(rng: Rng, folder: Path) -> Iterator[tuple[F32, dict[str, Any]]]:
    """Give drums and tones; a recording that several kits share, once."""
    seen: set[str] = set()
    for path, font, drum, program in _files(folder):
        for zone in _zones(path):
            source = zone.get("file") or zone.get("sample", "")
            key = hashlib.sha256(source.encode()).hexdigest()
            if not source or key in seen:
                continue
            seen.add(key)
            y, sr = _decode(zone)
            if drum is None:
                y = _hold(y, zone, sr, rng)
            if len(y) <= 200:
                continue
            trimmed = cutting.trim(np.asarray(soxr.resample(y, sr, SR), np.float32), rng)
            if trimmed is not None and (drum is not None or 20.0 < _pitch(zone) < 100.0):
                # What stands in a recording's header is no proof of its pitch: the class is learned, the pitch is not.
                midi = programs.UNKNOWN if drum is None else None
                name = programs.name(program) if drum is None else drums.GENERAL_MIDI[drum]
                yield trimmed, {"midi": midi, "name": name, "program": program, "font": font}
