"""When a dispatcher takes an expired lease for a death."""

import time

from samplemind_worker.steps.workspace import Patience


def test_who_has_only_begun_to_look_is_patient_for_half_a_lease():
    patience = Patience(0.4)

    first = patience.is_due()
    time.sleep(0.12)
    second = patience.is_due()
    time.sleep(0.12)

    assert (first, second, patience.is_due()) == (True, True, False)


def test_who_has_not_looked_for_a_while_is_patient_again():
    patience = Patience(0.2)
    patience.is_due()
    time.sleep(0.07)
    patience.is_due()
    time.sleep(0.07)
    calm = patience.is_due()

    time.sleep(0.2)

    assert (calm, patience.is_due()) == (False, True)


def test_an_outage_makes_patient():
    patience = Patience(0.1)
    patience.is_due()
    time.sleep(0.04)
    patience.is_due()
    time.sleep(0.04)
    calm = patience.is_due()

    patience.renew()

    assert (calm, patience.is_due()) == (False, True)
