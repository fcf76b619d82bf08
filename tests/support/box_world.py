"""A world of labelled boxes: percepts of a walk in it, by slab tests, without any simulator."""

import math
from dataclasses import dataclass, replace

import numpy as np

from placecell.agent.perception.embodiment import Embodiment
from placecell.agent.perception.percept import CategoryGoal, Percept
from placecell.agent.policies.actions import FORWARD, LEFT, RIGHT, STOP
from placecell.geometry import Pinhole, Pose
from placecell.memory import Frame, Query

WALL, FLOOR, TABLE, BED, SINK = 1, 2, 3, 4, 5
NAMES = ("", "wall", "floor", "table", "bed", "sink")
BODY = Embodiment(
    forward_m=0.25,
    turn_rad=math.radians(30),
    radius_m=0.18,
    height_m=0.88,
    max_climb_m=0.2,
    camera=Pinhole.from_hfov(64, 64, math.radians(79)),
    camera_height_m=0.88,
    success_distance_m=0.1,
)


@dataclass(frozen=True)
class Box:
    """An axis-aligned box of one category."""

    low: tuple[float, float, float]
    high: tuple[float, float, float]
    label: int


def two_rooms(*things):
    """8 m by 4 m, a wall at x = 4 m with a door of 1 m at y 1.5-2.5 m, and some things."""
    walls = [
        ((-0.2, -0.2), (8.2, 0.0)), ((-0.2, 4.0), (8.2, 4.2)), ((-0.2, 0.0), (0.0, 4.0)),
        ((8.0, 0.0), (8.2, 4.0)), ((3.95, 0.0), (4.05, 1.5)), ((3.95, 2.5), (4.05, 4.0)),
    ]  # fmt: skip
    floor = Box((-0.2, -0.2, -0.2), (8.2, 4.2, 0.0), FLOOR)
    return [floor, *(Box((*low, 0.0), (*high, 2.4), WALL) for low, high in walls), *things]


class BoxWorld:
    """Boxes, and a body in them whose feet stay on the ground."""

    def __init__(self, boxes, goal, pose=None):
        self.boxes, self.goal = boxes, goal
        self.pose, self.collided, self.step = pose or Pose(1.0, 2.0, 0.0, 0.0), False, 0
        self.path_m = 0.0

    def percept(self, labelled=True):
        """What is seen now."""
        camera, T = BODY.camera, self.pose.T_world_camera(BODY.camera_height_m)
        rays = camera.rays().reshape(-1, 3) @ T[:3, :3].T
        depth, labels = np.full(len(rays), np.inf), np.zeros(len(rays), np.int32)
        with np.errstate(divide="ignore", invalid="ignore"):
            for box in self.boxes:
                one, two = ((np.array(c) - T[:3, 3]) / rays for c in (box.low, box.high))
                near, far = np.minimum(one, two).max(1), np.maximum(one, two).min(1)
                hit = (near < far) & (near > 0) & (near < depth)
                depth[hit], labels[hit] = near[hit], box.label
        labels[~np.isfinite(depth)] = 0
        depth[(depth < 0.5) | (depth > 5.0)] = 0.0
        shape = (camera.height, camera.width)
        frame = Frame(
            T, camera, depth.reshape(shape).astype(np.float32), np.zeros((*shape, 3), np.uint8),
            labels.reshape(shape) if labelled else None, self.step,
        )  # fmt: skip
        goal = CategoryGoal(self.goal, NAMES[self.goal])
        query = Query(self.pose.position, 1e3, category=self.goal)
        return Percept(frame, query, self.pose, goal, self.collided, self.step)

    def act(self, action):
        """Moves the body, or doesn't."""
        self.step, self.collided = self.step + 1, False
        if action in (LEFT, RIGHT):
            turn = BODY.turn_rad if action == LEFT else -BODY.turn_rad
            self.pose = replace(self.pose, yaw_rad=self.pose.yaw_rad + turn)
        elif action == FORWARD:
            yaw = self.pose.yaw_rad
            ahead = self.pose.position + 0.25 * np.array([math.cos(yaw), math.sin(yaw), 0.0])
            self.collided = any(self._meets(box, ahead) for box in self.boxes)
            if not self.collided:
                self.pose = replace(self.pose, x=float(ahead[0]), y=float(ahead[1]))
                self.path_m += 0.25

    def _meets(self, box, at):
        gap = np.maximum(np.array(box.low[:2]) - at[:2], at[:2] - np.array(box.high[:2])).clip(0)
        return box.high[2] > 0.2 and box.low[2] < BODY.height_m and float(np.hypot(*gap)) < BODY.radius_m

    def gap_m(self, label):
        """Metres over the ground to the nearest box of a label."""
        low, high = (
            np.array([getattr(b, k)[:2] for b in self.boxes if b.label == label]) for k in ("low", "high")
        )
        here = self.pose.position[:2]
        return float(np.hypot(*np.maximum(low - here, here - high).clip(0).T).min())


def walk(world, memory, policy, *, steps=300, k=16, start="cold", rng=None):
    """The decisions of one episode."""
    memory.begin_episode(start)
    policy.begin_episode(rng or np.random.default_rng(0))
    decisions = []
    for _ in range(steps):
        percept = world.percept()
        memory.write(percept.frame)
        decisions.append(policy.decide(percept, memory.retrieve(percept.query, k)))
        world.act(decisions[-1].action)
        if decisions[-1].action == STOP:
            break
    return decisions
