"""What any memory must do, as checks over a factory: ``for check in CHECKS: check(factory, folder)``."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from placecell.errors import ArchiveError, FrameError
from placecell.geometry import Pinhole, Pose
from placecell.memory import Archive, Frame, GrowingMap, Growth, Memory, Query, Retrieval
from placecell.memory.sight.descriptor import WIDTH

Factory = Callable[[], Memory]
QUERY = Query(position=np.array([0.9, 0.1, 1.0]), radius_m=3.0)
CATEGORIES = (1, 2, 300)
EMBEDDING = np.random.default_rng(0).normal(size=WIDTH).astype(np.float32)
"""As wide as what a memory describes views by where frames come without an encoder's."""


def frame(seed: int, step: int = 0, labelled: bool = True) -> Frame:
    """A small camera among random surfaces, some without a return and some without a label."""
    rng = np.random.default_rng(seed)
    depth = rng.uniform(0.3, 4.0, (9, 12)).astype(np.float32)
    depth[rng.random(depth.shape) < 0.1] = 0.0
    pose = Pose(*rng.uniform(-1, 1, 2), 0.0, rng.uniform(-3, 3))
    rgb = rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)
    labels = rng.choice([0, *CATEGORIES], (9, 12)).astype(np.int32) if labelled else None
    return Frame(pose.T_world_camera(0.9), Pinhole.from_hfov(12, 9, 1.4), depth, rgb, labels, step)


def of(category: int, radius_m: float = 1e3) -> Query:
    """Asks for a category anywhere."""
    return Query(QUERY.position, radius_m, category)


def places(memory: Memory) -> set[tuple[float, ...]]:
    """All positions that are recalled without a category."""
    return {tuple(item.position.tolist()) for item in memory.retrieve(Query(QUERY.position, 1e3), 9999).items}


def answers(memory: Memory) -> list[object]:
    """All that can be compared of a memory's answers."""
    queries = (
        (QUERY, 5),
        (Query(position=np.array([-1.0, -1.0, 0.5]), radius_m=1.0), 200),
        *((of(category), 50) for category in CATEGORIES),
        (Query(QUERY.position, 1e3, embedding=EMBEDDING), 20),
    )
    found = [
        [
            (*item.position.tolist(), item.score, item.source, item.age_steps, item.colour, item.category)
            + (() if item.points is None else tuple(item.points.ravel().tolist()))
            for item in memory.retrieve(query, k).items
        ]
        for query, k in queries
    ]
    return [*found, memory.stats()["items"]]


def content(growing: Growth | GrowingMap) -> tuple[object, ...]:
    """All that can be compared of a map; clocks are each memory's own."""
    return growing.cells.tolist(), growing.labels.tolist()


def follow(memory: Memory, reader: GrowingMap) -> None:
    """A reader takes over what is new to it, through the arrays of a file, and then lacks nothing."""
    reader.apply(Growth.from_arrays(memory.growth(reader.clock).arrays()))
    assert content(reader) == content(memory.growth(0))
    assert memory.growth(reader.clock).empty


def starts_empty(factory: Factory, folder: Path) -> None:
    memory = factory()
    assert memory.retrieve(QUERY, 3) == Retrieval()
    assert memory.stats()["items"] == 0
    assert len(memory.growth().cells) == 0


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


def recalls_objects_of_a_category(factory: Factory, folder: Path) -> None:
    memory = factory()
    for step in range(3):
        memory.write(frame(step, step))
    for category in CATEGORIES:
        for query, k in ((of(category), 50), (of(category), 1), (of(category, 2.0), 50)):
            items = memory.retrieve(query, k).items
            assert len(items) <= k
            assert list(items) == sorted(items, key=lambda item: -item.score)
            for item in items:
                assert item.category == category
                assert 0 < item.score < 1
                assert np.linalg.norm(item.position - query.position) <= query.radius_m
                assert item.points.shape[1:] == (3,)
                np.testing.assert_allclose(item.points.mean(0), item.position, atol=1e-9)
                assert item.age_steps >= 0
    assert memory.retrieve(of(299), 5) == Retrieval()
    assert memory.retrieve(of(70_000), 5) == Retrieval()


def forgets_labels_and_keeps_places(factory: Factory, folder: Path) -> None:
    memory = factory()
    for step in range(3):
        memory.write(frame(step, step))
    before = places(memory)
    memory.forget_labels()
    for category in CATEGORIES:
        assert memory.retrieve(of(category), 5) == Retrieval()
    assert places(memory) <= before
    assert bool(places(memory)) == bool(before)
    assert all(item.category is None for item in memory.retrieve(QUERY, 50).items)


