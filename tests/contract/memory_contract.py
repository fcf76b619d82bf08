"""What any memory must do, as checks over a factory: ``for check in CHECKS: check(factory, folder)``."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from placecell.errors import ArchiveError, FrameError
from placecell.geometry import Pinhole, Pose
from placecell.memory import Frame, Memory, Query, Retrieval

Factory = Callable[[], Memory]
QUERY = Query(position=np.array([0.9, 0.1, 1.0]), radius_m=3.0)


def frame(seed: int, step: int = 0) -> Frame:
    """A small camera among random surfaces, some without a return."""
    rng = np.random.default_rng(seed)
    depth = rng.uniform(0.3, 4.0, (12, 16)).astype(np.float32)
    depth[rng.random(depth.shape) < 0.1] = 0.0
    pose = Pose(*rng.uniform(-1, 1, 2), 0.0, rng.uniform(-3, 3))
    rgb = rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return Frame(pose.T_world_camera(0.9), Pinhole.from_hfov(16, 12, 1.4), depth, rgb, step=step)


def answers(memory: Memory) -> list[object]:
    """All that can be compared of a memory's answers."""
    found = [
        [(*item.position.tolist(), item.score, item.source, item.age_steps, item.colour) for item in items]
        for items in (
            memory.retrieve(QUERY, 5).items,
            memory.retrieve(Query(position=np.array([-1.0, -1.0, 0.5]), radius_m=1.0), 200).items,
        )
    ]
    return [*found, memory.stats()["items"]]


def starts_empty(factory: Factory, folder: Path) -> None:
    memory = factory()
    assert memory.retrieve(QUERY, 3) == Retrieval()
    assert memory.stats()["items"] == 0


def recalls_within_radius_best_first(factory: Factory, folder: Path) -> None:
    memory = factory()
    for step in range(3):
        memory.write(frame(step, step))
    for k in (1, 4, 50):
        items = memory.retrieve(QUERY, k).items
        assert len(items) <= k
        assert list(items) == sorted(items, key=lambda item: -item.score)
        for item in items:
            assert np.linalg.norm(item.position - QUERY.position) <= QUERY.radius_m + 1e-9
            assert 0 <= item.score <= 1
            assert item.age_steps >= 0
            assert item.source


def asking_changes_nothing(factory: Factory, folder: Path) -> None:
    memory = factory()
    memory.write(frame(1))
    assert answers(memory) == answers(memory)


def cold_forgets_and_warm_keeps(factory: Factory, folder: Path) -> None:
    memory, fresh = factory(), factory()
    memory.begin_episode("cold")
    memory.write(frame(1))
    before = [item.position.tolist() for item in memory.retrieve(QUERY, 9).items]
    memory.begin_episode("warm")
    assert [item.position.tolist() for item in memory.retrieve(QUERY, 9).items] == before
    memory.begin_episode("cold")
    assert answers(memory) == answers(fresh)
    assert memory.stats() == fresh.stats()
    memory.write(frame(2))
    fresh.write(frame(2))
    assert answers(memory) == answers(fresh)


def ages_never_run_backwards(factory: Factory, folder: Path) -> None:
    """A warm episode counts its steps from 0 again; what the last one saw is older than that."""
    memory = factory()
    memory.begin_episode("cold")
    memory.write(frame(1, step=40))
    memory.begin_episode("warm")
    memory.write(frame(1, step=0))
    memory.write(frame(2, step=1))
    assert all(0 <= item.age_steps <= 42 for item in memory.retrieve(QUERY, 50).items)


def refuses_without_a_trace(factory: Factory, folder: Path) -> None:
    memory = factory()
    memory.write(frame(1))
    before = answers(memory)
    bad = frame(2)
    bad.depth[3, 4] = np.nan
    with suppress(FrameError):  # a memory without depth may not mind
        memory.write(bad)
    assert answers(memory) == before


def same_frames_same_memory(factory: Factory, folder: Path) -> None:
    one, other = factory(), factory()
    for memory in (one, other):
        for step in range(3):
            memory.write(frame(step, step))
    assert answers(one) == answers(other)
    assert one.stats() == other.stats()


def saved_and_loaded_goes_on(factory: Factory, folder: Path) -> None:
    memory, path = factory(), folder / "memory.placecell"
    for step in range(3):
        memory.write(frame(step, step))
    memory.save(path)
    loaded = type(memory).load(path)
    assert answers(loaded) == answers(memory)
    assert loaded.stats() == memory.stats()
    for each in (memory, loaded):
        each.begin_episode("warm")
        each.write(frame(7, step=2))
    assert answers(loaded) == answers(memory)


def refuses_what_is_no_archive(factory: Factory, folder: Path) -> None:
    memory, path = factory(), folder / "memory.placecell"
    memory.write(frame(1))
    memory.save(path)
    path.write_bytes(path.read_bytes()[:-1] if path.stat().st_size > 2000 else path.read_bytes()[:40])
    with pytest.raises(ArchiveError, match="expected a whole memory archive"):
        type(memory).load(path)
    with pytest.raises(ArchiveError, match="no such file"):
        type(memory).load(folder / "missing.placecell")


CHECKS = (
    starts_empty,
    recalls_within_radius_best_first,
    asking_changes_nothing,
    cold_forgets_and_warm_keeps,
    ages_never_run_backwards,
    refuses_without_a_trace,
    same_frames_same_memory,
    saved_and_loaded_goes_on,
    refuses_what_is_no_archive,
)
