"""The same episode again: its actions are walked once more, and all that was recorded is compared."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, SupportsFloat

import gymnasium
import numpy as np

from placecell.errors import ArchiveError, PlacecellError

from ..recording import HEADER_FILE, RecordedStep, Recording, observation_hash
from ..recording.header import STEPS_FILE
from ..results import Result
from ..resume import require_same_world
from ..stored_run import RecordedEpisode, StoredRun
from ..tours import ARMS

_AFTER_AN_ACTION = ("collided", "goal_in_view")
_HISTORY, _OF_THE_ARM = "seen_before", ("after_crash",)
_NAMES = ("episode_id", "scene_id")
_AT_THE_RESET = {
    "start": "pose", "goal_positions": "goal_positions", "goal_in_view": "goal_in_view", "tags": "tags",
    "viewpoint": "viewpoint", "walked": "walked",
}  # fmt: skip
"""What a header tells of the reset, and the info's name for it."""


@dataclass(frozen=True)
class Verdict:
    """What came of one episode.

    Args:
        episode: which.
        outcome: ``"same"``; ``"differs"``; ``"unrecorded"``, of one that left no step; ``"damaged"``, of one
            whose files cannot be read.
        steps: how many were found the same.
        why: what differs, or is missing; one line. Of the same ones, what they were cut off by, or nothing.
        unchecked: what was left out of the comparison, and why; empty for nothing.
    """

    episode: RecordedEpisode
    outcome: Literal["same", "differs", "unrecorded", "damaged"]
    steps: int = 0
    why: str = ""
    unchecked: str = ""


class _DiffersError(Exception):
    """The first thing that differs, in words."""

    def __init__(self, steps: int, what: str) -> None:
        super().__init__(what)
        self.steps = steps


def verify(run: StoredRun, episodes: Sequence[RecordedEpisode], env: gymnasium.Env) -> Iterator[Verdict]:
    """Walks the recorded actions of each episode again, in the order of the dataset, and compares.

    At the reset: which episode it is, start, goals, tags, measures. At each step: the hash of every
    observation, and the images where they were kept; the true pose, collisions, whether the goal is in view,
    the reward, the measures; of panorama graphs the panoramas entered. Last, that the episode ends where it
    ended, and with these measures. A difference is one of the last bit.

    Args:
        run: that they are of.
        episodes: of these some may lack a recording.
        env: made from the run's own configuration.

    Raises:
        OutputError: the environment is not of the data that the run says it was of.
    """
    if "world" in run.provenance:
        oracle = run.provenance.get("oracle")
        now = {"world": env.get_wrapper_attr("provenance")(), "oracle": oracle}
        require_same_world(run.provenance, now, run.folder)
    walked: dict[object, set[int]] = {}
    results = {result.episode: result for result in run.results}
    for episode in sorted(episodes, key=lambda e: e.episode):
        try:
            recording = Recording.read(episode.folder)
        except ArchiveError as error:
            if (episode.folder / HEADER_FILE).exists() or _has_lines(episode.folder / STEPS_FILE):
                yield Verdict(episode, "damaged", why=str(error))
            else:  # of one that broke before it began, or was killed then
                yield Verdict(episode, "unrecorded", why="it ended before its first step")
            continue
        verdict = _verify_one(episode, recording, env, walked, results.get(episode.episode))
        if verdict.outcome == "same":
            tags = _tags(recording)
            walked.setdefault((recording.header.get("scene_id"), tags.get("tour")), set()).add(
                tags.get("visit", 0)
            )
        yield verdict


def _has_lines(path: Path) -> bool:
    """Whether steps were recorded: the header is written before the first of them."""
    try:
        return b"\n" in path.read_bytes()
    except OSError:
        return False


