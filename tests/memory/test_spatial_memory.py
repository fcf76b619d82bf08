import numpy as np
import pytest

from placecell.errors import ConfigError
from placecell.geometry import Pinhole, Pose
from placecell.memory import Frame, Query, SpatialMemory

CAMERA = Pinhole(1, 1, 100.0, 100.0, 0.5, 0.5)


def sees(depth_m, colour=None, step=0):
    """One pixel along +x, from the middle of voxel (0, 0, 0)."""
    rgb = None if colour is None else np.array([[colour]], np.uint8)
    pose = Pose(0.05, 0.05, 0.0, 0.0).T_world_camera(0.05)
    return Frame(pose, CAMERA, np.full((1, 1), depth_m, np.float32), rgb, step=step)


def ask(memory, k=3, x=1.05, radius_m=1.0):
    return memory.retrieve(Query(position=np.array([x, 0.05, 0.05]), radius_m=radius_m), k).items


def octree_alone(**settings):
    return SpatialMemory(topology=False, short_term=False, long_term=False, **settings)


def test_items_say_what_where_and_when():
    memory = octree_alone()
    memory.write(sees(1.0, (10, 20, 30), step=2))
    memory.write(sees(1.0, (20, 40, 60), step=4))
    memory.write(sees(0.5, step=7))
    near, far = ask(memory)
    np.testing.assert_allclose(near.position, [1.05, 0.05, 0.05])
    assert near.score == pytest.approx(1.0)
    assert (near.source, near.age_steps, near.colour) == ("octree", 3, (15, 30, 45))
    np.testing.assert_allclose(far.position, [0.55, 0.05, 0.05])
    assert far.score == pytest.approx(0.5)
    assert (far.age_steps, far.colour) == (0, None)
    assert len(ask(memory, k=1)) == 1
    assert ask(memory, x=3.0) == ()


def test_ages_count_on_through_warm_episodes():
    memory = octree_alone()
    memory.write(sees(1.0, step=10))
    memory.begin_episode("warm")
    memory.write(sees(0.5, step=0))
    memory.write(sees(0.5, step=3))
    assert [item.age_steps for item in ask(memory)] == [4, 0]
    memory.begin_episode("cold")
    memory.write(sees(1.0, step=2))
    assert [item.age_steps for item in ask(memory)] == [0]


def test_the_depth_range_is_the_memorys():
    memory = octree_alone(max_depth_m=2.0, min_depth_m=0.4)
    memory.write(sees(0.3))
    assert memory.octree.bounds()[1].tolist() == [0, 0, 0]
    memory.write(sees(2.5))
    assert memory.stats()["items"] == 0
    assert memory.octree.bounds()[1].tolist() == [21, 1, 1]
    memory.write(sees(1.9))
    assert memory.stats()["items"] == 1
    assert memory.stats()["bytes"] > 0


@pytest.mark.parametrize(
    "depths",
    [{"max_depth_m": 0.0}, {"min_depth_m": 5.0}, {"min_depth_m": -1.0}, {"max_depth_m": float("inf")}],
)
def test_depths_must_make_a_range(depths):
    with pytest.raises(ConfigError, match="0 <= min_depth_m < max_depth_m"):
        SpatialMemory(**depths)


def test_the_voxel_size_must_be_positive():
    with pytest.raises(ConfigError, match="a voxel size above 0 and finite, got 0;"):
        SpatialMemory(voxel_size_m=0.0)
