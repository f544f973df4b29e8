from hypothesis import given
from hypothesis import strategies as st

from samplemind_worker.interchange import delta

_STRETCHES = st.lists(st.binary(min_size=1, max_size=3000), min_size=1, max_size=6)


@given(_STRETCHES, st.data())
def test_the_old_file_is_built_from_any_new_one(stretches: list[bytes], data: st.DataObject):
    old = b"".join(stretches)
    new = b"".join(data.draw(st.lists(st.sampled_from(stretches) | st.binary(max_size=300), max_size=8)))
    steps, kept = delta.describe(old, new)
    assert b"".join(delta.build(steps, new, b"".join(kept))) == old


def test_bytes_put_in_at_two_places_cost_next_to_nothing():
    samples = bytes(range(256)) * 997 + bytes(1000) + bytes(range(255, -1, -1)) * 1009
    old = b"HEAD" + samples[:200_000] + b"MID!" + samples[200_000:] + b"TAIL"
    new = b"HEAD" + bytes(3000) + samples[:200_000] + b"other, and longer" + samples[200_000:] + b"TAIL" + bytes(99)
    steps, kept = delta.describe(old, new)
    assert b"".join(delta.build(steps, new, b"".join(kept))) == old
    assert sum(map(len, kept)) < 4096