def _verify_one(
    episode: RecordedEpisode,
    recording: Recording,
    env: gymnasium.Env,
    walked: Mapping[object, set[int]],
    result: Result | None,
) -> Verdict:
    header = recording.header
    if type(header.get("seed")) is not int or type(header.get("episode")) is not int:
        return Verdict(episode, "damaged", why=f"no seed or no episode in {recording.folder / 'header.json'}")
    if result is not None and result.status == "done" and not recording.complete:  # no kill leaves that
        cut = f"the end of {recording.folder / STEPS_FILE} is missing: it holds {len(recording.steps)} of "
        return Verdict(episode, "damaged", why=f"{cut}{result.steps} steps of an episode that was done")
    unchecked = _unchecked(recording, walked)
    steps = 0
    try:
        for steps in _compare(recording, env, with_history=not unchecked):  # noqa: B007
            pass
    except _DiffersError as difference:
        return Verdict(episode, "differs", difference.steps, str(difference), unchecked)
    except ArchiveError as error:
        return Verdict(episode, "damaged", why=str(error))
    why = "" if recording.complete else f"cut off after {steps} steps, which are the same"
    return Verdict(episode, "same", steps, why, unchecked)


def _unchecked(recording: Recording, walked: Mapping[object, set[int]]) -> str:
    """Whether what a tour has shown before cannot be known here, and why."""
    tags = _tags(recording)
    visit = tags.get("visit", 0)
    if _HISTORY not in tags or visit == 0:
        return ""
    rule = ARMS.get(str(recording.header.get("arm")))
    if rule is None or rule.seen is not None:
        return f"tags.{_HISTORY}: the surveys of the arm {recording.header.get('arm')} are not recorded"
    before = walked.get((recording.header.get("scene_id"), tags.get("tour")), set())
    missing = [earlier for earlier in range(visit) if earlier not in before]
    return f"tags.{_HISTORY}: visit {missing[0]} of its tour was not walked again" if missing else ""


def _compare(recording: Recording, env: gymnasium.Env, with_history: bool) -> Iterator[int]:
    """Yields how many steps are the same so far; raises :class:`_DiffersError` at the first that is not."""
    header, steps = recording.header, recording.steps
    done = recording.end is not None and recording.end.get("status") == "done"
    options = {"episode": header["episode"]}
    observation, info = _told(0, "reset", lambda: env.reset(seed=header["seed"], options=options))
    _compare_start(header, info, with_history)
    over = False
    for step in steps:
        if over:
            raise _DiffersError(step.index, f"step {step.index}: the episode had ended")
        _compare_observation(recording, step, observation)
        action = step.action
        observation, reward, terminated, truncated, info = _told(
            step.index,
            f"step {step.index}",
            lambda action=action: env.step(action),
        )
        _compare_after(step, info, float(reward))
        over = bool(terminated or truncated)
        yield step.index + 1
    if done and not over:
        raise _DiffersError(len(steps), f"step {len(steps)}: the episode goes on, where it had ended")
    if recording.end is not None and done:
        told = recording.end.get("measures")
        if not isinstance(told, Mapping):
            raise _DiffersError(len(steps), f"end: measures {_short(told)} was recorded, no object")
        _compare_measures(len(steps), "end", told, info.get("measures") or {})


def _told(steps: int, where: str, act: Any) -> Any:
    """What the environment gives; what it raises is a difference, for it had not."""
    try:
        return act()
    except Exception as error:
        words = str(error) if isinstance(error, PlacecellError) else f"{type(error).__name__}: {error}"
        raise _DiffersError(steps, f"{where}: the environment broke ({' '.join(words.split())})") from error


def _compare_start(header: Mapping[str, Any], info: Mapping[str, Any], with_history: bool) -> None:
    """What the header tells of the reset; a key that whoever walked did not write is nothing to compare."""
    for name in _NAMES:
        if name in header and name in info:
            _require_same(0, "reset", name, header[name], str(info[name]))
    out = (*_OF_THE_ARM, *(() if with_history else (_HISTORY,)))
    for key, name in _AT_THE_RESET.items():
        was, now = header.get(key), info.get(name)
        if key == "tags":
            was, now = ({k: v for k, v in (tags or {}).items() if k not in out} for tags in (was, now))
        if key in header:
            _require_same(0, "reset", key, was, now)
    if "measures" in header:
        _compare_measures(0, "reset", header["measures"] or {}, info.get("measures") or {})


