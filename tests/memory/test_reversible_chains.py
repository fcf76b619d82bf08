"""Chains of tokens as arrays: to the bit in fixed point, whatever the batch, the mode and the threads."""

import numpy as np
import pytest
import torch
from small_token import EMBEDDED, WIDTH, embeddings, small_token

from placecell.errors import ArchiveError, ConfigError, PlacecellError
from placecell.memory.reversal.arithmetic import FixedPoint, FloatingPoint
from placecell.memory.token_chains import TokenChains

UNIT = 2**20


def on_grid(token, raw, unit=UNIT):
    bits = {2**20: (20, 32), 2**11: (11, 16)}[unit]
    fixed = FixedPoint(token, *bits)
    found = fixed.values(fixed.stored(raw))
    seen = token.observe(torch.from_numpy(raw)).detach().numpy()
    np.testing.assert_allclose(found, seen, atol=0.51 / unit + 1e-6)
    return found


def same(a, b):
    return a.keys() == b.keys() and all(
        a[name].dtype == b[name].dtype and np.array_equal(a[name], b[name]) for name in a
    )


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_a_thousand_writes_come_back_to_the_bit_from_batches_of_any_size(training):
    token = small_token(dropout=0.3).train(training)
    raw, rng = embeddings(1000), np.random.default_rng(5)
    keys = rng.choice([3, 4, -7], 1000, p=[0.9, 0.05, 0.05])
    chains, first = TokenChains(token), 0
    while first < 1000:
        rows = slice(first, first + int(rng.integers(1, 40)))
        chains.write(["leaf"] * len(keys[rows]), keys[rows], raw[rows])
        first = rows.stop
    expected = on_grid(token, raw)
    for key in (3, 4, -7):
        back = chains.give_back("leaf", key)
        assert (back.writes, back.exact_from, back.verified) == (int((keys == key).sum()), 0, True)
        np.testing.assert_array_equal(back.observations, expected[keys == key].astype(np.float32))


def test_batch_lane_and_threads_change_no_bit(two_threads):
    fixed = FixedPoint(small_token(dropout=0.3))
    raw = embeddings(37)
    stored = fixed.stored(raw)
    heads = np.random.default_rng(1).integers(-(1 << 40), 1 << 40, (37, WIDTH))
    seeds = np.arange(37) % 3
    together = fixed.write(heads, stored, seeds)
    torch.set_num_threads(1)
    for row in range(37):
        np.testing.assert_array_equal(fixed.stored(raw[row : row + 1])[0], stored[row])
        alone = fixed.write(heads[row : row + 1], stored[row : row + 1], seeds[row : row + 1])
        assert all(np.array_equal(a[0], b[row]) for a, b in zip(alone, together))
    turned = np.random.default_rng(2).permutation(37)
    back = fixed.invert(together[0][turned], together[1][turned], seeds[turned])
    np.testing.assert_array_equal(back[0], heads[turned])
    np.testing.assert_array_equal(back[1], stored[turned])


@pytest.mark.parametrize(("fraction", "bits"), [(20, 32), (11, 16)])
def test_sums_that_overflow_wrap_and_are_turned_back(fraction, bits):
    fixed = FixedPoint(small_token(rough=400), fraction, bits)
    rng, top = np.random.default_rng(0), (1 << (bits - 1)) - 1
    heads = rng.choice(np.array([-(1 << 63), (1 << 63) - 1]), (50, WIDTH))
    stored = rng.choice(np.array([-top - 1, top]), (50, WIDTH)).astype(fixed.residue_type)
    new, residues = fixed.write(heads, stored, np.zeros(50, np.int64))
    assert bool((np.sign(new) == -np.sign(heads)).any())
    assert bool((np.sign(residues) == -np.sign(stored)).any())
    back = fixed.invert(new, residues, np.zeros(50, np.int64))
    np.testing.assert_array_equal(back[0], heads)
    np.testing.assert_array_equal(back[1], stored)


