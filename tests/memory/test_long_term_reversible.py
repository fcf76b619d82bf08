"""Reversible tokens in the long-term memory: one a leaf and one a node, which give everything back."""

import numpy as np
import pytest
import torch

from placecell.errors import ArchiveError, FrameError, PlacecellError
from placecell.memory import reversible
from placecell.memory.long_term import LongTermMemory
from placecell.memory.reversible import ReversibleMemoryToken
from placecell.memory.sight import descriptor

WIDTH = 16


def _model(seed=0):
    torch.manual_seed(seed)
    return ReversibleMemoryToken(WIDTH, width=32, depth=2, heads=2, slots=2)


def _memory(model=None):
    return LongTermMemory("reversible", model=model or _model())


def _write(memory, count, seed=0):
    vectors = np.random.default_rng(seed).standard_normal((count, WIDTH), np.float32)
    for step, vector in enumerate(vectors):
        memory.write(vector, np.full(3, float(step % 4)), step, leaf=step % 4, node=step % 3)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_a_leaf_gives_back_all_that_was_written_to_it_and_no_node_of_its_number():
    memory, model = _memory(), _model()
    vectors = _write(memory, 40)
    assert memory.chains is not None
    with torch.no_grad():
        observed = model.observe(torch.from_numpy(vectors)).numpy()
    for space, every in (("leaf", 4), ("node", 3)):
        back = memory.chains.give_back(space, 1)
        assert back.verified
        assert back.observations == pytest.approx(observed[1::every], abs=1e-5)
    assert len(memory) == 4 + 3


def test_rows_are_searched_by_the_key_of_their_head():
    memory, model = _memory(), _model()
    vectors = _write(memory, 40)
    chains = memory.chains
    assert chains is not None
    for entry in memory.search(vectors[5], 7):
        row = chains.row(entry.space, entry.key)
        key = chains.search_keys(np.array([row]))[0]
        assert entry.vector == pytest.approx(key, abs=1e-3)
        assert entry.cosine == pytest.approx(float(key @ chains.query(vectors[5])), abs=1e-3)
    assert memory.width == WIDTH
    assert memory.search(vectors[5], 1)[0].vector.shape == (model.width,)


def test_dropped_rows_lose_their_chains_and_the_bytes():
    memory = _memory()
    _write(memory, 40)
    assert memory.chains is not None
    held, size = memory.holdings(), memory.nbytes
    assert held.nbytes.sum() == size
    memory.drop(np.array([0, 6]))
    assert len(memory.chains) == len(memory) == 5
    assert memory.nbytes == size - held.nbytes[[0, 6]].sum()
    _write(memory, 40, seed=3)
    assert len(memory.chains) == len(memory) == 7


def test_relabelled_nodes_are_one_chain():
    memory = _memory()
    _write(memory, 30)
    memory.relabel_nodes({0: 2})
    assert memory.chains is not None
    found = {entry.node: entry for entry in memory.search(np.ones(WIDTH), 9, space="node")}
    assert {node: entry.observations for node, entry in found.items()} == {1: 10, 2: 20}
    assert len(memory.chains.give_back("node", 2).observations) == 20
    assert found[2].vector == pytest.approx(
        memory.chains.search_keys(np.array([memory.chains.row("node", 2)]))[0], abs=1e-3
    )


def test_it_packs_and_absorbs():
    memory, other = _memory(), _memory()
    _write(memory, 30)
    other.unpack(memory.pack())
    again, known = other.pack(), memory.pack()
    assert all((again[name] == known[name]).all() for name in known)
    query = np.arange(WIDTH, dtype=np.float64)
    assert [e.cosine for e in other.search(query, 9)] == [e.cosine for e in memory.search(query, 9)]
    memory.absorb(other, np.eye(4), {0: 0, 1: 7, 2: 2})
    found = {entry.node: entry.observations for entry in memory.search(query, 99, space="node")}
    assert found == {0: 20, 1: 10, 2: 20, 7: 10}
    assert memory.holdings().nbytes.sum() == memory.nbytes
    with pytest.raises(ArchiveError, match="this token's weights"):
        _memory(_model(1)).unpack(known)


def test_without_a_model_it_is_the_shipped_one_and_without_that_an_error(monkeypatch, tmp_path):
    memory = LongTermMemory("reversible")
    memory.write(np.eye(descriptor.WIDTH)[0], np.zeros(3), 0, leaf=0, node=1)
    assert memory.search(np.eye(descriptor.WIDTH)[0], 9)[0].observations == 1
    monkeypatch.setattr(reversible, "SHIPPED", tmp_path / "none.safetensors")
    with pytest.raises(ArchiveError, match=r"none.safetensors, got no such file; train one: placecell-train"):
        LongTermMemory("reversible")
    LongTermMemory("flat")


def test_tokens_of_another_model_are_not_absorbed_and_leave_no_trace():
    memory, other = _memory(), _memory(_model(1))
    _write(other, 5)
    with pytest.raises(PlacecellError, match="chains of this token's weights"):
        memory.absorb(other, np.eye(4), {})
    assert (memory.width, len(memory)) == (None, 0)


def test_an_encoder_that_the_token_was_not_built_for():
    memory = _memory()
    with pytest.raises(FrameError, match=f"width {WIDTH}, which the token was built for, got 5"):
        memory.write(np.ones(5), np.zeros(3), 0, leaf=0, node=None)
    assert memory.width is None
    with pytest.raises(FrameError, match="finite"):
        memory.write(np.full(WIDTH, np.nan), np.zeros(3), 0, leaf=0, node=None)
    assert len(memory) == 0
