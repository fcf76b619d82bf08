import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
from percepts import body, percept
from voxel_boxes import BoxOctree, ground

from placecell.agent.policies.actions import FORWARD, LEFT, RIGHT
from placecell.agent.policies.ground_map import GroundMap
from placecell.agent.policies.walking import Walker
from placecell.geometry import Pose
from placecell.memory import OCCUPIED

WIDE = body(radius_m=0.18)


def walker_at(gap_low, gap_high):
    """A hall of 4 m by 4 m whose wall at x = 2 m has a gap between two y, in cells."""
    states = ground(np.zeros((40, 40), int))
    for y in (*range(gap_low), *range(gap_high, 40)):
        states[20, y, 1:25] = OCCUPIED
    ground_map = GroundMap(BoxOctree(states, (0, 0, -1)), WIDE, 15.0)
    ground_map.read_all()
    walker = Walker(ground_map, WIDE, 0.1)
    walker.begin_episode(np.random.default_rng(0))
    return walker


def walked(walker, pose, goal, *, careful, steps=40):
    """Actions, and where they lead a body that walks through everything."""
    actions = []
    for step in range(steps):
        here = percept(pose.position, goal, yaw_rad=pose.yaw_rad, step=step)
        decision = walker.go(here, np.array(goal), careful=careful)
        walker.remember(pose, decision.action)
        actions.append(decision.action)
        if decision.action == FORWARD:
            x, y = pose.x + 0.25 * math.cos(pose.yaw_rad), pose.y + 0.25 * math.sin(pose.yaw_rad)
            pose = replace(pose, x=x, y=y)
        else:
            turn = {LEFT: WIDE.turn_rad, RIGHT: -WIDE.turn_rad}[decision.action]
            pose = replace(pose, yaw_rad=pose.yaw_rad + turn)
        yield pose, decision
        if math.hypot(goal[0] - pose.x, goal[1] - pose.y) < 0.3:
            return


def nearest_to_wall(walker, pose, **options):
    """The least distance to the middle of a wall's column on the way through a gap of 0.8 m."""
    wall = np.array([(2.05, (y + 0.5) / 10) for y in (*range(16), *range(24, 40))])
    return min(
        float(np.hypot(*(wall - (p.x, p.y)).T).min())
        for p, _ in walked(walker, pose, (3.55, 2.05, 0.0), **options)
    )


def test_a_careful_body_keeps_clear_of_the_jambs_that_it_knows():
    starts = [Pose(0.6 + 0.07 * n, 1.2 + 0.11 * n, 0.0, 0.2 * n) for n in range(12)]
    careful = [nearest_to_wall(walker_at(16, 24), start, careful=True) for start in starts]
    assert min(careful) >= 0.18


def test_a_heading_is_tried_before_another_is_chosen():
    """Turns to one side end in a step: thinking anew at each one may turn a body back and forth for ever."""
    walker = walker_at(16, 24)
    sides = []
    for _, decision in walked(walker, Pose(1.5, 1.0, 0.0, 2.5), (3.55, 2.05, 0.0), careful=True):
        sides.append(decision.action)
    assert not {(LEFT, RIGHT), (RIGHT, LEFT)} & set(pairwise(sides))
    assert FORWARD in sides