def test_both_arithmetics_compute_the_same_token_masks_included():
    token = small_token(dropout=0.4)
    fixed, floating = FixedPoint(token, 24, 32), FloatingPoint(token)
    raw = embeddings(64)
    seeds = np.arange(64) % 4 * 12345678
    new, residues = fixed.write(np.zeros((64, WIDTH), np.int64), fixed.stored(raw), seeds)
    start = np.zeros((64, WIDTH), np.float32)
    near, left = floating.write(start, floating.stored(raw), seeds)
    np.testing.assert_allclose(fixed.values(new), near, atol=2e-5)
    np.testing.assert_allclose(fixed.values(residues), left, atol=2e-5)


def test_half_the_bytes_are_a_coarser_grid_as_exact():
    token, raw = small_token(), embeddings(200)
    small = TokenChains(token, fraction_bits=11, residue_bits=16)
    large = TokenChains(token)
    for chains in (small, large):
        chains.write(["leaf"] * 200, [1] * 200, raw)
    back = small.give_back("leaf", 1)
    assert back.verified
    np.testing.assert_array_equal(back.observations, on_grid(token, raw, 2**11).astype(np.float32))
    per_write = [(chains.nbytes - 8 * WIDTH - 40) / 200 for chains in (small, large)]
    assert per_write == [2 * WIDTH + 16, 4 * WIDTH + 16]


def test_floating_point_comes_back_nearly_and_never_says_verified():
    token, raw = small_token(dropout=0.2).train(), embeddings(60)
    chains = TokenChains(token, "float")
    chains.write(["leaf"] * 60, [1] * 60, raw)
    back = chains.give_back("leaf", 1)
    assert np.abs(back.observations - on_grid(token, raw)).max() < 1e-3
    assert not back.verified


def test_dropping_the_oldest_says_how_far_back_exact_reaches_and_leaves_the_head():
    token, raw = small_token(), embeddings(30)
    chains, bounded = TokenChains(token), TokenChains(token, max_residues=8)
    for each in (chains, bounded):
        each.write(["leaf"] * 30, [1] * 30, raw)
    rows = np.array([chains.row("leaf", 1)])
    head, full = chains.heads(rows), chains.nbytes
    assert chains.drop_residues(8) == 22
    assert chains.exact_from(rows).tolist() == [22]
    assert full - chains.nbytes == 22 * (4 * WIDTH + 16)
    for each in (chains, bounded):
        back = each.give_back("leaf", 1)
        assert (back.exact_from, back.writes, back.verified, len(back.observations)) == (22, 30, True, 8)
        np.testing.assert_array_equal(back.observations, on_grid(token, raw)[22:].astype(np.float32))
        np.testing.assert_array_equal(each.heads(rows), head)
    chains.drop_residues(0)
    assert chains.give_back("leaf", 1).observations.shape == (0, WIDTH)
    chains.write(["leaf"], [1], raw[:1])
    assert chains.give_back("leaf", 1).exact_from == 30


def test_a_residue_or_head_that_was_changed_is_known():
    chains = TokenChains(small_token())
    chains.write(["leaf"] * 9, [1] * 9, embeddings(9))
    for name, place in (("residue", (4, 3)), ("head", (0, 2)), ("checksum", (2,))):
        arrays = {key: array.copy() for key, array in chains.pack().items()}
        arrays[name][place] ^= 1
        other = TokenChains(small_token())
        other.unpack(arrays)
        assert not other.give_back("leaf", 1).verified


def test_spaces_are_apart_and_rows_stay_until_forgotten():
    token, raw = small_token(), embeddings(4)
    chains = TokenChains(token)
    rows = chains.write(["leaf", "node", "leaf", "node"], [5, 5, 6, 5], raw)
    assert rows.tolist() == [0, 1, 2, 1]
    assert (chains.rows("leaf"), chains.rows("node")) == ({5: 0, 6: 2}, {5: 1})
    expected = on_grid(token, raw).astype(np.float32)
    np.testing.assert_array_equal(chains.give_back("leaf", 5).observations, expected[:1])
    np.testing.assert_array_equal(chains.give_back("node", 5).observations, expected[[1, 3]])
    size = chains.nbytes
    chains.forget(np.array([0]))
    assert (chains.row("leaf", 5), chains.give_back("leaf", 5).writes, len(chains)) == (None, 0, 2)
    assert chains.write(["leaf"], [9], raw[:1]).tolist() == [0]
    assert chains.nbytes == size
    np.testing.assert_array_equal(chains.give_back("leaf", 9).observations, expected[:1])


