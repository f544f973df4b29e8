"""Kits are read back as the programs that load them read them, from their published layouts."""

import re
import tarfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import soundfile as sf

from config.settings import Settings
from samplemind_worker.errors import MissingFileError, UsageError
from samplemind_worker.interchange.kits.building import FORMATS, build, read_formats
from samplemind_worker.interchange.kits.kit import Kit, Pad
from samplemind_worker.interchange.kits.roles import ROLES

SETTINGS = Settings(_env_file=None)
HOSTILE = 'Kick "A&B" <1> $x=1 key=99 \u0007é.wav'
H2 = "{http://www.hydrogen-music.org/drumkit}"
# Hydrogen 1.2's drumkit.xsd: what an instrument has, in this order.
H2_INSTRUMENT = [
    "id", "name", "volume", "isMuted", "isSoloed", "pan_L", "pan_R", "pitchOffset", "randomPitchFactor", "gain",
    "applyVelocity", "filterActive", "filterCutoff", "filterResonance", "Attack", "Decay", "Sustain", "Release",
    "muteGroup", "midiOutChannel", "midiOutNote", "isStopNote", "sampleSelectionAlgo", "isHihat", "lower_cc",
    "higher_cc", "FX1Level", "FX2Level", "FX3Level", "FX4Level", "instrumentComponent",
]  # fmt: skip


def pads_of(folder: Path, names: dict[str, str]) -> list[Pad]:
    """One pad per role that is named, each with a real file."""
    found: list[Pad] = []
    for number, role in enumerate(role for role in ROLES if role.name in names):
        path = folder / names[role.name]
        path.parent.mkdir(parents=True, exist_ok=True)
        y = np.random.default_rng(number).uniform(-0.5, 0.5, 4410).astype(np.float32)
        sf.write(str(path), y, 44_100)
        info = sf.info(str(path))
        found.append(Pad(role, f"{number:064}", path, info.frames, 44_100, info.subtype, -1.5 * number, 0.25 - number))
    return found


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    names = {"kick": HOSTILE, "snare": "s.flac", "hat_closed": "Hat.wav", "hat_open": "other/hat.WAV", "perc": "p.ogg"}
    return Kit('Dusty & "Co" <1>\u0001', 7, pads_of(tmp_path / "library", names))


def xml_of(path: Path) -> ET.Element:
    return ET.fromstring(path.read_bytes())  # noqa: S314 -- the test has written it


def sfz_regions(path: Path) -> list[dict[str, str]]:
    """Read an SFZ as sfzformat.com describes it: headers, and opcodes whose values end before the next opcode."""
    text = re.sub(r"//.*", "", path.read_text(encoding="utf-8"))
    assert "$" not in text
    regions: list[dict[str, str]] = []
    shared: dict[str, str] = {}
    for header, body in re.findall(r"<(\w+)>([^<]*)", text):
        opcodes = dict(re.findall(r"(\w+)=(.*?)(?=\s+\w+=|\s*$)", body, re.DOTALL))
        if header == "global":
            shared = opcodes
        elif header == "region":
            regions.append(shared | opcodes)
    return regions


def test_sfz_plays_every_sample_on_its_note(kit: Kit, tmp_path: Path):
    build(kit, tmp_path / "kit", ["sfz"], link=False, settings=SETTINGS)

    regions = sfz_regions(tmp_path / "kit" / "Dusty_Co_1.sfz")
    assert [int(each["key"]) for each in regions] == [36, 38, 42, 46, 60]
    for region, pad in zip(regions, kit.pads, strict=True):
        y, _ = sf.read(tmp_path / "kit" / region["sample"], dtype="float32")
        before, _ = sf.read(str(pad.source), dtype="float32")
        # OGG is read by some players alone, and becomes a WAV of 24 bits.
        assert np.abs(y - before).max() <= (2.0**-24 if pad.source.suffix == ".ogg" else 0.0)
        assert float(region["volume"]) == pad.gain_db
        cents = 100 * int(region.get("transpose", 0)) + int(region.get("tune", 0))
        assert cents == pytest.approx(100 * pad.tune)
    assert [(each.get("group"), each.get("off_by")) for each in regions] == [
        (None, None), (None, None), ("1", "1"), ("1", "1"), (None, None),
    ]  # fmt: skip
    assert {each["loop_mode"] for each in regions} == {"one_shot"}


def test_decent_sampler_plays_every_sample_on_its_note(kit: Kit, tmp_path: Path):
    build(kit, tmp_path / "kit", ["decent-sampler"], link=False, settings=SETTINGS)

    top = xml_of(tmp_path / "kit" / "Dusty_Co_1.dspreset")
    assert (top.tag, [each.tag for each in top]) == ("DecentSampler", ["groups"])
    groups = top.findall("groups/group")
    found = [each.attrib for group in groups for each in group.findall("sample")]
    assert [each["rootNote"] for each in found] == ["36", "38", "42", "46", "60"]
    assert (
        [each["loNote"] for each in found] == [each["hiNote"] for each in found] == [each["rootNote"] for each in found]
    )
    assert [float(each["volume"].removesuffix("dB")) for each in found] == [pad.gain_db for pad in kit.pads]
    assert [float(each["tuning"]) for each in found] == [pad.tune for pad in kit.pads]
    assert all((tmp_path / "kit" / each["path"]).is_file() for each in found)
    # OGG is no format of DecentSampler.
    assert [Path(each["path"]).suffix for each in found] == [".wav", ".flac", ".wav", ".wav", ".wav"]
    hats = [group for group in groups if group.get("silencedByTags")]
    assert [(each.get("name"), each.get("tags"), each.get("silencingMode")) for each in hats] == [
        ("hat_closed", "choke1", "fast"), ("hat_open", "choke1", "fast"),
    ]  # fmt: skip


