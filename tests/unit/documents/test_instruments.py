"""There is one list of instruments; what names, phrases or asks for them follows it."""

from samplemind_worker import reference
from samplemind_worker.describer import categories
from samplemind_worker.documents.facts import INSTRUMENTS, KINDS
from samplemind_worker.dsp import instrument
from samplemind_worker.finding import filter_text
from samplemind_worker.metadata import words

LONGER = {"drum_loop", "music_loop", "song"}


def test_the_analysis_names_the_instruments_of_the_list():
    assert {*instrument.CLASSES} - {"other"} | LONGER == {*INSTRUMENTS}


def test_names_of_files_mean_instruments_of_the_list():
    assert {*words.INSTRUMENTS.values()} - {"hat"} <= {*INSTRUMENTS}


def test_each_instrument_can_be_phrased():
    assert categories.INSTRUMENTS.keys() == {*INSTRUMENTS}
    assert all(reference.noun(each) for each in (*INSTRUMENTS, *KINDS))


def test_each_instrument_can_be_asked_for():
    assert filter_text.read(instrument=",".join(INSTRUMENTS)).instruments == INSTRUMENTS
    assert filter_text.read(kind=",".join(KINDS)).kinds == KINDS
