"""Workers and who watches them: no episode is lost with the process that walked it, none comes twice."""

import os
import pickle
import time
from collections import deque
from collections.abc import Iterator, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from types import TracebackType

from placecell import errors
from placecell.arrays import atomic_write
from placecell.errors import ConfigError, WorkerError

from .heartbeat import Signs
from .limits import Exceeded, resident_bytes
from .mailbox import Began, Broke, Ended, LegDone, Message, Ready, Refused, Spent
from .plan import Leg, Plan, WorldFacts
from .results import Result
from .run_folder import episode_folder, writing
from .worker import Make
from .worker_process import WorkerProcess

_POLL_S = 0.2
_GRACE_S = 2.0
_FRUITLESS = 3


class Workers:
    """Processes with one environment each, which walk legs side by side.

    Which worker walks what, and how many there are, changes nothing in the results. A worker that dies, or
    that is killed because a step does not return or its memory passes the limit, leaves the episode that it
    was in as ``crashed`` or ``stalled``, and another goes on. What it wrote last goes to the episode's
    ``error.txt``; nothing that a worker prints reaches this process's output. On Linux workers end with the
    thread that started them, not only with the process.

    Args:
        make: builds environment and agent, in the worker; it is pickled (:func:`functools.partial` of a
            module's function).
        plan: how every episode is walked.
        out: the run's folder, which exists.
        count: how many at most.

    Raises:
        ConfigError: fewer than one, or a ``make`` that cannot be pickled.
        MissingPartError: a limit on memory, where nothing tells how much of it a process holds.
    """

    def __init__(self, make: Make, plan: Plan, out: Path, count: int) -> None:
        if count < 1:
            raise ConfigError(
                expected="1 worker or more", came=f"workers={count}", fix="set workers=N, or 0 for none"
            )
        self._work = _pickled(make, plan, out)
        self._limits, self._out, self._count = plan.limits, out, count
        if self._limits.memory_gib is not None:
            resident_bytes()
        self._workers: list[_Worker] = []
        self._queue: deque[_Task] = deque()
        self._facts: WorldFacts | None = None
        self._trouble: Exception | None = None
        self._stillborn, self._closed = 0, False

    def __enter__(self) -> "Workers":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def facts(self) -> WorldFacts:
        """What a worker's environment says of itself; starts the first worker and waits until it is ready.

        Raises:
            PlacecellError: of the class and with the words that building environment or agent raised.
            RuntimeError: it raised something else; the worker's traceback is in it.
            WorkerError: the worker died over it.
        """
        try:
            if not self._workers and self._facts is None:
                self._start()
            while self._facts is None:
                for _ in self._look():
                    pass
        except BaseException:
            self.close()
            raise
        return self._facts

    def walk(self, legs: Sequence[Leg]) -> Iterator[Result]:
        """The results of all pending episodes of the legs, in the order in which they finish.

        Whoever stops listening, for whatever reason, ends the workers.

        Raises:
            PlacecellError: of the class and with the words that a worker could not go on for: its folder
                cannot be written, or its environment not be built.
            RuntimeError: it raised something else; the worker's traceback is in it.
            WorkerError: workers die again and again, and in no episode that could be blamed.
        """
        self._queue.extend(_Task(leg) for leg in legs if leg.pending)
        try:
            while self._queue or any(worker.task for worker in self._workers):
                self._hand_out()
                yield from self._look()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Ends all workers: those at work at once, the others after they closed their environments."""
        self._closed = True
        workers, self._workers = self._workers, []
        try:
            for worker in workers:
                worker.process.dismiss(at_once=worker.task is not None or not worker.process.ready)
            until = time.monotonic() + _GRACE_S
            for worker in workers:
                worker.process.join(max(0.0, until - time.monotonic()))
        finally:
            for worker in workers:
                worker.process.close()

    def _start(self) -> None:
        if self._closed:
            raise RuntimeError("these workers are closed")
        try:
            self._workers.append(_Worker(WorkerProcess(self._work)))
        except OSError as error:
            raise WorkerError(
                expected="room for one more worker",
                came=f"{error.strerror or error}",
                fix="set workers to fewer",
            ) from error

    def _hand_out(self) -> None:
        """Legs to those who have none; as many more workers as there are legs left for."""
        for worker in self._workers:
            if worker.process.ready and worker.task is None and self._queue:
                worker.task = self._queue.popleft()
                worker.process.order(worker.task.leg)
        building = sum(not worker.process.ready for worker in self._workers)
        room = self._count - len(self._workers)
        for _ in range(min(room, len(self._queue) - building)):
            self._start()

    def _look(self) -> Iterator[Result]:
        """Waits a moment for news, and deals with it."""
        wait([handle for worker in self._workers for handle in worker.process.handles], _POLL_S)
        for worker in list(self._workers):
            gone = worker.process.gone  # asked before the mail is read: what is read then is all there is
            beyond = None if gone else worker.process.beyond(self._limits)
            if beyond is not None:
                worker.process.show_where()
                worker.process.kill()
            for message in worker.process.mail():
                yield from self._take(worker, message)
            if gone or beyond is not None:
                yield from self._bury(worker, beyond)
        if self._trouble is not None:
            raise self._trouble

    def _take(self, worker: "_Worker", message: Message) -> Iterator[Result]:
        match message:
            case Ready(facts):
                self._facts = self._facts or facts
                worker.process.ready, self._stillborn = True, 0
            case Began():
                worker.process.began = message
            case Ended(result):
                worker.expect().finish(result)
                yield result
            case LegDone():
                if worker.expect().left:
                    raise RuntimeError(f"a worker left out the episodes {worker.expect().left}")
                worker.task = None
            case Spent():
                self._give_back(worker)
            case Refused(kind, expected, came, fix):
                self._trouble = getattr(errors, kind)(expected=expected, came=came, fix=fix)
            case Broke(trace):
                self._trouble = RuntimeError(f"a worker broke:\n{trace}")

    def _bury(self, worker: "_Worker", beyond: tuple[Signs, Exceeded] | None) -> Iterator[Result]:
        """Clears a worker away that has ended, and with it the episode that it was in."""
        process, task, signs = worker.process, worker.task, worker.process.vitals.read()
        self._workers.remove(worker)
        try:
            # One that was killed over an episode may have gone on to the next in the last moment.
            blamed = beyond is None or (signs is not None and signs.episode == beyond[0].episode)
            if self._trouble is not None:
                return
            if task is not None and signs is not None and signs.episode in task.left and blamed:
                result = self._lost(process, signs, None if beyond is None else beyond[1])
                task.finish(result)
                yield result
            else:
                self._count_fruitless(process, task)
        finally:
            process.close()
            self._give_back(worker)

    def _lost(self, process: WorkerProcess, signs: Signs, exceeded: Exceeded | None) -> Result:
        """The result of an episode that ended with its worker."""
        began = process.began
        known = began is not None and began.episode == signs.episode
        episode_id = began.episode_id if known and began else str(signs.episode)
        if words := process.last_words():
            folder = episode_folder(self._out, signs.episode, episode_id)
            with writing(folder):
                folder.mkdir(parents=True, exist_ok=True)
                atomic_write(folder / "error.txt", f"{words}\n")
        where = f"after step {signs.steps}" if signs.steps else "in its first step"
        where = where if known else "in the reset"
        assert self._facts is not None  # it was ready
        return Result(
            episode=signs.episode,
            episode_id=episode_id,
            scene_id=began.scene_id if known and began else "unknown",
            status="crashed" if exceeded is None else exceeded.status,
            truncated=False,
            steps=signs.steps,
            measures={},
            oracle=self._facts.oracle,
            reason=f"the worker {process.end} {where}" if exceeded is None else exceeded.reason,
            tags=dict(began.tags) if known and began else {},
            start=began.start if known and began else None,
            seconds=time.monotonic() - signs.entered_s,
        )

    def _count_fruitless(self, process: WorkerProcess, task: "_Task | None") -> None:
        """A worker died in no episode: once or twice may be chance, the third time in a row it is not."""
        if task is not None:
            task.deaths += 1
        elif not process.ready:
            self._stillborn += 1
        hopeless = self._facts is None or self._stillborn >= _FRUITLESS
        if hopeless or (task is not None and task.deaths >= _FRUITLESS):
            words = _gist(process.last_words())
            self._trouble = WorkerError(
                expected="a worker that " + ("walks its episodes" if process.ready else "starts"),
                came=f"one that {process.end} "
                + ("between them" if process.ready else "before it was ready")
                + (f" ({words})" if words else ""),
                fix="set workers=0 to see it happen in this process; a script that starts workers begins "
                "under if __name__ == '__main__'",
            )

    def _give_back(self, worker: "_Worker") -> None:
        """What a worker leaves undone goes on as the next thing that is done."""
        task, worker.task = worker.task, None
        if task is not None and task.left:
            self._queue.appendleft(task)


class _Worker:
    """A process and what it is busy with."""

    def __init__(self, process: WorkerProcess) -> None:
        self.process = process
        self.task: _Task | None = None

    def expect(self) -> "_Task":
        """The task that a message belongs to."""
        if self.task is None:
            raise RuntimeError("a worker reports on work that it was not given")
        return self.task


class _Task:
    """A leg and what is left of it."""

    def __init__(self, leg: Leg) -> None:
        self._first, self.left, self._lost, self.deaths = leg.first, list(leg.pending), list(leg.lost), 0

    @property
    def leg(self) -> Leg:
        """What whoever goes on with it has to know."""
        return Leg(self._first, tuple(self.left), tuple(self._lost))

    def finish(self, result: Result) -> None:
        """One episode of it is over."""
        self.left.remove(result.episode)
        if result.status != "done":
            self._lost.append(result.episode)
        self.deaths = 0


def _pickled(make: Make, plan: Plan, out: Path) -> bytes:
    """The work, and the folder in which relative paths mean what they mean here."""
    try:
        work = pickle.dumps((make, plan, out.absolute()))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ConfigError(
            expected="a way to build the environment that another process can load",
            came=f"{type(error).__name__}: {error}",
            fix="pass functools.partial of a function at the top of a module, or set workers=0",
        ) from error
    return pickle.dumps((os.getcwd(), work))


def _gist(words: str) -> str:
    """The line that tells most of what a process wrote before it died."""
    lines = [line.strip() for line in words.partition("Fatal Python error")[0].splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""
