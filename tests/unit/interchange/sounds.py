"""Small valid files of each kind, made once, and tags for them."""

import io
import tempfile
from functools import cache

import av
import numpy as np
import soundfile as sf
from hypothesis import strategies as st

from samplemind_worker.interchange import audio_tags
from samplemind_worker.interchange.fields import Planned
from samplemind_worker.interchange.tags import Tags

_KINDS = {
    "wav": ("WAV", "PCM_16", 44100),
    "rf64": ("RF64", "PCM_24", 44100),
    "aiff": ("AIFF", "PCM_16", 44100),
    "flac": ("FLAC", "PCM_16", 44100),
    "ogg": ("OGG", "VORBIS", 44100),
    "opus": ("OGG", "OPUS", 48000),
    "mp3": ("MP3", None, 44100),
}
KINDS = (*_KINDS, "m4a")


@cache
def sound(kind: str) -> bytes:
    """A quarter of a second of noise."""
    noise = (np.random.default_rng(7).standard_normal((12_000, 2)) * 0.1).astype(np.float32)
    file = io.BytesIO()
    if kind == "m4a":
        with av.open(file, "w", format="ipod") as container:
            stream = container.add_stream("aac", rate=44100, layout="stereo")
            for start in range(0, 11_000, 1024):
                part = np.ascontiguousarray(noise[start : start + 1024].T)
                frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="stereo")
                frame.sample_rate, frame.pts = 44100, start
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    else:
        form, subtype, rate = _KINDS[kind]
        sf.write(file, noise, rate, format=form, subtype=subtype)
    return file.getvalue()


LOOP = Tags(
    kind="loop", tempo=127.5, beats=4, tonic=9, mode="minor", key="Am", instrument="drum_loop",
    comment="A höt loop ♯", loudness=-12.34, peak=-0.5, duration=0.25,
)  # fmt: skip
ONE_SHOT = Tags(kind="one_shot", note=69, cents=-20.0, instrument="bass", comment="A bass.", loudness=-12.34, peak=-0.5)

_TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=60).map(str.strip).filter(bool)
tags = st.builds(
    Tags,
    kind=st.sampled_from(["one_shot", "loop", "track", None]),
    tempo=st.none() | st.floats(40, 300).map(lambda value: round(value, 2)),
    beats=st.none() | st.integers(1, 64),
    tonic=st.none() | st.integers(0, 11),
    mode=st.sampled_from(["major", "minor"]),
    key=st.none() | st.sampled_from(["Am", "8A", "F#"]),
    note=st.none() | st.integers(0, 127),
    cents=st.floats(0, 50),
    instrument=st.none() | st.sampled_from(["kick", "bass"]),
    comment=st.none() | _TEXTS,
    loudness=st.none() | st.floats(-60, 0),
    peak=st.none() | st.floats(-60, 3),
)


def tagged(data: bytes, wanted: Tags, *, overwrite: bool = False) -> tuple[bytes, Planned]:
    """Return a file with the tags written into it, and what that changed."""
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as draft:
        source.write(data)
        source.flush()
        plan = audio_tags.plan(source, wanted, overwrite=overwrite)
        audio_tags.write(source, draft, plan)
        draft.seek(0)
        return draft.read(), plan.planned
