"""A torch map and the compiled one that it has to equal."""

import importlib.util
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from placecell.memory import SparseOctree
from placecell.memory.torch_octree import TorchOctree

_spec = importlib.util.spec_from_file_location("plain_map", Path(__file__).with_name("plain_map.py"))
plain = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(plain)

DEVICES = (
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")),
)
DTYPES = ("float16", "float32")
FEATURES = {"float16": 1e-3, "float32": 1e-6}
"""How far features may be apart, of the largest: as the docstring of ``TorchOctree`` says."""


def pair(size=0.1, width=0, dtype="float16", device="cpu"):
    return SparseOctree(size, width, dtype), TorchOctree(size, width, dtype, device)


def dressed(frame, seed, width=0):
    """With labels, and with features of that width."""
    rng = np.random.default_rng(seed + 1000)
    labels = rng.choice([0, 1, 2, 300, 65535], frame.depth.shape)
    features = rng.normal(size=(3, 4, width)).astype(np.float32) if width else None
    return replace(frame, labels=labels, features=features)


def frames(count, width=0, first=0, **how):
    for n in range(first, first + count):
        yield dressed(plain.random_frame(n, step=10 - n % 10, colour=n % 4 != 2, **how), n, width)


def assert_same(expected, found, features=1e-6):
    """Two dataclasses of arrays: whole numbers equal, real ones to 1e-9; handles are each map's own."""
    for field in fields(expected):
        a, b = getattr(expected, field.name), getattr(found, field.name)
        if not isinstance(a, np.ndarray):
            assert a == b
            continue
        assert (a.dtype, a.shape) == (b.dtype, b.shape), field.name
        if field.name == "handles":
            np.testing.assert_array_equal(a < 0, b < 0)
        elif a.dtype.kind == "f":
            bound = features * np.abs(a).max(initial=1.0) if field.name == "features" else 1e-9
            np.testing.assert_allclose(b, a, rtol=0, atol=bound, err_msg=field.name)
        else:
            np.testing.assert_array_equal(b, a, err_msg=field.name)


def assert_same_map(expected, found, agent=0, features=1e-6):
    """Everything that two maps hold of an agent."""
    lower, upper = expected.bounds(agent=agent)
    assert [b.tolist() for b in found.bounds(agent=agent)] == [lower.tolist(), upper.tolist()]
    box = lower - 2, upper + 2
    states = expected.states_in_box(*box, agent=agent)
    np.testing.assert_array_equal(found.states_in_box(*box, agent=agent), states)
    known = np.argwhere(states > 0)[:: 1 + (states > 0).sum() // 20_000] + box[0]
    assert_same(expected.read(known, agent=agent), found.read(known, agent=agent), features)
    occupied = expected.occupied(agent=agent)
    np.testing.assert_array_equal(found.occupied(agent=agent), occupied)
    assert_same(expected.read(occupied, agent=agent), found.read(occupied, agent=agent), features)
    assert len(found) == len(expected)
