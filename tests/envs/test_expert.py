"""The shortest-path expert on ground made for it: round corners, without bumping, to the success radius."""

import math
from itertools import pairwise

import pytest
from solids import area, at, box, floor

from placecell.envs.body import PRESETS, Action, make_body
from placecell.envs.expert import ShortestPathExpert

ROOM = floor(0.0, 0.0, 6.0, 6.0)


def walk(ground, body, start, goal, yaw=0.3, stop_within=0.2):
    """(points walked, actions, collisions, distance left)."""
    expert, field = ShortestPathExpert(ground, body), ground.field(goal)
    standing, points, actions, collisions = ground.stand(start), [start], [], 0
    while not actions or (actions[-1] != Action.STOP and len(actions) < 300):
        actions.append(expert.action(field, standing, yaw, stop_within))
        if actions[-1] == Action.MOVE_FORWARD:
            step = ground.step(standing, yaw, body.forward_m, sliding=body.sliding, sticky=body.sticky)
            standing, collisions = step.standing, collisions + step.collided
            points.append(ground.point(standing))
        elif actions[-1] != Action.STOP:
            yaw += body.turn_rad if actions[-1] == Action.TURN_LEFT else -body.turn_rad
    return points, actions, collisions, field.distance(standing)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("yaw", [0.0, 0.3, 2.0, -3.0])
def test_it_walks_round_a_block_without_touching_it(name, yaw):
    body = PRESETS[name]
    ground = area(ROOM, box(2.0, 1.0, 0.0, 4.0, 4.5, 2.0), radius_m=body.radius_m)
    points, actions, collisions, left = walk(ground, body, at(1.2, 2.5), at(4.8, 2.5), yaw)
    walked = sum(math.dist(a, b) for a, b in pairwise(points))
    assert left < 0.2
    assert collisions == 0
    assert walked <= 1.05 * ground.geodesic_distance(at(1.2, 2.5), at(4.8, 2.5))
    assert set(actions) <= {Action.STOP, Action.MOVE_FORWARD, Action.TURN_LEFT, Action.TURN_RIGHT}


@pytest.mark.parametrize(("yaw", "first"), [(0.1, Action.TURN_RIGHT), (-0.1, Action.TURN_LEFT), (0.0, 1)])
def test_it_turns_the_short_way(yaw, first):
    body, ground = make_body({"name": "fine", "turn_deg": 5}), area(ROOM)
    expert, field = ShortestPathExpert(ground, body), ground.field(at(5, 3))
    assert expert.action(field, ground.stand(at(1, 3)), yaw, 0.2) == first


def test_it_stops_as_soon_as_that_counts_and_no_sooner():
    body, ground = PRESETS["habitat_pointnav"], area(ROOM)
    expert, field = ShortestPathExpert(ground, body), ground.field(at(3, 3))
    assert expert.action(field, ground.stand(at(2.81, 3)), 0.0, 0.2) == Action.STOP
    assert expert.action(field, ground.stand(at(2.79, 3)), 0.0, 0.2) == Action.MOVE_FORWARD
    assert expert.action(field, ground.stand(at(3, 3)), 0.0, 0.2) == Action.STOP


def test_where_no_step_helps_it_stops():
    ground = area(ROOM, floor(10.0, 0.0, 12.0, 2.0))
    expert = ShortestPathExpert(ground, PRESETS["habitat_pointnav"])
    assert expert.action(ground.field(at(11, 1)), ground.stand(at(3, 3)), 0.0, 0.2) == Action.STOP


def test_it_squeezes_through_where_it_must_bump():
    # A gap of three cells for the body's middle: too narrow for strides of 0.25 m at every heading.
    body = PRESETS["habitat_pointnav"]
    ground = area(ROOM, box(2.0, 0.0, 0.0, 3.0, 2.9, 2.0), box(2.0, 3.3, 0.0, 3.0, 6.0, 2.0))
    _, _, _, left = walk(ground, body, at(1, 1), at(5, 5))
    assert left < 0.2
