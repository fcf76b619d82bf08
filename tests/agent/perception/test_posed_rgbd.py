import math

import numpy as np
import pytest
import trimesh

from placecell.agent.perception.embodiment import Embodiment
from placecell.agent.perception.percept import CategoryGoal, PointGoal
from placecell.agent.perception.posed_rgbd import PosedRgbd
from placecell.agent.perception.semantics import OracleSemantics
from placecell.arrays import generator
from placecell.envs.body import Action
from placecell.errors import EnvironmentUseError, FrameError
from placecell.geometry import Pose, transform, wrap_angle

WALK = [Action.TURN_LEFT] * 3 + [Action.MOVE_FORWARD] * 3 + [Action.LOOK_DOWN] + [Action.TURN_RIGHT] * 8
WALK += [Action.MOVE_FORWARD, Action.LOOK_UP, Action.LOOK_UP, Action.MOVE_FORWARD]


@pytest.fixture(scope="module", params=[0, 1])
def walked(home, request):
    """Percepts of a walk, with what the simulator says of each of them."""
    perceive = PosedRgbd(Embodiment.of(home))
    observation, info = home.reset(seed=0, options={"episode": request.param})
    found = []
    for step, action in enumerate([*WALK, None]):
        found.append((perceive(observation, step), info))
        if action is not None:
            observation, *_, info = home.step(int(action))
    return found


def points(percept):
    """What a percept's frame saw, in the episode's frame, (n, 3)."""
    frame = percept.frame
    return transform(frame.T_world_camera, frame.camera.backproject(frame.depth)[frame.depth > 0])


def world_pose(info):
    x, y, z = info["pose"]["position"]
    return Pose(x, y, z, info["pose"]["yaw_rad"], info["pose"]["pitch_rad"])


def test_depth_from_all_poses_lies_on_the_same_surfaces(home, walked):
    """The law of frames: points of any view, brought from the episode to the world, are the mesh's."""
    mesh = trimesh.Trimesh(home.scene.vertices, home.scene.faces, process=False)
    T_world_episode = world_pose(walked[0][1]).T_world_body()
    rng = generator(0)
    for percept, _ in walked:
        seen = points(percept)
        some = transform(T_world_episode, seen[rng.choice(len(seen), 8, replace=False)])
        _, distance, _ = trimesh.proximity.closest_point_naive(mesh, some)
        assert distance.max() < 2e-3


def test_the_episode_s_frame_begins_at_the_start_s_feet_along_its_heading(walked):
    percept, _ = walked[0]
    assert (percept.pose.x, percept.pose.y, percept.pose.z, percept.pose.yaw_rad) == (0, 0, 0, 0)


def test_poses_move_as_the_body_does(walked):
    start = world_pose(walked[0][1])
    for percept, info in walked:
        truth = world_pose(info)
        there = transform(start.T_world_body(), percept.pose.position)
        np.testing.assert_allclose(there, truth.position, atol=1e-4)
        assert wrap_angle(start.yaw_rad + percept.pose.yaw_rad - truth.yaw_rad) == pytest.approx(0, abs=1e-5)
        assert percept.pose.pitch_rad == pytest.approx(truth.pitch_rad, abs=1e-6)
    assert len({round(math.degrees(p.pose.pitch_rad)) for p, _ in walked}) == 3


def test_the_goal_stands_still_and_lies_where_the_episode_has_it(home, walked):
    start = world_pose(walked[0][1])
    goals = np.array([percept.goal.position for percept, _ in walked])
    assert (goals == goals[0]).all()
    assert goals.dtype == np.float64
    index = [i for i, e in enumerate(home.episodes) if np.allclose(e.start.position[:2], start.position[:2])]
    goal = home.episodes[index[0]].goals[0].position
    np.testing.assert_allclose(transform(start.T_world_body(), goals[0]), goal, atol=1e-4)


def test_percepts_say_when_they_were_and_ask_for_what_is_around_the_body(walked):
    for step, (percept, info) in enumerate(walked):
        assert (percept.step, percept.frame.step) == (step, step)
        np.testing.assert_array_equal(percept.query.position, percept.pose.position)
        assert percept.query.radius_m == 3.0
        assert percept.frame.rgb is not None
        assert percept.collided == info["collided"]


def observed(home, **changes):
    observation, _ = home.reset(seed=0, options={"episode": 0})
    return observation | changes


def test_a_collision_is_passed_on(home):
    perceive = PosedRgbd(Embodiment.of(home), around_m=1.5)
    percept = perceive(observed(home, collided=np.array([1], np.int8)), 0)
    assert percept.collided is True
    assert percept.query.radius_m == 1.5


def test_a_depth_image_that_is_none_is_refused(home):
    perceive = PosedRgbd(Embodiment.of(home))
    with pytest.raises(FrameError, match="depth of 64 x 64 pixels, as its camera, got 32 x 64"):
        perceive(observed(home, depth=np.zeros((32, 64), np.float32), rgb=np.zeros((32, 64, 3), np.uint8)), 0)
    with pytest.raises(FrameError, match="4096 NaN or infinite"):
        perceive(observed(home, depth=np.full((64, 64), np.nan, np.float32)), 0)


def sought(home, goal, semantics=None, **changes):
    perceive = PosedRgbd(Embodiment.of(home), semantics=semantics, categories=("", "bed", "sofa"))
    return perceive(observed(home, objectgoal=np.array([goal], np.int32), **changes), 0)


def test_an_object_goal_is_a_category_and_the_memory_is_asked_for_it_everywhere(home):
    percept = sought(home, 2)
    assert percept.goal == CategoryGoal(2, "sofa")
    assert percept.query.category == 2
    assert percept.query.radius_m > 100
    assert sought(home, 9).goal == CategoryGoal(9, "9")


def test_without_a_category_the_goal_is_the_point(home):
    percept = sought(home, 0)
    assert isinstance(percept.goal, PointGoal)
    assert percept.query.category is None


def test_without_a_category_and_without_a_point_there_is_no_goal(home):
    observation = observed(home, objectgoal=np.array([0], np.int32))
    del observation["pointgoal"]
    with pytest.raises(
        EnvironmentUseError, match="objectgoal of 1 or more, or a pointgoal beside it, got obj"
    ):
        PosedRgbd(Embodiment.of(home))(observation, 0)
    del observation["objectgoal"]
    with pytest.raises(EnvironmentUseError, match="got one without pointgoal or objectgoal"):
        PosedRgbd(Embodiment.of(home))(observation, 0)


def test_labels_come_from_the_semantic_source(home):
    image = np.full((64, 64), 2, np.int32)
    assert sought(home, 2, category=image).frame.labels is None
    np.testing.assert_array_equal(sought(home, 2, OracleSemantics(), category=image).frame.labels, image)


def test_what_an_observation_lacks_is_named(home):
    perceive = PosedRgbd(Embodiment.of(home))
    observation = observed(home)
    del observation["gps"], observation["pitch"]
    with pytest.raises(EnvironmentUseError, match=r"an observation with rgb, .*, got one without gps, pitch"):
        perceive(observation, 0)
