"""What folders and names of recordings say."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from samplemind_worker.dsp.instrument import CLASSES
from training import labels, oneshots, programs, sources

NAMED = {source.name: source for source in sources.SOURCES}
OPEN_HAT = ("hat_open", programs.UNKNOWN)


@pytest.mark.parametrize(
    ("stem", "midi"),
    [("cello_As3_1_forte_normal", 58.0), ("D#4vL", 63.0), ("A0vH", 21.0), ("C4", 60.0), ("E2_s1_01", 40.0)],
)
def test_the_note_in_a_name_is_read(stem: str, midi: float):
    assert labels.midi_of(stem) == midi


@pytest.mark.parametrize("stem", ["kick", "12_Snare", "bass-drum__05_forte_struck", "Hat4"])
def test_a_name_without_a_note_has_none(stem: str):
    assert labels.midi_of(stem) is None


@pytest.mark.parametrize(
    ("source", "path", "label"),
    [
        ("steinhoff", "steinhoff/Hardware/logic-board/piano/c-4.ogg", ("piano", 61.0)),
        ("plucked-and-struck", "forbidden-music/public/audio/chromatic/kankles/440.000.wav", ("other", 69.0)),
        ("plucked-and-struck", "forbidden-music/public/audio/chromatic/bassoon/109.974.wav", None),
        ("opendrums", "open-source-drumkit/snare/snare-top-off12.wav", None),
        ("opendrums", "open-source-drumkit/sidestick/sidestick2.wav", ("rim", programs.UNKNOWN)),
        ("muldjord", "muldjord/samples/HihatOpen/21-HihatOpen.flac", ("hat_open", programs.UNKNOWN)),
        ("words", "speech-commands/yes/0a7c2a8d_nohash_0.wav", ("voice", None)),
        ("effects", "cc-sounds/sound/CC-Sounds/open_door/window/open_curtain.ogg", None),
        ("effects", "cc-sounds/sound/CC-Sounds/humming/electric.ogg", ("ambience", programs.UNKNOWN)),
        ("outside", "esc-50/audio/2-103426-A-0.wav", ("fx", programs.UNKNOWN)),
        ("outside", "esc-50/audio/2-103426-A-22.wav", ("", programs.UNKNOWN)),
        ("everyday", "esc-50/audio/2-103426-A-22.wav", ("fx", programs.UNKNOWN)),
        ("everyday", "esc-50/audio/2-103426-A-38.wav", ("", programs.UNKNOWN)),
        ("clonk", "openclonk/Clonk.ocg/Skin.ocg/Farmer.ocg/Hurt1.ogg", ("voice", programs.UNKNOWN)),
        ("clonk", "openclonk/UI.ocg/Fanfare.wav", None),
        ("analog", "drum-sklad/Formanta Polivoks/Rimshot02.wav", ("rim", programs.UNKNOWN)),
        ("analog", "drum-sklad/Formanta Polivoks/Perc04.wav", None),
        ("analog", "drum-sklad/Fricke MFB512/mfb_snare.wav", None),
        ("digital", "drum-sklad/Lel-PSR/lelpsr_h12.wav", ("hat_open", programs.UNKNOWN)),
        ("digital", "drum-sklad/Lel-DR8/stick.wav", None),
        ("acoustic-kits", "drum-sklad/Jazzkit/cymbals/hat-open2.wav", ("hat_open", programs.UNKNOWN)),
        ("acoustic-kits", "drum-sklad/Jazzkit/cymbals/cymbal-big1.wav", None),
        ("iowa", "spectmorph/alto-saxophone/note-65.flac", ("sax", programs.UNKNOWN)),
        ("iowa", "spectmorph/cello/a-note-74.flac", ("strings", programs.UNKNOWN)),
        ("iowa", "spectmorph/clarinet/Cl_ff-82-Ais5.flac", ("other", programs.UNKNOWN)),
        ("iowa", "spectmorph/synth-saw/note-72.flac", None),
        ("iowa-stereo", "iowa-stereo/data/flute/Flute.vib.ff.Ab4.stereo.aif", ("flute", programs.UNKNOWN)),
        ("vowels", "spectmorph/claudia-oh/claudia-oh-1-72.flac", ("vocal", programs.UNKNOWN)),
        ("freesound", "fsd/wavfiles/Saxophone/2f9c5f62.wav", None),
        ("freesound", "fsd/wavfiles/Saxophone/0a3f3a5c.wav", ("sax", programs.UNKNOWN)),
        ("workstation", "drum-sklad/ASR-X Pro/SideStick2.wav", ("rim", programs.UNKNOWN)),
        ("rooms", "moodist/public/sounds/things/ceiling-fan.mp3", ("ambience", programs.UNKNOWN)),
        ("produced", "the-libre-sample-pack/drums/one shot/hi hats/ch 7 @x.wav", ("hat_closed", programs.UNKNOWN)),
        ("produced", "the-libre-sample-pack/drums/one shot/808/fat 808 c 9 @x.wav", None),
        ("produced", "the-libre-sample-pack/drums/loops/full/trap 170bpm @x.wav", None),
        ("single-drums", "js30/drum-kit/assets/sounds/snare-1.ogg", None),
        ("single-drums", "js30/drum-kit/assets/sounds/snare-2.ogg", ("snare", programs.UNKNOWN)),
        ("hardware", "mck/TR8/TOMS/019_808_Low_Conga.wav", ("perc", programs.UNKNOWN)),
        ("hardware", "mck/TR8/TOMS/025_707_Low_Tom.wav", None),
        ("hardware", "mck/RX5/TOMS/001_Tom_1.wav", None),
        ("hardware", "mck/RD6/HATS/001.wav", None),
        ("tr-707", "mck/TR8/TOMS/025_707_Low_Tom.wav", ("tom", programs.UNKNOWN)),
        ("rx5", "mck/RX5/HATS/003_Ride_Cup.wav", ("ride", programs.UNKNOWN)),
        ("stargate", "stargate/stargate-sample-pack/stargate/hats/hat-1.wav", None),
        ("stargate", "stargate/stargate-sample-pack/fugue-state-audio/drums/hihats/distkit-hatopen.wav", OPEN_HAT),
        ("mercury", "mercury/mercury_ide/media/samples/drums/hat/hat_909_half.wav", None),
        ("mercury", "mercury/mercury_ide/media/samples/drums/hat/hat_909_open.wav", OPEN_HAT),
        ("cadence", "cadence/sounds/snare.wav", None),
        ("percusion", "percusion/public/samples/caixa_hit.mp3", None),
        ("repique", "repique/public/samples/madera/4.mp3", ("cowbell", programs.UNKNOWN)),
    ],
)
def test_folders_and_names_tell_the_class(source: str, path: str, label: tuple[str, float] | None):
    assert NAMED[source].label(Path(path)) == label


def test_nothing_is_learned_from_what_is_neither_public_domain_nor_cc0_nor_cc_by():
    free = {"public domain", "CC0", "CC BY", "CC BY 3.0", "CC BY 4.0"}
    for source in sources.SOURCES:
        assert source.measured_only or set(source.licence.split(", ")) <= free, source.name


def test_every_recorded_source_that_is_learned_from_is_held_out_once():
    held_out = [name for fold in oneshots.FOLDS for name in fold]
    for source in sources.SOURCES:
        assert held_out.count(source.name) == (not source.measured_only), source.name


def test_recordings_are_stored_with_what_they_are(tmp_path: Path):
    place = tmp_path / "corpus/upright-kw/samples"
    place.mkdir(parents=True)
    tone = 0.5 * np.sin(2.0 * np.pi * 440.0 * np.arange(44100) / 44100)
    soundfile.write(place / "A4vH.flac", tone, 44100)
    (place / "C4vH.flac").write_bytes(b"")
    sources.make(tmp_path / "corpus", tmp_path / "sounds")
    ((y, truth),) = oneshots.read(tmp_path / "sounds")
    assert len(y) == pytest.approx(22050, abs=50)
    assert (truth["name"], truth["midi"], truth["font"]) == ("piano", 69.0, "upright")
    assert truth["name"] in CLASSES