def test_search_finds_the_chain_of_a_view():
    token, raw = small_token(rough=1), embeddings(12)
    chains = TokenChains(token)
    rows = chains.write(["leaf"] * 12, range(12), raw)
    keys = chains.search_keys(rows)
    np.testing.assert_allclose(np.linalg.norm(keys, axis=1), 1, atol=1e-5)
    found = [int((keys @ chains.query(view)).argmax()) for view in raw]
    assert found == list(range(12))


def test_a_model_that_is_trained_on_does_not_change_what_was_written():
    token, raw = small_token(), embeddings(5)
    for mode in ("fixed", "float"):
        chains = TokenChains(token, mode)
        rows = chains.write(["leaf"] * 5, [1] * 5, raw)
        before, key = chains.give_back("leaf", 1), chains.search_keys(rows)
        with torch.no_grad():
            for weight in token.parameters():
                weight += 0.1
        np.testing.assert_array_equal(chains.give_back("leaf", 1).observations, before.observations)
        np.testing.assert_array_equal(chains.search_keys(rows), key)


@pytest.mark.parametrize("mode", ["fixed", "float"])
def test_packed_and_unpacked_they_go_on_as_if_nothing_had_been(mode):
    token, raw = small_token(dropout=0.3).train(), embeddings(60)
    chains, other = TokenChains(token, mode), TokenChains(token, mode)
    spaces, keys = ["leaf", "node", 7] * 20, np.arange(60) % 11
    chains.write(spaces, keys, raw)
    for row in (4, 32, 0):
        chains.forget(np.array([row]))
    chains.drop_residues(2, np.array([1, 2]))
    other.unpack(chains.pack())
    assert same(other.pack(), chains.pack())
    assert (other.nbytes, len(other), other.residues) == (chains.nbytes, len(chains), chains.residues)
    other.write(["node"], [1], raw[:1])
    back = other.give_back("node", 1)
    assert back.writes == chains.give_back("node", 1).writes + 1
    assert back.verified == (mode == "fixed")
    empty = TokenChains(token, mode)
    other.unpack(chains.pack())
    for each in (chains, other):
        assert each.write(["leaf"] * 4, [90, 91, 90, 92], raw[:4]).tolist() == [0, 4, 0, 32]
    assert same(other.pack(), chains.pack())  # the seeds of their dropout, too
    other.unpack(empty.pack())
    assert (len(other), other.nbytes) == (0, 0)


def broken(arrays, name):
    changed = {key: array.copy() for key, array in arrays.items()}
    match name:
        case "absent":
            del changed["seed"]
        case "shapeless":
            changed["space"] = np.array(0, np.int32)
        case "lost":
            changed["lost"][0] = -1
        case "drawn":
            changed["drawn"] = np.array([-1])
        case "kept":
            changed["kept"][0] += 1
        case "negative":
            changed["kept"][:2] += (-5, 5)
        case "huge":
            changed["kept"][0] = 1 << 62
        case "writes":
            changed["writes"][0] = 0
        case "type":
            changed["residue"] = changed["residue"].astype(np.int64)
        case "space":
            changed["space"][0] = 9
        case "twice":
            changed["key"][1], changed["space"][1] = changed["key"][0], changed["space"][0]
        case "names":
            changed["spaces"] = np.frombuffer(b'["leaf', np.uint8)
        case "kinds":
            changed["spaces"] = np.frombuffer(b'[["leaf"], {}]', np.uint8)
        case "nameless":
            del changed["spaces"]
    return changed


@pytest.mark.parametrize(
    "name",
    [
        "absent",
        "shapeless",
        "lost",
        "drawn",
        "kept",
        "negative",
        "huge",
        "writes",
        "type",
        "space",
        "twice",
        "names",
        "kinds",
        "nameless",
    ],
)
def test_arrays_that_do_not_hold_together_are_errors_and_change_nothing(name):
    chains = TokenChains(small_token())
    chains.write(["leaf"] * 4, [1, 2, 1, 3], embeddings(4))
    before = chains.pack()
    with pytest.raises(ArchiveError, match="save the memory again"):
        chains.unpack(broken(before, name))
    assert same(chains.pack(), before)


