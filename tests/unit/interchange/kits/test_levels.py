import pytest

from samplemind_worker.documents.facts import AudioFacts
from samplemind_worker.interchange.kits.levels import level, tune
from samplemind_worker.interchange.kits.roles import HATS, ROLES
from tests.factories import analysis_facts, audio_facts, content_id

BY_NAME = {role.name: role for role in ROLES}


def sound(loudness: float | None) -> AudioFacts:
    return audio_facts(content_id(1), loudness_lufs=loudness)


def test_sounds_are_equally_loud_but_for_their_roles():
    loud = [-8.0, -14.0, -12.0]
    roles = [BY_NAME["kick"], BY_NAME["snare"], BY_NAME["hat_closed"]]
    gains = level([(role, sound(each)) for role, each in zip(roles, loud, strict=True)])

    played = [before + gain - role.trim for before, gain, role in zip(loud, gains, roles, strict=True)]
    assert max(played) - min(played) == pytest.approx(0.0, abs=0.01)
    assert max(gains) == 0.0


def test_one_very_soft_sound_does_not_silence_the_kit():
    gains = level([(BY_NAME["kick"], sound(each)) for each in (-10.0, -10.0, -60.0)])

    assert gains == [-6.0, -6.0, 0.0]


def test_a_sound_of_unknown_loudness_is_as_loud_as_the_others():
    gains = level([(BY_NAME["kick"], sound(each)) for each in (-10.0, None, -10.0)])

    assert gains == [0.0, 0.0, 0.0]
    assert level([(BY_NAME["kick"], sound(None))]) == [0.0]


@pytest.mark.parametrize(
    ("midi", "cents", "key", "semitones"),
    [
        (36, 20.0, None, -0.2),
        (36, -20.0, None, 0.2),
        (36, 0.0, (9, "minor"), 0.0),  # C is in A minor
        (37, 0.0, (9, "minor"), -1.0),  # C# is not; C is as near as D
        (None, None, (9, "minor"), 0.0),
    ],
)
def test_a_sound_whose_note_is_known_is_tuned(
    midi: int | None, cents: float | None, key: tuple[int, str] | None, semitones: float
):
    facts = analysis_facts(content_id(1), pitch_midi=midi, pitch_cents=cents)

    assert tune(BY_NAME["kick"], facts, key) == semitones


def test_a_hat_is_not_tuned():
    facts = analysis_facts(content_id(1), pitch_midi=37, pitch_cents=10.0)

    assert tune(BY_NAME["hat_closed"], facts, (9, "minor")) == 0.0


def test_each_role_has_a_note_of_its_own_and_the_hats_end_each_other():
    assert len({role.note for role in ROLES}) == len(ROLES)
    assert {role.name for role in ROLES if role.choke == HATS} == {"hat_closed", "hat_open"}
