import math

import numpy as np
from voxel_boxes import BoxOctree

from placecell.agent.policies.things import ThingsSeen
from placecell.geometry import Pinhole, Pose
from placecell.memory import Frame, SpatialMemory

CAMERA = Pinhole.from_hfov(128, 128, math.radians(90))
CHAIR, SOFA = 5, 6


def frame(label=CHAIR, depth_m=2.0, **changes):
    """A wall ahead of a camera at the origin that looks east, its left half labelled."""
    labels = np.zeros((128, 128), np.int32)
    labels[:, :64] = label
    depth = np.full((128, 128), depth_m, np.float32)
    options = {"labels": labels} | changes
    return Frame(Pose(0, 0, 0, 0).T_world_camera(1.0), CAMERA, depth, **options)


def around(things, x, y, z=0.0, within_m=1.5):
    return things.around(np.array([x, y, z]), within_m).tolist()


def test_a_thing_is_believed_when_it_was_seen_twice():
    things = ThingsSeen()
    things.see(frame())
    assert around(things, 2, 1) == []
    things.see(frame())
    assert around(things, 2, 1) == [CHAIR]


def test_things_are_around_their_place_on_their_storey_only():
    things = ThingsSeen()
    for label in (CHAIR, SOFA, CHAIR, SOFA):
        things.see(frame(label))
    assert around(things, 2, 1) == [CHAIR, SOFA]
    assert around(things, -2, 1) == []
    assert around(things, 2, 1, z=6.0) == []
    assert around(things, 2, 1, z=-6.0) == []


def test_frames_without_labels_or_without_depth_say_nothing():
    things = ThingsSeen()
    for _ in range(3):
        things.see(frame(labels=None))
        things.see(frame(depth_m=0.0))
    assert around(things, 2, 1) == []


def test_an_episode_begins_with_what_the_map_still_holds():
    memory = SpatialMemory(max_depth_m=5.0)
    memory.write(frame(SOFA))
    things = ThingsSeen()
    things.see(frame())
    things.clear()
    things.recall(memory.octree, 40)
    assert around(things, 2, 1) == [SOFA]
    things.clear()
    things.recall(BoxOctree(np.zeros((1, 1, 1), np.int8), (0, 0, 0)), 40)
    assert around(things, 2, 1) == []