def test_hydrogen_holds_the_samples_and_what_its_schema_asks_for(kit: Kit, tmp_path: Path):
    build(kit, tmp_path / "kit", ["hydrogen"], link=True, settings=SETTINGS)

    with tarfile.open(tmp_path / "kit" / "Dusty_Co_1.h2drumkit") as archive:
        archive.extractall(tmp_path / "read", filter="data")
    top = xml_of(tmp_path / "read" / "Dusty_Co_1" / "drumkit.xml")
    assert top.tag == H2 + "drumkit_info"
    assert top.findtext(H2 + "name") == 'Dusty & "Co" <1>?'
    instruments = top.findall(f"{H2}instrumentList/{H2}instrument")
    assert [[each.tag.removeprefix(H2) for each in one] for one in instruments] == [H2_INSTRUMENT] * 5
    assert [one.findtext(H2 + "midiOutNote") for one in instruments] == ["36", "38", "42", "46", "60"]
    assert [one.findtext(H2 + "muteGroup") for one in instruments] == ["-1", "-1", "1", "1", "-1"]
    components = {each.text for each in top.iter(H2 + "component_id")}
    assert components == {each.text for each in top.iterfind(f".//{H2}drumkitComponent/{H2}id")}
    for layer, pad in zip(top.iter(H2 + "layer"), kit.pads, strict=True):
        name = layer.findtext(H2 + "filename") or ""
        y, _ = sf.read(tmp_path / "read" / "Dusty_Co_1" / name, dtype="float32")
        assert len(y) == pad.frames
        assert 20.0 * np.log10(float(layer.findtext(H2 + "gain") or 0)) == pytest.approx(pad.gain_db, abs=0.01)
        assert float(layer.findtext(H2 + "pitch") or 0) == pad.tune


def test_the_mpc_gets_pcm_and_a_pad_per_sound(kit: Kit, tmp_path: Path):
    build(kit, tmp_path / "kit", ["mpc"], link=False, settings=SETTINGS)

    top = xml_of(tmp_path / "kit" / "Dusty_Co_1.xpm")
    program = top.find("Program")
    assert (top.tag, None if program is None else program.get("type")) == ("MPCVObject", "Drum")
    instruments = top.findall("Program/Instruments/Instrument")
    assert [each.get("number") for each in instruments] == [str(number) for number in range(1, 129)]
    notes = [int(each.findtext("Note") or -1) for each in top.findall("Program/PadNoteMap/PadNote")]
    assert notes[:5] == [36, 38, 42, 46, 60]
    assert sorted(notes) == list(range(128))
    assert [each.findtext("MuteGroup") for each in instruments[:5]] == ["0", "0", "1", "1", "0"]
    for instrument, pad in zip(instruments, kit.pads, strict=False):
        layer = instrument.find("Layers/Layer")
        assert layer is not None
        path = tmp_path / "kit" / f"{layer.findtext('SampleName')}.wav"
        assert sf.info(path).subtype in {"PCM_16", "PCM_24"}
        assert sf.info(path).frames == int(layer.findtext("SliceEnd") or 0) == pad.frames
        tuned = 100 * int(layer.findtext("TuneCoarse") or 0) + int(layer.findtext("TuneFine") or 0)
        assert tuned == pytest.approx(100 * pad.tune)
    assert instruments[5].find("Layers/Layer") is None


def test_a_folder_links_the_library_if_asked_to(kit: Kit, tmp_path: Path):
    build(kit, tmp_path / "kit", ["folder"], link=True, settings=SETTINGS)

    links = sorted(path for path in (tmp_path / "kit").iterdir() if path.name != "kit.json")
    assert [path.readlink() for path in links] == [pad.source for pad in kit.pads]
    assert [path.name for path in links][:2] == ["01_kick_Kick_A_B_1_x_1_key_99_e.wav", "02_snare_s.flac"]


def test_equal_kits_are_equal_bytes(kit: Kit, tmp_path: Path):
    for name in ("one", "two"):
        build(kit, tmp_path / name, FORMATS, link=False, settings=SETTINGS)

    def content(name: str) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}

    assert content("one") == content("two")


def test_a_sample_that_is_gone_leaves_no_half_a_kit(kit: Kit, tmp_path: Path):
    kit.pads[3].source.unlink()

    with pytest.raises(MissingFileError, match=r"hat\.WAV"):
        build(kit, tmp_path / "kit", ["sfz"], link=False, settings=SETTINGS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["library"]


@pytest.mark.parametrize("text", ["", "sfz,reason", ","])
def test_a_format_that_is_none_is_told(text: str):
    with pytest.raises(UsageError, match="is none of sfz, decent-sampler, hydrogen, mpc, folder"):
        read_formats(text)


def test_formats_are_read_once_each():
    found: Any = read_formats(" SFZ, mpc,sfz")

    assert found == ("sfz", "mpc")
