import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from placecell.memory import morton

LOW, HIGH = -morton.SIGN_OFFSET, morton.SIGN_OFFSET - 1
index = st.integers(LOW, HIGH)
slow_first_time = settings(deadline=None)  # compilation counts for the first example


def plain_key(x, y, z):
    """Bit by bit, from the definition."""
    key = 0
    for bit in range(morton.BITS):
        for axis, value in enumerate((x, y, z)):
            key |= ((value - LOW >> bit) & 1) << (3 * bit + axis)
    return key


@slow_first_time
@given(st.lists(st.tuples(index, index, index), min_size=1, max_size=20))
def test_key_is_the_interleaved_bits_and_comes_back(indices):
    array = np.array(indices, np.int64)
    keys = morton.encode(array)
    assert keys.tolist() == [plain_key(*i) for i in indices]
    assert (morton.decode(keys) == array).all()


def test_the_corners_of_the_range():
    assert morton.BITS >= 21
    corners = np.array(np.meshgrid(*[[LOW, -1, 0, HIGH]] * 3)).reshape(3, -1).T
    keys = morton.encode(corners)
    assert (morton.decode(keys) == corners).all()
    assert len(set(keys.tolist())) == len(corners)
    assert keys.min() == 0
    assert keys.max() == (1 << 63) - 1


@slow_first_time
@given(st.integers(0, (1 << 63) - 1))
def test_every_key_is_some_voxels(key):
    assert morton.encode(morton.decode(np.array([key]))).tolist() == [key]


@slow_first_time
@given(index, index, index)
def test_a_keys_prefix_is_the_parents(x, y, z):
    key, parent = morton.encode(np.array([[x, y, z], [x >> 3, y >> 3, z >> 3]]))
    eighth = morton.SIGN_OFFSET - morton.SIGN_OFFSET // 8
    (shifted,) = morton.encode(np.array([[x >> 3, y >> 3, z >> 3]]) - eighth)
    assert key >> 9 == shifted
    assert parent != shifted
