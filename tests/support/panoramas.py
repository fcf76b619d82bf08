"""Five panoramas, an instruction, and an agent that follows it: what a recording of a graph is made of."""

import gymnasium
import numpy as np

from placecell.agent.loop import Agent, run_episode
from placecell.agent.perception.percept import InstructionGoal, Percept
from placecell.agent.policies.policy import Decision, Policy
from placecell.agent.recording import RecordOptions, make_recorder
from placecell.agent.results import Result
from placecell.geometry import Pinhole, Pose
from placecell.memory import Frame, NoMemory, Query

TEXT = "Go past the café \U0001f600, turn <b>left</b>. Stop at the $door."
CLAUSES = [[0, 18], [20, 37], [38, len(TEXT)]]
NAMES = ("start", "hall", "café", "stairs", "door")
PLACES = [[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [4.0, 0.5, 0.0], [4.0, 3.0, 2.8], [6.0, 1.0, 0.0]]
EDGES = [[0, 1], [1, 2], [2, 3], [2, 4]]
WAY = (0, 1, 2, 4)
CAMERA = Pinhole.from_hfov(2, 2, 1.5)


class Panoramas(gymnasium.Env):
    """Stop, or go on to the next panorama of ``way``; ``family`` says whose measures it has."""

    action_space = gymnasium.spaces.Discrete(2)
    observation_space = gymnasium.spaces.Dict(
        {
            "instruction": gymnasium.spaces.Text(200),
            "gps": gymnasium.spaces.Box(-99, 99, (3,), np.float32),
            "node": gymnasium.spaces.Box(0, 9, (1,), np.int32),
        }
    )
    oracle = ("perfect_pose",)
    number_of_episodes = 2
    action_names = ("stop", "candidate_1")
    instruction = TEXT

    def __init__(self, way=WAY, family="r2r", limit=9):
        self.way, self.family, self.limit = way, family, limit
        self.at = self.steps = self.index = 0

    @property
    def origin(self):
        return {"position": [0.0, 0.0, 0.0], "yaw_rad": 0.0, "pitch_rad": 0.0}

    def shortest_path(self):
        return [PLACES[n] for n in WAY]

    def surroundings(self):
        return {"nodes": PLACES, "edges": EDGES, "gold": [PLACES[n] for n in WAY]}

    def provenance(self):
        return {"graph": "five"}

    def reset(self, *, seed=None, options=None):
        self.at, self.steps, self.index = 0, 0, (options or {}).get("episode", 0)
        return self._observation(), self._info([0])

    def step(self, action):
        self.steps += 1
        moves = action == 1 and self.at + 1 < len(self.way)
        self.at += moves
        over = self.steps >= self.limit
        info = self._info([self.way[self.at]] if moves else [])
        return self._observation(), 0.0, action == 0, action != 0 and over, info

    def _observation(self):
        node = self.way[self.at]
        gps = np.array(PLACES[node], np.float32)
        return {"instruction": self.instruction, "gps": gps, "node": np.array([node], np.int32)}

    def _info(self, entered):
        node = self.way[self.at]
        left = float(3 - WAY.index(node)) if node in WAY else 2.0
        measures = {"success": float(left == 0), "spl": float(left == 0), "distance_to_goal": 2 * left}
        if self.family == "streets":
            measures = {"task_completion": float(left <= 1), "shortest_path_distance": left}
        return {
            "episode_id": f"7_{self.index}", "scene_id": "five", "measures": measures,
            "pose": {"position": PLACES[node], "yaw_rad": 0.0, "pitch_rad": 0.0}, "collided": False,
            "goal_in_view": node in (2, 4), "goal_positions": [PLACES[4]],
            "tags": {"kind": "instruction", "path": "7"}, "viewpoint": NAMES[node],
            "walked": [[NAMES[n], 0.5, 0.0] for n in entered],
        }  # fmt: skip


class Follower(Policy):
    """Goes on until the end of the way, or for so many steps, and says where it is in the instruction."""

    def __init__(self, stops_after=3):
        self._stops_after = stops_after

    def begin_episode(self, rng):
        pass

    def decide(self, percept, retrieval):
        step = percept.step
        trace = {"mode": "follow", "clause": CLAUSES[min(step, 2)]}
        trace["hypotheses"] = [[*PLACES[1][:2], 0.75, 1], [*PLACES[3][:2], 0.25, 2]]
        if step == 0:
            trace["clauses"] = CLAUSES
        return Decision(0 if step >= self._stops_after else 1, trace)


def perceive(observation, step):
    """A frame that shows nothing."""
    pose = Pose(*(float(n) for n in observation["gps"]), 0.0)
    frame = Frame(pose.T_world_camera(1.5), CAMERA, np.zeros((2, 2), np.float32), step=step)
    goal = InstructionGoal(str(observation["instruction"]))
    return Percept(frame, Query(pose.position, 6.0), pose, goal, False, step)


def follower(stops_after=3):
    """An agent for the five panoramas."""
    return Agent(perceive, NoMemory(), Follower(stops_after))


def record_panoramas(folder, level="full", env=None, agent=None, **header):
    """Records one episode as a run would; its last step."""
    env, agent = env or Panoramas(), agent or follower()
    recorder = make_recorder(RecordOptions(level), env, agent)

    def prepare(info):
        told = ("episode_id", "scene_id", "tags", "goal_positions", "goal_in_view", "viewpoint", "walked")
        agent.memory.begin_episode("cold")
        facts = {"episode": 0, "seed": 5, "run_seed": 0, "arm": "cold", "start": info["pose"]}
        recorder.begin(folder, {**facts, **{name: info[name] for name in told if name in info}, **header})

    last = run_episode(
        env, agent, seed=5, episode=0, rng=np.random.default_rng(0), on_step=(recorder.add,), prepare=prepare
    )
    recorder.end(result_of(last))
    return last


def result_of(last, **changes):
    """The result of an episode that ended with this step."""
    how = {"status": "done", "truncated": False, "tags": last.info["tags"], "seconds": 1.5, **changes}
    measures = last.info["measures"]
    return Result(0, "7_0", "five", steps=last.index + 1, measures=measures, oracle=Panoramas.oracle, **how)
