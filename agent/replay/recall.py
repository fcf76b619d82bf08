"""Other memories, shown what was recorded and asked what was asked: no world is built for it."""

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from placecell.errors import ArchiveError, ConfigError, PlacecellError
from placecell.memory import Memory, MemoryItem, Query

from ..recording import HEADER_FILE, RecordedItem, RecordedStep, Recording
from ..recording.header import read_header
from ..stored_run import RecordedEpisode
from ..tours import ARMS
from .precision import Truth, truths

_LATER_PARTS = ("topology", "short_term")


@dataclass(frozen=True)
class Asked:
    """What one memory recalled in one step, and what that took of the processor, milliseconds."""

    items: tuple[MemoryItem, ...]
    write_ms: float
    query_ms: float


@dataclass(frozen=True)
class StepRecall:
    """One step of one episode, and what each memory recalled in it.

    Args:
        recording: the step's.
        step: as it was recorded.
        truth: where the things are that were asked for; None where that is not known.
        asked: by the memory's name.
        bytes_after: of each memory, at the last step of its episode; empty before.
    """

    recording: Recording
    step: RecordedStep
    truth: Truth | None
    asked: Mapping[str, Asked]
    bytes_after: Mapping[str, float]


@dataclass(frozen=True)
class LeftOut:
    """An episode that nothing could be asked of, and why, in a line."""

    episode: RecordedEpisode
    why: str


class Recall:
    """Shows recorded episodes to several memories at once.

    What the memories hold at an episode's start is as in the run: nothing (``cold``), what the tour's earlier
    visits left (``warm``), the same without its labels (``geometry``).

    Args:
        makers: each gives an empty memory; by the name that it is told of.
        k: how many items are asked for; None: as many as were.
    """

    def __init__(self, makers: Mapping[str, Callable[[], Memory]], k: int | None = None) -> None:
        self._memories = {name: make() for name, make in makers.items()}
        self._makers, self._k = makers, k
        self._warm = False

    def replay(
        self, recorded: Sequence[RecordedEpisode], wanted: Sequence[RecordedEpisode]
    ) -> Iterator[StepRecall | LeftOut]:
        """The steps of the wanted episodes, in the order of the dataset.

        Args:
            recorded: all that the run recorded: a wanted visit's earlier ones are written too, if the arm
                keeps them.
            wanted: some of them, or all.

        Raises:
            ConfigError: recorded without all frames, an arm whose surveys are not recorded, or a memory that
                cannot take in what was recorded.
        """
        folders, needed, held = {episode.folder for episode in wanted}, _needed(recorded, wanted), _Held()
        for episode in sorted(recorded, key=lambda e: e.episode):
            if episode.folder not in needed:
                continue
            asked = episode.folder in folders
            try:
                why = yield from self._episode(episode, held, asked)
            except ArchiveError as error:
                held.whole, why = False, str(error)
            if why and asked:
                yield LeftOut(episode, why)

    def _episode(
        self, episode: RecordedEpisode, held: "_Held", asked: bool
    ) -> Generator[StepRecall, None, str]:
        """Yields the steps of an episode that is asked of; returns why there are none."""
        recording = Recording.read(episode.folder)
        require_replayable(recording)
        rule = ARMS[recording.header["arm"]]
        kept = rule.visits == "kept"
        if not (kept or asked):
            return ""
        first = held.enter(recording, kept)
        if not held.whole:
            return "an earlier visit of its tour is missing, or not recorded to its end"
        if not first and recording.header.get("viewpoint") is not None:
            held.whole = False
            return "what the memory was shown while the agent was carried to this visit is not recorded"
        held.whole = recording.end is not None and recording.end.get("status") == "done"
        if not (held.whole and recording.steps):
            return "not recorded to its end"
        self._begin(recording, cold=first, labels=rule.labels)
        for found in self._walk(recording, recalls=rule.recalls):
            if asked:
                yield found
        return ""

    def _begin(self, recording: Recording, *, cold: bool, labels: bool) -> None:
        if not self._warm:
            self._warm_up(recording)
        for memory in self._memories.values():
            memory.begin_episode("cold" if cold else "warm")
            if not labels:
                memory.forget_labels()

    def _warm_up(self, recording: Recording) -> None:
        """What is compiled at a first call is not counted as a memory's own time."""
        self._warm = True
        frame, first = recording.frame(0), recording.steps[0].query
        for name, make in self._makers.items():
            memory = make()
            with _named(name, recording):
                memory.begin_episode("cold")
                memory.write(frame)
                for category in (None, 1):
                    memory.retrieve(Query(first.position, first.radius_m, category), 1)

    def _walk(self, recording: Recording, *, recalls: bool) -> Iterator[StepRecall]:
        k = self._k or recording.header["k"]
        for step, truth in zip(recording.steps, truths(recording, recalls=recalls), strict=True):
            frame = recording.frame(step.index)
            asked: dict[str, Asked] = {}
            for name, memory in self._memories.items():
                with _named(name, recording):
                    began = time.thread_time()
                    memory.write(frame)
                    written = time.thread_time()
                    items = memory.retrieve(step.query, k).items
                    ended = time.thread_time()
                asked[name] = Asked(items, 1e3 * (written - began), 1e3 * (ended - written))
            last = step.index + 1 == len(recording.steps)
            sizes = {name: memory.stats()["bytes"] for name, memory in self._memories.items()} if last else {}
            yield StepRecall(recording, step, truth, asked, sizes)

    def own(self, recording: Recording) -> tuple[str, ...]:
        """The memories that are of the class and the settings that the recording's was.

        A recording of before memories had parts was one of an octree alone.
        """
        was = recording.header.get("memory") or {}
        settings = dict.fromkeys(_LATER_PARTS, False) | (was.get("settings") or {})
        found = []
        for name, make in self._makers.items():
            stored = make().pack()
            same = all(
                stored.manifest.get(key, False if key in _LATER_PARTS else None) == value
                for key, value in settings.items()
            )
            if stored.kind == was.get("class") and same:
                found.append(name)
        return tuple(found)