def _compare_observation(recording: Recording, step: RecordedStep, observation: Mapping[str, Any]) -> None:
    if observation_hash(observation) == step.observation_hash:
        if step.entry is not None:
            recording.observation(step.index)  # refuses images that are not what their hash was taken of
        return
    what = "another observation"
    if step.entry is not None:
        what = _unlike(recording.observation(step.index), observation) or what
    raise _DiffersError(step.index, f"step {step.index}: {what}")


def _unlike(was: Mapping[str, np.ndarray], now: Mapping[str, Any]) -> str:
    """Which arrays differ, and by how much."""
    said = [f"no {name}" for name in sorted(was.keys() - now.keys())]
    said += [f"a new {name}" for name in sorted(now.keys() - was.keys())]
    for name in sorted(was.keys() & now.keys()):
        a, b = was[name], np.asarray(now[name])
        if a.dtype.kind == b.dtype.kind == "U" and a.shape == b.shape == () and str(a) != str(b):
            said.append(f"{name} {_short(str(a))} was recorded, now {_short(str(b))}")
        elif a.shape != b.shape or a.dtype != b.dtype:
            said.append(f"{name} {a.dtype}{list(a.shape)} was recorded, now {b.dtype}{list(b.shape)}")
        elif a.tobytes() != b.tobytes():
            said.append(f"{name} differs in {_many(a, b)} of {a.size} elements{_most(a, b)}")
    return "; ".join(said)


def _many(a: np.ndarray, b: np.ndarray) -> int:
    """By their bytes: 0.0 is not -0.0, and NaN is NaN."""
    each = [np.frombuffer(x.tobytes(), np.uint8).reshape(x.size, -1) for x in (a, b)]
    return int((each[0] != each[1]).any(axis=1).sum())


def _most(a: np.ndarray, b: np.ndarray) -> str:
    """The largest difference in words, of numbers that have one."""
    if a.dtype.kind not in "iuf":
        return ""
    with np.errstate(invalid="ignore"):
        away = np.abs(a.astype(np.float64) - b.astype(np.float64))
    finite = away[np.isfinite(away)]
    return f", by {finite.max():.3g} at most" if finite.any() else ""


def _compare_after(step: RecordedStep, info: Mapping[str, Any], reward: float) -> None:
    where = f"step {step.index}"
    _require_same(step.index, where, "true_pose", step.true_pose, info.get("pose"))
    for name in _AFTER_AN_ACTION:
        _require_same(step.index, where, name, getattr(step, name), info.get(name))
    if step.viewpoint is not None:
        _require_same(step.index, where, "viewpoint", step.viewpoint, info.get("viewpoint"))
    if step.walked is not None:
        _require_same(step.index, where, "walked", [list(one) for one in step.walked], info.get("walked"))
    _require_same(step.index, where, "reward", _finite(step.reward), _finite(reward))
    _compare_measures(step.index, where, step.measures, info.get("measures") or {})


def _compare_measures(steps: int, where: str, was: Mapping[str, object], now: Mapping[str, object]) -> None:
    for name in dict.fromkeys((*was, *now)):
        _require_same(steps, where, f"measure {name}", _finite(was.get(name)), _finite(now.get(name)))


def _require_same(steps: int, where: str, name: str, was: object, now: object) -> None:
    now = json.loads(json.dumps(now))
    if was != now:
        raise _DiffersError(steps, f"{where}: {name} {_short(was)} was recorded, now {_short(now)}")


def _finite(value: object) -> object:
    """As a recording keeps it: what is not finite is null. What is no number was written by hand."""
    if value is not None and not isinstance(value, SupportsFloat):
        return value
    return float(value) if value is not None and math.isfinite(value) else None


def _short(value: object) -> str:
    text = "nothing" if value is None else json.dumps(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _tags(recording: Recording) -> Mapping[str, Any]:
    return recording.header.get("tags") or {}
