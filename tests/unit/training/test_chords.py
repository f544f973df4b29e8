"""What the chords are learned from."""

import numpy as np

from training import chords, soundfonts, sources, strums

FREE = {source.name for source in sources.SOURCES if not source.measured_only}
MADE = {*soundfonts.FONTS, *soundfonts.MORE_FONTS, "collected", "synth", "synthesized", "noises"}


def test_every_source_that_is_learned_from_is_free_and_held_out_once():
    held_out = [name for fold in chords.FOLDS for name in fold]
    assert len(held_out) == len(set(held_out))
    assert set(held_out) == FREE | MADE


def test_chords_are_played_on_recordings_that_may_be_learned_from():
    assert set(strums.RECORDED) <= FREE
    for name, (folder, _, _) in strums.RECORDED.items():
        (source,) = (s for s in sources.SOURCES if s.name == name)
        assert source.pattern.startswith(folder)


def test_what_is_only_measured_teaches_no_network():
    rng = np.random.default_rng(1)
    fonts = np.repeat(["electric", "upright", "synth", *strums.MEASURED], 40)
    rows, right = rng.normal(size=(len(fonts), 12, 6)).astype(np.float32), rng.integers(0, 12, len(fonts))
    measured = np.isin(fonts, list(strums.MEASURED))

    def answers(labels: np.ndarray) -> np.ndarray:
        return chords.held_out(rows, labels, fonts, np.ones(len(fonts), bool), outputs=1, epochs=2)

    assert np.array_equal(answers(right), answers(np.where(measured, 0, right)))
    assert not np.array_equal(answers(right), answers(np.where(fonts == "synth", 0, right)))
