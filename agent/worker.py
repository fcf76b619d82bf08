"""What a worker does: build one environment and one agent, and walk the legs that it is given."""

import gc
import os
import pickle
import traceback
from collections.abc import Callable
from contextlib import closing
from multiprocessing.connection import Connection
from typing import Any

import gymnasium

from placecell import errors
from placecell.errors import PlacecellError

from .attempt import Walker
from .heartbeat import Heartbeat, Vitals
from .limits import GIB, Limits, resident_bytes
from .loop import Agent
from .mailbox import Broke, Ended, LegDone, Outbox, Ready, Refused, Spent

Make = Callable[[], tuple[gymnasium.Env, Agent]]


def serve(work: bytes, orders: Connection, reports: Connection, cells: Any) -> None:
    """Builds, says so, and walks until there are no more orders.

    Args:
        work: pickled: the current folder and, pickled in turn, the make, plan and folder of the run.
        orders: gives a :class:`~placecell.agent.plan.Leg` at a time; when it is closed, the work is over.
        reports: takes the messages of :mod:`~placecell.agent.mailbox`.
        cells: shared memory for the :class:`~placecell.agent.heartbeat.Vitals`.
    """
    outbox = Outbox(reports)
    try:
        _serve(work, orders, outbox, Vitals(cells))
    except BrokenPipeError:
        os._exit(1)  # the supervisor has let go of it


def _serve(work: bytes, orders: Connection, outbox: Outbox, vitals: Vitals) -> None:
    try:
        folder, rest = pickle.loads(work)
        os.chdir(folder)
        make, plan, out = pickle.loads(rest)  # may need the current folder to find its modules
        env, agent = make()
    except Exception as error:
        _report(error, outbox)
        return
    with closing(env):
        try:
            walker = Walker(env, agent, plan, out, Heartbeat(vitals, outbox))
            outbox.send(Ready(walker.facts))
            _walk_legs(walker, orders, outbox, plan.limits)
        except Exception as error:
            _report(error, outbox)


def _walk_legs(walker: Walker, orders: Connection, outbox: Outbox, limits: Limits) -> None:
    while True:
        try:
            leg = orders.recv()
        except EOFError:
            return
        for result in walker.walk(leg):
            outbox.send(Ended(result))
            # An episode must not be blamed for what those before it left behind.
            if limits.memory_gib is not None and _swollen(limits.memory_gib):
                outbox.send(Spent())
                return
        outbox.send(LegDone())


def _swollen(memory_gib: float) -> bool:
    if resident_bytes() <= memory_gib * GIB:
        return False
    gc.collect()
    return resident_bytes() > memory_gib * GIB


def _report(error: Exception, outbox: Outbox) -> None:
    if isinstance(error, BrokenPipeError):
        raise error
    if isinstance(error, PlacecellError):
        known = [each for each in type(error).__mro__ if vars(errors).get(each.__name__) is each]
        outbox.send(Refused(known[0].__name__, error.expected, error.came, error.fix))
    else:
        outbox.send(Broke("".join(traceback.format_exception(error))))
