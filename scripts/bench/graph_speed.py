"""How fast panorama graphs load, and how many steps a second a batch takes."""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from placecell.arrays import generator

from .row import Row

BATCH = 64
_LOAD_S, _CACHED_S, _STEPS_A_SECOND = 5.0, 1.0, 20_000
_TIMES = 3


def speed(*, seconds: float, quick: bool) -> list[Row]:
    """Load times, from the files and from the cache, and steps a second.

    Args:
        seconds: that each kind of steps is measured for.
        quick: leaves out the streets.
    """
    from placecell.envs.folders import data_folder
    from placecell.envs.graph.manhattan import load_streets
    from placecell.envs.graph.matterport import load_scans

    rows = _loads("matterport_90_scans", load_scans, _LOAD_S, _CACHED_S)
    if not quick:
        rows += _loads("manhattan", lambda: load_streets(data_folder("touchdown_graph")))
    return [*rows, *_steps(seconds)]


def _loads(
    name: str, load: Callable[[], object], limit_s: float | None = None, cached_s: float | None = None
) -> list[Row]:
    """CPU time of reading the files, and of taking them from the cache: the median of three each."""
    fresh, cached = [], []
    for _ in range(_TIMES):
        with _empty_cache():
            fresh.append(_cpu_s(load))
            cached.append(_cpu_s(load))
    return [_load_row(f"{name}_from_files", fresh, limit_s), _load_row(f"{name}_cached", cached, cached_s)]


def _load_row(name: str, times_s: list[float], limit_s: float | None) -> Row:
    value = statistics.median(times_s)
    if limit_s is None:
        return Row(name, value, "s CPU")
    return Row(name, value, "s CPU", target=f"< {limit_s:g}", passed=value < limit_s)


def _cpu_s(load: Callable[[], object]) -> float:
    began = time.process_time()
    load()
    return time.process_time() - began


@contextmanager
def _empty_cache() -> Iterator[None]:
    """A cache folder of its own, which is gone afterwards."""
    before = os.environ.get("PLACECELL_CACHE")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PLACECELL_CACHE"] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ["PLACECELL_CACHE"]
            else:
                os.environ["PLACECELL_CACHE"] = before


def _steps(seconds: float) -> list[Row]:
    """Steps a second of CPU time, local actions on R2R val_seen drawn at random, resets included."""
    import gymnasium

    import placecell.envs  # noqa: F401

    how: dict[str, Any] = {"world": "r2r", "split": "val_seen"}
    rng = generator(0, "graph speed")
    many = gymnasium.make_vec(
        "placecell/GraphNav-v0", num_envs=BATCH, vectorization_mode="vector_entry_point", **how
    )
    many.reset(seed=0)
    actions = rng.integers(1, many.single_action_space.n, (1000, BATCH))  # type: ignore[attr-defined]
    batch = _rate(lambda step: many.step(actions[step % len(actions)]), seconds) * BATCH
    many.close()
    one = gymnasium.make("placecell/GraphNav-v0", **how)
    single = _rate(_alone(one, actions), seconds)
    one.close()
    return [
        Row(
            f"steps_batch_{BATCH}", batch, "steps/s", target=f">= {_STEPS_A_SECOND}",
            passed=batch >= _STEPS_A_SECOND,
        ),
        Row("steps_one", single, "steps/s"),
    ]  # fmt: skip


def _alone(env: object, actions: np.ndarray) -> Callable[[int], object]:
    """A step of one environment, reset where an episode is over."""
    state = {"over": True}

    def step(number: int) -> object:
        if state["over"]:
            env.reset(seed=0)  # type: ignore[attr-defined]
        got = env.step(int(actions[number % len(actions), 0]))  # type: ignore[attr-defined]
        state["over"] = got[2] or got[3]
        return got

    return step


def _rate(step: Callable[[int], object], seconds: float) -> float:
    """Calls a second of CPU time, after a tenth of that time to warm up."""
    for limit_s in (seconds / 10, seconds):
        began, calls = time.process_time(), 0
        while time.process_time() - began < limit_s:
            step(calls)
            calls += 1
    return calls / (time.process_time() - began)
