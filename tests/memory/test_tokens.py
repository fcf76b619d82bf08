"""What was recalled becomes rows of numbers, seen from the agent."""

import math
from dataclasses import replace

import numpy as np
import pytest

from placecell.errors import PlacecellError
from placecell.geometry import Pinhole, Pose, transform
from placecell.memory import Frame, MemoryItem, Query, Retrieval, SpatialMemory
from placecell.memory.sight import descriptor
from placecell.memory.tokens import (
    SCALE_M,
    TOKEN_FIELDS,
    TOKEN_WIDTH,
    batch_categories,
    batch_tokens,
    categories,
    tokens,
)

HERE = Pose(0.0, 0.0, 0.0, 0.0)


def item(x, y, z, **rest):
    return MemoryItem(
        np.array([x, y, z], float), **{"score": 0.5, "source": "octree", "age_steps": 0, **rest}
    )


def scattered(count, seed=0):
    rng = np.random.default_rng(seed)
    return Retrieval(
        tuple(item(*rng.uniform(-9, 9, 3), age_steps=int(rng.integers(99))) for _ in range(count))
    )


def read(row):
    return dict(zip(TOKEN_FIELDS, row.tolist()))


def metres(row):
    """Right, forward and up of a token, undone."""
    offset = np.array([row[name] for name in ("right", "forward", "up")])
    return math.sinh(row["distance"]) * SCALE_M / row["distance"] * offset


def test_a_token_says_where_a_thing_is_from_the_agent():
    pose = Pose(1.0, 2.0, 0.5, math.pi / 2, pitch_rad=0.4)  # looks along +y
    row = read(tokens(Retrieval((item(-2.0, 6.0, 1.5),)), pose)[0])
    assert metres(row) == pytest.approx([-3, 4, 1])
    assert math.sinh(row["distance"]) * SCALE_M == pytest.approx(math.sqrt(26))
    assert math.atan2(row["sin_bearing"], row["cos_bearing"]) == pytest.approx(math.atan2(3, 4))


def test_a_token_says_what_the_item_says():
    thing = item(1, 0, 0, score=0.75, source="short_term", age_steps=9, colour=(255, 0, 51), category=3)
    row = read(tokens(Retrieval((thing,)), HERE)[0])
    assert row["score"] == 0.75
    assert row["age"] == pytest.approx(math.log(10) / 10)
    assert [row["octree"], row["topology"], row["short_term"], row["other"]] == [0, 0, 1, 0]
    assert [row["red"], row["green"], row["blue"]] == pytest.approx([1, 0, 0.2])
    assert [row["has_colour"], row["has_category"], row["has_embedding"]] == [1, 1, 0]
    plain = read(tokens(Retrieval((item(1, 0, 0, source="grid"),)), HERE)[0])
    assert [plain["octree"], plain["topology"], plain["short_term"], plain["other"]] == [0, 0, 0, 1]
    assert [plain["has_colour"], plain["has_category"]] == [0, 0]


def test_moving_world_and_agent_together_changes_nothing():
    found, pose, motion = scattered(20), Pose(0.3, -1.0, 0.2, 0.7), Pose(-4.0, 8.0, 1.0, 2.5)
    moved = Retrieval(
        tuple(
            replace(thing, position=transform(motion.T_world_body(), thing.position)) for thing in found.items
        )
    )
    feet = transform(motion.T_world_body(), pose.position)
    there = tokens(moved, Pose(*feet.tolist(), pose.yaw_rad + motion.yaw_rad))
    assert np.allclose(there, tokens(found, pose), atol=1e-6)


def test_straight_above_has_no_bearing():
    row = read(tokens(Retrieval((item(0, 0, 2),)), HERE)[0])
    assert (row["sin_bearing"], row["cos_bearing"]) == (0, 0)
    assert row["distance"] == row["up"] == pytest.approx(math.asinh(2 / SCALE_M))


@pytest.mark.parametrize("away_m", [0.0, 1e-9, 0.1, 5.0, 1e3, 1e6, 1e12])
def test_what_is_far_does_not_drown_the_rest(away_m):
    row = read(tokens(Retrieval((item(away_m, -away_m, 0, age_steps=1 << 30),)), HERE)[0])
    assert max(abs(value) for value in row.values()) < max(2.1, 1.2 + 1.05 * math.log1p(away_m))
    assert all(abs(value) < 30 for value in row.values())
    if 0 < away_m < 1:
        assert row["forward"] == pytest.approx(away_m / SCALE_M, rel=0.01)
    if away_m > 0:
        assert metres(row) == pytest.approx([away_m, away_m, 0], rel=1e-4)


def test_an_empty_retrieval_gives_no_tokens():
    assert tokens(Retrieval(), HERE, embedding_width=5).shape == (0, TOKEN_WIDTH + 5)
    found, mask = batch_tokens([Retrieval(), scattered(2)], [HERE, HERE], 3)
    assert not found[0].any()
    assert not mask[0].any()
    assert categories(Retrieval()).shape == (0,)


