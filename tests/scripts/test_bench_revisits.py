import numpy as np
import pytest

from placecell.agent.training.walks import Walk, leaf_keys
from placecell.errors import DataError
from placecell.memory.reversible import ReversibleMemoryToken
from placecell.scripts.bench import main, revisits
from placecell.scripts.bench.revisit_cases import alternating, cut, halves, node_ids, read_walk
from placecell.scripts.bench.revisit_ranks import Method, Ranks, by_chance, flat, found, means, methods_of

WIDE = 12


def corridor(laps, rooms=6, scene="house-val-0", seed=0):
    """Up and down a corridor of rooms 2 m apart, each with a look of its own for each way."""
    rng = np.random.default_rng(seed)
    looks = rng.normal(size=(2, rooms, WIDE))
    seen, positions, yaws_rad = [], [], []
    for lap in range(laps):
        way = lap % 2
        for room in range(rooms) if way == 0 else range(rooms - 1, -1, -1):
            for _ in range(4):
                seen.append(looks[way, room] + 0.1 * rng.normal(size=WIDE))
                positions.append((2.0 * room + 0.5, 0.1, 0.9))
                yaws_rad.append(np.pi * way)
    rows = np.array(seen) / np.linalg.norm(seen, axis=1, keepdims=True)
    return Walk(scene, rows.astype(np.float32), np.array(positions), np.array(yaws_rad))


@pytest.fixture(scope="module")
def case():
    return halves(corridor(5), 1.6)["leaf"]


def test_the_first_half_is_written_and_the_second_asks(case):
    walk = corridor(5)
    assert len(case.written) == 60
    assert np.array_equal(case.asked, walk.observations[75:])
    assert case.places == 6
    keys = leaf_keys(walk.positions, 1.6)
    for query in range(len(case.asked)):
        there = {keys[n] for n in np.flatnonzero(case.place == case.right[query])}
        assert there == {keys[75 + query]}


def test_queries_of_places_never_written_are_left_out():
    walk = corridor(1)
    assert len(halves(walk, 1.6)["leaf"].asked) == 0


def test_another_heading_is_one_that_was_never_written_there():
    walk = corridor(2)
    back = cut(walk, leaf_keys(walk.positions, 1.6), np.arange(24), np.arange(24, 48))
    assert back.turned.all()
    same = cut(walk, leaf_keys(walk.positions, 1.6), np.arange(48), np.arange(24, 48))
    assert not same.turned.any()


def test_places_of_the_graph_are_the_rooms():
    ids = node_ids(corridor(3))
    assert len(set(ids.tolist())) == 6
    assert np.array_equal(ids[:4], ids[44:48])


def test_frames_that_were_not_drawn_ask():
    walk = corridor(2)
    one, other = alternating(walk, 1.6, 0), alternating(walk, 1.6, 1)
    assert len(one.written) == 24
    assert len(one.written) + len(one.asked) == len(walk)
    assert not np.array_equal(one.written, other.written)


def test_as_many_rows_as_fit(case):
    assert len(flat(case, 10 * WIDE * 2 + 5).place) == 10
    assert len(flat(case, 10**6).place) == 60
    spread = flat(case, 3 * WIDE * 2)
    assert np.array_equal(spread.at, case.at[[0, 30, 59]])
    some = means(case, 2 * WIDE * 2, np.zeros((6, 3)))
    assert len(some.place) == 2
    assert np.bincount(case.place)[some.place].min() >= np.sort(np.bincount(case.place))[-2]


def test_ranks_count_places_not_rows(case):
    """Three rows of one place before the right one: it is second, not fourth."""
    right = int(case.right[0])
    other, third = [n for n in range(6) if n != right][:2]
    likeness = np.tile([0.9, 0.8, 0.7, 0.6, 0.5], (len(case.asked), 1))
    place = np.array([other, other, other, right, third])
    method = Method(likeness, place, np.tile(case.asked_at[0], (5, 1)))
    assert found(method, case, 1)[0][0] == 0
    assert found(method, case, 2)[0][0] == 1
    assert found(method, case, 1)[1][0] == 1
    far = Method(likeness, place, np.full((5, 3), 99.0))
    assert not found(far, case, 5)[1].any()


def test_chance_is_what_drawing_gives(case):
    right, near = by_chance(case, 2)
    assert right == pytest.approx(2 / 6)
    middles = np.stack([case.at[case.place == n].mean(0) for n in range(6)])
    rng = np.random.default_rng(0)
    away = np.linalg.norm(middles - case.asked_at[0], axis=1)
    drawn = [away[rng.permutation(6)[:2]].min() <= 1.6 for _ in range(4000)]
    assert near[0] == pytest.approx(np.mean(drawn), abs=0.03)


def test_methods_find_places_that_look_different(case):
    token = ReversibleMemoryToken(WIDE, width=16, depth=2, heads=2, slots=2).eval()
    ranks = Ranks()
    for name, method in methods_of(case, {"token": token, "untrained": revisits.untrained(token)}):
        ranks.add(name, method, case, "house-val-0")
    assert ranks.names == [
        "token", "untrained", "heads_flat", "heads_mean", "residues_flat", "residues_mean", "chance"
    ]  # fmt: skip
    share = {name: np.mean(ranks.hits(name, "recall", 1)[0]) for name in ranks.names}
    assert share["residues_flat"] > 0.95
    assert share["token"] > 2 * share["chance"]
    assert share["chance"] == pytest.approx(1 / 6)
    assert len(ranks.hits("token", "turned", 1)[0]) == case.turned.sum()


def test_untrained_weights_are_always_the_same():
    like = ReversibleMemoryToken(WIDE, width=16, depth=1, heads=2, slots=2)
    a, b = revisits.untrained(like), revisits.untrained(like)
    assert bool((a.adapter.weight == b.adapter.weight).all())
    assert not a.training


def test_rows_say_the_difference_query_by_query_with_whole_houses_drawn():
    token = ReversibleMemoryToken(WIDE, width=16, depth=1, heads=2, slots=2).eval()
    ranks = Ranks()
    for n in range(3):
        of_house = halves(corridor(5, scene=f"house-val-{n}", seed=n), 1.6)["leaf"]
        for name, method in methods_of(of_house, {"token": token, "untrained": token}):
            ranks.add(name, method, of_house, f"house-val-{n}")
    rows = {row.name: row for row in revisits.rows_of("houses_leaf", ranks)}
    gain = rows["houses_leaf_token_less_residues_flat"]
    told = rows["houses_leaf_token_recall_1"].value - rows["houses_leaf_residues_flat_recall_1"].value
    assert gain.value == pytest.approx(told)
    ours, houses = ranks.hits("token", "recall", 1)
    theirs, _ = ranks.hits("residues_flat", "recall", 1)
    low, high = revisits.bounds(np.subtract(ours, theirs).tolist(), houses)
    assert low <= gain.value <= high
    assert gain.passed == (low > 0)
    equal = rows["houses_leaf_token_less_untrained"]
    assert (equal.value, equal.passed) == (0, False)


def test_mistakes_are_one_line(tmp_path, capsys):
    assert main(["revisits", "--out", str(tmp_path), "--houses", "0"]) == 2
    assert "houses above 0" in capsys.readouterr().err
    assert main(["revisits", "--out", str(tmp_path), "--token", str(tmp_path / "none")]) == 2
    assert "a reversible token in" in capsys.readouterr().err
    (tmp_path / "camera-intrinsics.txt").write_text("585 0 320\n0 585 240\n0 0 1\n")
    with pytest.raises(DataError, match="RGB-D frames in"):
        read_walk(tmp_path)