def _needed(recorded: Sequence[RecordedEpisode], wanted: Sequence[RecordedEpisode]) -> set[Path]:
    """The folders of those that are wanted, and of the visits that their memories had seen before."""
    last: dict[object, int] = {}
    for episode in wanted:
        tour = _memory_of(episode.folder)
        last[tour] = max(episode.episode, last.get(tour, 0))
    found = {each.folder: _memory_of(each.folder) for each in recorded}
    return {
        each.folder
        for each in recorded
        if (memory := found[each.folder]) is None or each.episode <= last.get(memory, -1)
    }


def _memory_of(folder: Path) -> object:
    """Equal for episodes that find in their memory what the others left; None of a damaged one."""
    try:
        header = read_header(folder)
    except ArchiveError:
        return None
    rule = ARMS.get(str(header.get("arm")))
    return _tour(header) if rule is not None and rule.visits == "kept" else folder


def _tour(header: Mapping[str, Any]) -> tuple[str, str]:
    return str(header.get("scene_id")), str((header.get("tags") or {}).get("tour"))


class _Held:
    """What the memories hold, where they keep something from visit to visit.

    ``whole``: all visits of the tour that came before.
    """

    def __init__(self) -> None:
        self._next: tuple[object, int] | None = None
        self.whole = False

    def enter(self, recording: Recording, kept: bool) -> bool:
        """An episode begins; whether the memories are emptied before it."""
        tour, visit = _tour(recording.header), (recording.header.get("tags") or {}).get("visit")
        first = not kept or visit == 0
        self.whole = first or (self.whole and (tour, visit) == self._next)
        self._next = (tour, visit + 1) if type(visit) is int else None
        return first


def require_replayable(recording: Recording) -> None:
    """Refuses a recording of which a memory cannot be shown all that the run's own was.

    Raises:
        ConfigError: not all frames were kept, or what was seen before the first visit was not; or the header
            lacks k or the arm.
    """
    header = recording.header
    if header["level"] != "full" or header.get("every") != 1:
        raise ConfigError(
            expected=f"a recording with every frame in {recording.folder}",
            came=f"record.level={header['level']} record.every={header.get('every')}",
            fix="run with record=full record.every=1",
        )
    arm, k = header.get("arm"), header.get("k")
    if type(k) is not int or k < 1:
        raise ConfigError(
            expected=f"how many items were asked for, k, in {recording.folder / HEADER_FILE}",
            came=repr(k),
            fix="undo what was changed by hand, or record the run again",
        )
    rule = ARMS.get(arm) if isinstance(arm, str) else None
    if rule is None or rule.seen is not None:
        able = ", ".join(name for name, each in ARMS.items() if each.seen is None)
        raise ConfigError(
            expected=f"a run of an arm whose memory had seen nothing but what is recorded: {able}",
            came=f"the arm {arm}, of which the survey before the first visit is not recorded",
            fix="run with task.arm=warm",
        )


def same_items(step: RecordedStep, items: Sequence[MemoryItem]) -> bool:
    """Whether a memory gave what was recorded: the same items in the same order, as a line rounds them."""
    told = [([round(c, 3) for c in i.position.tolist()], round(i.score, 6), *_rest(i)) for i in items]
    return told == [(i.position.tolist(), i.score, *_rest(i)) for i in step.recalled]


def _rest(item: MemoryItem | RecordedItem) -> tuple[object, ...]:
    return item.source, item.age_steps, item.category


@contextmanager
def _named(name: str, recording: Recording) -> Iterator[None]:
    """Says of which memory an error is."""
    try:
        yield
    except PlacecellError as error:
        raise ConfigError(
            expected=f"a memory that takes in what is recorded in {recording.folder}",
            came=f"{name}: {error}",
            fix="leave it out of --memory, or record what it needs",
        ) from error
