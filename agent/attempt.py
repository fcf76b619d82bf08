"""Walks episodes and leaves their folders: what a run does, in its own process or in a worker's."""

import io
import time
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from PIL import Image

from placecell.arrays import atomic_write, generator
from placecell.errors import ConfigError, OutputError

from .beat import Beat, NoBeat
from .failures import Witness, failure_of
from .limits import Exceeded, Watchdog
from .loop import Agent, Step, run_episode
from .picture import step_picture
from .plan import Leg, Plan, Visits, WorldFacts
from .recording import NoRecorder, Recorder, make_recorder
from .results import Result, Start, Status, success_of
from .run_folder import episode_folder, writing
from .told import RememberInfo, measures_of, plain_tags, start_of, tags_of
from .tour_checkpoint import TourCheckpoint
from .tours import Arm

_WORLD = ("number_of_episodes", "oracle", "provenance")
_OF_PANORAMAS = ("viewpoint", "walked")  # of worlds that have them; all others' headers stay as they were
_TOURS = ("tour_so_far", "go_on_with")


class Walker:
    """One environment, one agent, and the episodes that they are given.

    Args:
        env: beside Gymnasium's interface, it or what it wraps has ``number_of_episodes``, ``oracle`` (names
            of inputs that no agent has in the world) and ``provenance()`` (plain JSON: scene, data hashes).
            Its ``info`` has ``episode_id``, ``scene_id`` and, after the last step, ``measures``; it may have
            ``tags`` (flat plain JSON: what the episode is), ``pose``, ``goal_in_view``, ``goal_positions``.
            Where ``visits_per_tour`` consecutive episodes share a tour (one number for all tours, or a tuple
            with one for each) it has, beside that, ``tour_so_far()`` and ``go_on_with(state)``, which let
            another process go on.
        agent: what walks.
        plan: how.
        out: the run's folder.
        beat: is told where the walk stands.

    Raises:
        ConfigError: an environment without the above, an unknown arm, or one that this environment has
            nothing for.
    """

    def __init__(
        self, env: gymnasium.Env, agent: Agent, plan: Plan, out: Path, beat: Beat | None = None
    ) -> None:
        self.facts = _facts(env, agent)
        self._agent, self._plan, self._out, self._beat = agent, plan, out, beat or NoBeat()
        self._arm = Arm(plan.arm, env, agent)
        self._env = RememberInfo(env)
        self._recorder = make_recorder(plan.record, env, agent)

    def walk(self, leg: Leg) -> Iterator[Result]:
        """The results of a leg's pending episodes, in order, each with its folder complete.

        What the memory and the environment keep from visit to visit is written down before a result is given
        away; a visit of which that is missing is walked again, unrecorded.

        Raises:
            OutputError: a folder that cannot be written. All other exceptions are their episode's result.
        """
        tour = TourCheckpoint(self._out, leg.first) if self.facts.has_tours else None
        begin = leg.first if tour is None else tour.restore(self._env, self._arm, leg.pending[0])
        for episode in range(begin, leg.pending[-1] + 1):
            if episode in leg.lost:
                self._arm.broke()
            elif episode in leg.pending:
                result = self._attempt(episode, self._recorder)
                if tour is not None and episode != leg.pending[-1]:
                    tour.write(self._env, self._arm, episode + 1)
                yield result
            else:
                self._attempt(episode, NoRecorder())

    def _attempt(self, episode: int, recorder: Recorder) -> Result:
        """One episode's result, whatever happened in it."""
        self._beat.entering(episode)
        attempt = _Attempt(self._env, self._agent, self._arm, self._plan, self._out, self._beat, recorder)
        result = attempt.walk(episode, self.facts.oracle)
        self._beat.idle()
        return result