def test_another_model_or_grid_cannot_take_the_chains():
    arrays = TokenChains(small_token()).pack()
    for other in (
        TokenChains(small_token(seed=1)),
        TokenChains(small_token(), "float"),
        TokenChains(small_token(), fraction_bits=18),
    ):
        with pytest.raises(ArchiveError, match="weights, mode and grid, got those of another"):
            other.unpack(arrays)


def test_chains_that_come_under_one_name_are_joined():
    token, raw = small_token(), embeddings(12)
    chains = TokenChains(token)
    rows = chains.write(["node"] * 11, [1, 2, 2, 2, 3, 3, 4, 4, 5, 2, 2], raw[:11])
    chains.write(["leaf"], [2], raw[11:])
    chains.drop_residues(1, rows[4:5])
    assert chains.rename("node", {1: 2, 3: 2, 4: 5, 5: 4}) == 1
    expected = on_grid(token, raw).astype(np.float32)
    back = chains.give_back("node", 2)
    assert chains.row("node", 2) == rows[1]
    assert (back.writes, back.exact_from, back.verified, back.lost) == (7, 0, True, 1)
    np.testing.assert_array_equal(back.observations, expected[[1, 2, 3, 9, 10, 0, 5]])
    np.testing.assert_array_equal(chains.give_back("node", 4).observations, expected[[8]])
    np.testing.assert_array_equal(chains.give_back("node", 5).observations, expected[[6, 7]])
    np.testing.assert_array_equal(chains.give_back("leaf", 2).observations, expected[[11]])
    assert sorted(chains.rows("node")) == [2, 4, 5]


def test_chains_of_another_are_absorbed():
    token, raw = small_token(), embeddings(8)
    chains, other = TokenChains(token, max_residues=2), TokenChains(token)
    chains.write(["node"], [1], raw[:1])
    other.write(["node"] * 3 + ["leaf"] * 4, [6] * 3 + [8] * 4, raw[1:])
    other.drop_residues(2, np.array([0]))
    head = other.heads(np.array([1]))
    assert chains.absorb(other, {("node", 6): ("node", 1), ("leaf", 8): ("leaf", 0)}) == 1
    expected = on_grid(token, raw).astype(np.float32)
    back = chains.give_back("node", 1)
    assert (back.writes, back.exact_from, back.verified, back.lost) == (3, 1, True, 1)
    np.testing.assert_array_equal(back.observations, expected[2:4])
    back = chains.give_back("leaf", 0)
    assert (back.writes, back.exact_from, back.verified) == (4, 2, True)
    np.testing.assert_array_equal(back.observations, expected[6:])
    np.testing.assert_array_equal(chains.heads(np.array([chains.row("leaf", 0)])), head)
    with pytest.raises(PlacecellError, match="chains of this token's weights, in mode 'fixed'"):
        chains.absorb(TokenChains(small_token(seed=2)), {})


def test_bad_input_is_an_error_and_nothing_is_written():
    chains = TokenChains(small_token())
    raw = embeddings(2)
    with pytest.raises(PlacecellError, match=f"embeddings of width {EMBEDDED}, got 5"):
        chains.write(["leaf"], [1], np.zeros((1, 5), np.float32))
    with pytest.raises(PlacecellError, match="within \\+-2048, got nan; pass embeddings of unit length"):
        chains.write(["leaf"] * 2, [1, 2], raw * np.array([[1], [np.nan]], np.float32))
    with pytest.raises(PlacecellError, match="within \\+-2048"):
        chains.write(["leaf"], [1], raw[:1] * 1e4)
    with pytest.raises(PlacecellError, match="finite numbers, got NaN or infinity"):
        TokenChains(small_token(), "float").write(["leaf"], [1], raw[:1] * np.float32(np.inf))
    with pytest.raises(PlacecellError, match="1 spaces, 2 keys, 2 observations"):
        chains.write(["leaf"], [1, 2], raw)
    assert (len(chains), chains.nbytes) == (0, 0)
    with pytest.raises(ConfigError, match="mode 'exact', max_residues None"):
        TokenChains(small_token(), "exact")
    with pytest.raises(ConfigError, match="residue_bits 8"):
        TokenChains(small_token(), residue_bits=8)
    token = small_token()
    torch.nn.init.constant_(token.feeds[0].weight, torch.nan)
    with pytest.raises(ConfigError, match="finite weights"):
        TokenChains(token)
