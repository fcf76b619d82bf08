import hashlib

import numpy as np
import pytest

from placecell.agent.recording import observation_hash
from placecell.errors import EnvironmentUseError


def test_the_hash_is_the_documented_one():
    """By hand, after docs/recording.md."""
    category = np.arange(72, dtype=np.int32).reshape(8, 9)
    depth = np.array([[0.5, 1.5]], np.float32)
    parts = (b"category", b"<i4", b"8,9", bytes(range(72)) + b"depth", b"<f4", b"1,2", depth.tobytes())
    by_hand = hashlib.sha256(b"\0".join(parts))
    assert observation_hash({"depth": depth, "category": category}) == by_hand.hexdigest()


def test_equal_observations_have_equal_hashes_however_they_lie_in_memory():
    image = np.random.default_rng(0).random((6, 5)).astype(np.float32)
    reference = observation_hash({"a": image, "b": np.array([1])})
    assert observation_hash({"b": np.array([1]), "a": np.asfortranarray(image)}) == reference


BASE = {"image": np.zeros((4, 30), np.int32), "gps": np.array([0.0, 1.0])}


@pytest.mark.parametrize(
    "change",
    [
        {"gps": np.array([0.0, np.nextafter(1.0, 2)])},
        {"gps": np.array([-0.0, 1.0])},
        {"gps": np.array([0.0, 1.0], np.float32)},
        {"gps": np.array([[0.0, 1.0]])},
        {"image": np.zeros((4, 30), np.int16)},
        {"image": np.zeros((4, 30), np.uint32)},
        {"image": np.full((4, 30), -1, np.int32)},
        {"image": np.full((4, 30), 255, np.int32)},
        {"image": np.full((4, 30), 256, np.int32)},
        {"image": np.zeros((30, 4), np.int32)},
        {"more": np.zeros(0)},
    ],
)
def test_any_difference_is_another_hash(change):
    assert observation_hash({**BASE, **change}) != observation_hash(BASE)


def test_text_numbers_and_nothing_can_be_hashed():
    odd = {"words": np.array("turn left"), "none": np.zeros((0, 3)), "one": np.array(True)}
    assert len(observation_hash(odd)) == 64
    assert observation_hash(odd) != observation_hash({**odd, "words": np.array("turn lefT")})


@pytest.mark.parametrize(
    ("value", "kind"),
    [(["go"], "'text', list"), (3.0, "'text', float"), (np.array([None]), "'text', an array of object")],
)
def test_what_is_no_array_is_one_line(value, kind):
    with pytest.raises(EnvironmentUseError) as refused:
        observation_hash({"text": value})
    assert str(refused.value) == (
        f"expected an observation of NumPy arrays of numbers or text, got {kind}; "
        "return numpy.array(...) of it, or set record=off"
    )
