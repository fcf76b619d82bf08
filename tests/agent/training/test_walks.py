import json

import numpy as np
import pytest

from placecell.agent.training.memory_batches import PlaceBatches
from placecell.agent.training.walk_store import load_walks, save_walks
from placecell.agent.training.walks import Walk, leaf_keys, made_walk, recorded_walks, split_of, visits_of
from placecell.agent.training.worlds import builtin
from placecell.errors import ArchiveError, ConfigError, DataError
from placecell.memory.sight.descriptor import WIDTH
from placecell.scripts.run import main as run


@pytest.fixture(scope="module")
def walk():
    return made_walk(builtin, "train", 0, goals=6)


def test_a_walk_goes_through_the_home_and_looks_around(walk):
    assert walk.observations.shape == (len(walk), WIDTH)
    assert np.linalg.norm(walk.observations, axis=1) == pytest.approx(1)
    steps_m = np.linalg.norm(np.diff(walk.positions, axis=0), axis=1)
    assert steps_m.max() < 0.26
    assert steps_m.sum() > 5
    assert len(np.unique(np.round(walk.yaws_rad, 3))) > 6
    assert np.ptp(walk.positions[:, 2]) < 0.3


def test_observations_hold_no_labels(walk):
    """Of each zone's 59 bins the 24 of labels stay empty: what is learnt from knows no simulator's names."""
    zones = walk.observations.reshape(len(walk), 8, 59)
    assert not zones[:, :, 27:51].any()
    assert zones[:, :, :27].any()
    assert zones[:, :, 51:].any()


def test_a_walk_is_its_seed_s(walk):
    same, other = (made_walk(builtin, "train", 0, goals=1, seed=seed) for seed in (0, 1))
    assert np.array_equal(same.observations, walk.observations[: len(same)])
    both = min(len(same), len(other))
    assert not np.array_equal(other.positions[:both], same.positions[:both])


def test_visits_end_when_a_place_was_left_for_long():
    keys = np.array([7] * 3 + [8] * 4 + [7] * 2 + [9] * 20 + [7])
    visits = visits_of(keys)
    assert [visit.tolist() for visit in visits[7]] == [[0, 1, 2, 7, 8], [29]]
    assert [len(visit) for visit in visits[9]] == [20]


def test_leaves_are_the_octree_s_cells_on_both_sides_of_zero():
    positions = np.array([[-0.1, 0, 0], [0.1, 0, 0], [1.59, 0.2, 0.3], [1.61, 0, 0]])
    a, b, c, d = leaf_keys(positions, 1.6)
    assert a != b == c != d
    shifted = leaf_keys(positions, 1.6, np.array([0.2, 0.0, 0.0]))
    assert shifted[0] == shifted[1] != shifted[2]


def test_a_batch_asks_after_what_it_wrote(walk):
    batches = PlaceBatches(
        [walk, walk], 0, size=2, places=24, most_writes=4, queries=2, leaf_cell_m=1.0
    )  # fmt: skip
    sizes = set()
    for step in range(20):
        batch = batches(step)
        assert (np.diff(batch.counts) <= 0).all()
        sizes |= set(batch.counts.tolist())
        assert batch.rivals()[np.arange(len(batch.right)), batch.right].all()
        assert not batch.rivals().all()
        here = {row.tobytes(): n for n, row in enumerate(walk.observations)}
        for query, right in zip(batch.queries, batch.right, strict=True):
            written = [here[row.tobytes()] for row in batch.written[right, : batch.counts[right]]]
            assert written == sorted(written)
            assert here[query.tobytes()] > max(written) + 15
    assert sizes == {1, 2, 3, 4}
    again, other = batches(3), PlaceBatches(
        [walk, walk], 1, size=2, places=24, most_writes=4, queries=2, leaf_cell_m=1.0
    )(3)  # fmt: skip
    assert np.array_equal(again.queries, batches(3).queries)
    assert again.queries.shape != other.queries.shape or not np.array_equal(again.queries, other.queries)


def test_walks_are_kept_in_a_file(walk, tmp_path):
    path = tmp_path / "walks.safetensors"
    save_walks(path, {"train": [walk, walk], "val": []})
    found = load_walks(path)
    assert [len(found[split]) for split in ("train", "val")] == [2, 0]
    assert np.allclose(found["train"][1].observations, walk.observations, atol=1e-3)
    assert np.array_equal(found["train"][1].positions, walk.positions)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ArchiveError, match=r"the walks of a training in .*; remove it to walk again"):
        load_walks(path)


def test_a_recorded_run_is_read_without_its_labels(tmp_path, capsys):
    """The visits of a tour are one walk, and its observations are those of colour and depth."""
    out = tmp_path / "run"
    code = run([
        "env=mesh", "task=pointnav", "agent=random", "perception=oracle", "memory=none",
        "episodes=2", "record=full", "task.max_steps=4", f"out={out}", "progress=false",
    ])  # fmt: skip
    assert code == 0, capsys.readouterr()
    walks = recorded_walks([out])
    assert len(walks) == 2
    for walk in walks:
        assert not walk.observations.reshape(len(walk), 8, 59)[:, :, 27:51].any()
        assert walk.observations.any()
    for header in out.glob("episodes/*/header.json"):
        content = json.loads(header.read_text())
        header.write_text(json.dumps({**content, "tags": {"tour": 3}}))
    (tour,) = recorded_walks([out])
    assert np.array_equal(tour.observations, np.concatenate([walk.observations for walk in walks]))


def test_what_is_no_walk_is_told(tmp_path):
    with pytest.raises(DataError, match=r"recorded episodes in .*, got none; name the folder of a run"):
        recorded_walks([tmp_path])
    with pytest.raises(ConfigError, match=r"walks in generated houses .*, got flat-3"):
        split_of("flat-3")


def test_a_walk_is_as_long_as_its_observations(walk):
    assert len(Walk("house-train-0", walk.observations[:3], walk.positions[:3], walk.yaws_rad[:3])) == 3