class _Attempt:
    """One episode under way; what is known of it, for it may break."""

    def __init__(
        self,
        env: RememberInfo,
        agent: Agent,
        arm: Arm,
        plan: Plan,
        out: Path,
        beat: Beat,
        recorder: Recorder,
    ) -> None:
        self._env, self._agent, self._arm, self._plan = env, agent, arm, plan
        self._out, self._beat, self._recorder = out, beat, recorder
        self._witness, self._steps, self._episode = Witness(), 0, 0
        self._start: Start | None = None
        self._folder: Path | None = None

    def walk(self, episode: int, oracle: tuple[str, ...]) -> Result:
        began = time.perf_counter()
        self._episode, self._env.info = episode, {}
        status: Status = "done"
        truncated, measures, failure, reason = False, {}, None, None
        try:
            last = self._to_its_end()
            truncated, measures = last.truncated and not last.terminated, measures_of(last)
            tags = {**tags_of(last.info), **self._arm.tags(), **_size(self._agent)}
            success = success_of(measures)
            if success is not None and success < 1:
                failure = failure_of(self._witness.attempt(last, measures, recalls=self._arm.recalls))
            self._keep_view(last)
        except OutputError:
            raise
        except (Exception, SystemExit) as error:  # an environment may say sys.exit
            status, reason = _what_broke(error)
            truncated, measures, failure = False, {}, None
            tags = {**(plain_tags(self._env.info) or {}), **self._arm.tags()}
            self._arm.broke()
            self._keep_error(error)
        result = Result(
            episode=episode,
            episode_id=self._episode_id,
            scene_id=str(self._env.info.get("scene_id", "unknown")),
            status=status,
            truncated=truncated,
            steps=self._steps,
            measures=measures,
            oracle=oracle,
            failure=failure,
            reason=reason,
            tags=tags,
            start=self._start,
            seconds=time.perf_counter() - began,
        )
        self._recorder.end(result)
        return result

    @property
    def _episode_id(self) -> str:
        return str(self._env.info.get("episode_id", self._episode))

    def _to_its_end(self) -> Step:
        seed, episode = self._plan.seed, self._episode
        self._env_seed = int(generator(seed, "environment", episode).integers(2**31))
        return run_episode(
            self._env,
            self._agent,
            seed=self._env_seed,
            episode=episode,
            rng=generator(seed, "policy", episode),
            on_step=(self._recorder.add, self._count, self._witness, Watchdog(self._plan.limits)),
            prepare=self._prepare,
        )

    def _prepare(self, info: Mapping[str, Any]) -> None:
        self._start = start_of(info)
        tags = plain_tags(info) or {}
        self._beat.began(self._episode_id, str(info.get("scene_id", "unknown")), tags, self._start)
        self._witness.seen_at_start(info)
        self._arm.prepare(info)
        self._folder = episode_folder(self._out, self._episode, self._episode_id)
        self._recorder.begin(
            self._folder,
            {
                "episode": self._episode,
                "episode_id": self._episode_id,
                "scene_id": str(info.get("scene_id", "unknown")),
                "run_seed": self._plan.seed,
                "seed": self._env_seed,
                "arm": self._arm.name,
                "start": info.get("pose"),
                "tags": {**tags, **self._arm.tags()},
                "goal_positions": info.get("goal_positions"),
                "goal_in_view": info.get("goal_in_view"),
                "measures": info.get("measures"),
                **{name: info[name] for name in _OF_PANORAMAS if name in info},
            },
        )

    def _count(self, step: Step) -> None:
        self._steps = step.index + 1
        self._beat.step(self._steps)

    def _keep_view(self, last: Step) -> None:
        """``view.png``: what the agent saw last and the map it made, of an agent that makes one."""
        if isinstance(self._recorder, NoRecorder) or self._folder is None:
            return
        top_down = self._agent.policy.top_down()
        if top_down is None:
            return
        frame = last.percept.frame
        rgb = np.zeros((*frame.depth.shape, 3), np.uint8) if frame.rgb is None else frame.rgb
        buffer = io.BytesIO()
        Image.fromarray(step_picture(rgb, frame.depth, top_down)).save(buffer, "PNG", compress_level=1)
        self._write("view.png", buffer.getvalue())

    def _keep_error(self, error: BaseException) -> None:
        """``error.txt``: where it broke, recorded or not."""
        if isinstance(error, Exceeded):
            return
        if self._folder is None:
            self._folder = episode_folder(self._out, self._episode, self._episode_id)
        self._write("error.txt", "".join(traceback.format_exception(error)))

    def _write(self, name: str, content: str | bytes) -> None:
        folder = self._folder
        assert folder is not None
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            atomic_write(folder / name, content)


def _what_broke(error: BaseException) -> tuple[Status, str]:
    if isinstance(error, Exceeded):
        return error.status, error.reason
    return "crashed", " ".join(f"{type(error).__name__}: {error}".split())


def _size(agent: Agent) -> dict[str, int]:
    """What the memory came to."""
    stats = agent.memory.stats()
    return {"memory_bytes": int(stats["bytes"]), "memory_items": int(stats["items"])}


def _facts(env: gymnasium.Env, agent: Agent) -> WorldFacts:
    """What a run needs to know of an environment, by name."""
    _require(env, _WORLD)
    visits = env.get_wrapper_attr("visits_per_tour") if env.has_wrapper_attr("visits_per_tour") else 1
    if visits != 1:
        _require(env, _TOURS)
    _require_sum(visits, int(env.get_wrapper_attr("number_of_episodes")))
    oracle = {*env.get_wrapper_attr("oracle"), *agent.oracle}
    return WorldFacts(
        number_of_episodes=int(env.get_wrapper_attr("number_of_episodes")),
        oracle=tuple(sorted(oracle)),
        provenance=env.get_wrapper_attr("provenance")(),
        visits_per_tour=visits,
    )


def _require(env: gymnasium.Env, names: tuple[str, ...]) -> None:
    missing = [name for name in names if not env.has_wrapper_attr(name)]
    if missing:
        raise ConfigError(
            expected=f"an environment that has {', '.join(names)}",
            came=f"{type(env.unwrapped).__name__} without {', '.join(missing)}",
            fix="add them to the environment (see placecell.agent.attempt.Walker)",
        )


def _require_sum(visits: Visits, episodes: int) -> None:
    if isinstance(visits, tuple) and sum(visits) != episodes:
        raise ConfigError(
            expected=f"tours of {episodes} episodes in all",
            came=f"{sum(visits)}, in {len(visits)} tours",
            fix="let the environment's visits_per_tour name the length of each tour",
        )