def test_embeddings_follow_where_there_are_some():
    vector = np.array([0.5, -2.0, 7.0], np.float32)
    found = tokens(Retrieval((item(1, 0, 0, embedding=vector), item(2, 0, 0))), HERE, embedding_width=3)
    assert found.dtype == np.float32
    assert (found[0, TOKEN_WIDTH:] == vector).all()
    assert not found[1, TOKEN_WIDTH:].any()
    assert [read(row)["has_embedding"] for row in found] == [1, 0]


def test_embeddings_of_another_width_are_no_tokens():
    short, long = np.ones(3, np.float32), np.ones(4, np.float32)
    found = Retrieval((item(1, 0, 0, embedding=short), item(2, 0, 0, source="topology", embedding=long)))
    with pytest.raises(PlacecellError, match=r"width 3, got one of 4 from topology; .* other_widths=\(4,\)"):
        tokens(found, HERE, embedding_width=3)
    rows = tokens(found, HERE, embedding_width=3, other_widths=(4, 9))
    assert rows[:, TOKEN_WIDTH:].any(1).tolist() == [True, False]
    assert [read(row)["has_embedding"] for row in rows] == [1, 0]
    assert (batch_tokens([found], [HERE], 2, embedding_width=3, other_widths=(4,))[0][0] == rows).all()
    assert tokens(found, HERE).shape == (2, TOKEN_WIDTH)


def test_what_a_memory_knows_places_by_is_left_out_unless_asked_for():
    layout = np.ones(descriptor.WIDTH, np.float32)
    found = Retrieval((item(1, 0, 0, embedding=np.ones(3, np.float32)), item(2, 0, 0, embedding=layout)))
    assert tokens(found, HERE, embedding_width=3)[:, TOKEN_WIDTH:].any(1).tolist() == [True, False]
    rows = tokens(found, HERE, embedding_width=descriptor.WIDTH, other_widths=(3,))
    assert rows[:, TOKEN_WIDTH:].any(1).tolist() == [False, True]


def test_a_batch_is_filled_up_and_cut_to_the_best():
    retrievals, poses = [scattered(2), scattered(7, 1)], [HERE, Pose(1.0, 2.0, 0.0, 3.0)]
    found, mask = batch_tokens(retrievals, poses, 4)
    assert found.shape == (2, 4, TOKEN_WIDTH)
    assert mask.tolist() == [[True, True, False, False], [True] * 4]
    assert (found[0, :2] == tokens(retrievals[0], poses[0])).all()
    assert (found[1] == tokens(retrievals[1], poses[1])[:4]).all()
    assert not found[0, 2:].any()


def test_categories_come_apart():
    found = Retrieval((item(1, 0, 0, category=8), item(2, 0, 0), item(3, 0, 0, category=2)))
    assert categories(found).tolist() == [8, 0, 2]
    assert batch_categories([found, Retrieval()], 2).tolist() == [[8, 0], [0, 0]]
    assert batch_categories([found], 4).tolist() == [[8, 0, 2, 0]]


def test_each_retrieval_needs_its_pose_and_a_place_for_one_token():
    with pytest.raises(PlacecellError, match="a pose for each of 2 retrievals, got 1 poses"):
        batch_tokens([Retrieval(), Retrieval()], [HERE], 3)
    with pytest.raises(PlacecellError, match="k of 1 or more"):
        batch_tokens([Retrieval()], [HERE], 0)
    with pytest.raises(PlacecellError, match="k of 1 or more"):
        batch_categories([Retrieval()], 0)


def test_what_is_not_finite_gives_no_tokens():
    with pytest.raises(PlacecellError, match="1 of 2 items with NaN or infinity"):
        tokens(Retrieval((item(1, 0, 0), item(1, math.nan, 0))), HERE)
    for wrong in ({"score": math.nan}, {"score": 1e39}, {"age_steps": -5}, {"embedding": np.full(2, 1e39)}):
        with pytest.raises(PlacecellError, match="1 of 1 items with NaN or infinity"):
            tokens(Retrieval((item(1, 0, 0, **wrong),)), HERE, embedding_width=2)
    with pytest.raises(PlacecellError, match="a pose and items of finite numbers"):
        tokens(Retrieval((item(1, 0, 0),)), Pose(0.0, math.inf, 0.0, 0.0))


def test_a_memory_that_was_written_gives_tokens_of_what_is_ahead():
    memory, camera = SpatialMemory(voxel_size_m=0.1, max_depth_m=5.0), Pinhole.from_hfov(16, 16, 1.0)
    pose = Pose(2.0, -1.0, 0.0, 1.2)
    memory.begin_episode("cold")
    memory.write(
        Frame(
            pose.T_world_camera(1.0),
            camera,
            np.full((16, 16), 2, np.float32),
            np.full((16, 16, 3), 90, np.uint8),
        )
    )
    found = tokens(memory.retrieve(Query(pose.position, 3.0), k=8), pose)
    assert found.shape == (8, TOKEN_WIDTH)
    rows = [read(row) for row in found]
    assert all(abs(metres(row)[1] - 2) < 0.1 for row in rows)
    assert all(row["octree"] == 1 and row["age"] == 0 and row["has_colour"] == 1 for row in rows)