def frames_without_labels_name_nothing(factory: Factory, folder: Path) -> None:
    memory = factory()
    for step in range(3):
        memory.write(frame(step, step, labelled=False))
    for category in CATEGORIES:
        assert memory.retrieve(of(category), 5) == Retrieval()


def asking_changes_nothing(factory: Factory, folder: Path) -> None:
    """Of what is held: no answer on the same content. What is dropped later may depend on it."""
    memory = factory()
    memory.write(frame(1))
    assert answers(memory) == answers(memory)
    before, clock = answers(memory), memory.growth().clock
    assert content(memory.growth()) == content(memory.growth())
    assert memory.growth(clock).empty
    assert answers(memory) == before


def asked_alike_answers_alike(factory: Factory, folder: Path) -> None:
    """The same writes and questions give the same memory, whatever asking decides: replay needs it."""
    one, other = factory(), factory()
    for step in range(8):
        for memory in (one, other):
            memory.write(frame(step % 5, step))
        assert answers(one) == answers(other)
    assert one.stats() == other.stats()


def growths_add_up_to_the_whole(factory: Factory, folder: Path) -> None:
    """Two readers, one that asks each time and one that asks now and then."""
    memory, often, seldom = factory(), GrowingMap(), GrowingMap()
    memory.write(frame(9))
    early = memory.pack()

    def write(step: int) -> None:
        memory.write(frame(step % 4, step, labelled=step % 3 != 1))

    steps: list[Callable[[], None]] = [lambda step=step: write(step) for step in range(7)]
    steps[4:4] = [memory.forget_labels, lambda: memory.begin_episode("warm")]
    steps[8:8] = [lambda: memory.unpack(early), lambda: memory.begin_episode("cold")]
    for number, step in enumerate([*steps, *steps[::-1]]):
        step()
        follow(memory, often)
        if number % 3 == 2:
            follow(memory, seldom)
    assert memory.growth(0).clock > 10 or not memory.stats()["items"]


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
    before, clock = answers(memory), memory.growth().clock
    bad = frame(2)
    bad.depth[3, 4] = np.nan
    with suppress(FrameError):  # a memory without depth may not mind
        memory.write(bad)
    assert answers(memory) == before
    for label in (-1, 1 << 16):
        bad = frame(2)
        bad.labels[3, 4] = label
        with suppress(FrameError):
            memory.write(bad)
        assert answers(memory) == before
    assert memory.growth(clock).empty


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


def asked_every_step_answers_as_asked_once(factory: Factory, folder: Path) -> None:
    """What is kept from one answer to the next never shows."""
    memory = factory()
    for step in range(12):
        if step == 9:
            memory.forget_labels()
        memory.write(frame(step % 5, step, labelled=step % 3 != 1))
        unasked = factory()
        unasked.unpack(memory.pack())
        assert answers(memory) == answers(unasked)


def packed_and_unpacked_goes_back(factory: Factory, folder: Path) -> None:
    memory, other = factory(), factory()
    for step in range(3):
        memory.write(frame(step, step))
    before, stats, snapshot = answers(memory), memory.stats(), memory.pack()
    grown = content(memory.growth())
    memory.forget_labels()
    memory.begin_episode("warm")
    memory.write(frame(5))
    for each in (memory, other):
        each.unpack(snapshot)
        assert answers(each) == before
        assert each.stats() == stats
        assert content(each.growth()) == grown
    for each in (memory, other):
        each.begin_episode("warm")
        each.write(frame(7, step=2))
    assert answers(memory) == answers(other)
    other.unpack(snapshot)
    assert answers(other) == before


def refuses_another_kinds_archive(factory: Factory, folder: Path) -> None:
    memory = factory()
    memory.write(frame(1))
    before = answers(memory)
    with pytest.raises(ArchiveError, match=f"expected the archive of a {type(memory).__name__}, got that of"):
        memory.unpack(Archive("Stranger"))
    assert answers(memory) == before


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
    recalls_objects_of_a_category,
    forgets_labels_and_keeps_places,
    frames_without_labels_name_nothing,
    asking_changes_nothing,
    asked_alike_answers_alike,
    growths_add_up_to_the_whole,
    cold_forgets_and_warm_keeps,
    ages_never_run_backwards,
    refuses_without_a_trace,
    same_frames_same_memory,
    saved_and_loaded_goes_on,
    asked_every_step_answers_as_asked_once,
    packed_and_unpacked_goes_back,
    refuses_another_kinds_archive,
    refuses_what_is_no_archive,
)
