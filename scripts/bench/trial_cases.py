"""The conditions of the trial, and what is compared with what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from placecell.agent.tours import ARMS, CONTROL

Noise = Literal["none", "low", "high"]

_MIB = 2**20
EQUAL_BYTES = 4 * _MIB
"""What the simple memories may hold: about what the full memory comes to at the end of a tour."""
MEMORIES = ("full", "octree", "flat", "grid", "frames")
"""Those whose SPL is drawn against bytes."""
_PARTS: Mapping[str, str] = {
    "octree": "no_octree", "long term": "no_long_term", "short term": "no_short_term",
    "topology": "no_topology",
}  # fmt: skip
# What a flat list or a grid keeps of a tour is small: their caps have to lie below that to be felt. The full
# memory holds 577 KiB always: its short term, which no budget touches.
_CAPS: Mapping[str, tuple[int, ...]] = {
    "full": (_MIB, 2 * _MIB, 4 * _MIB),
    "octree": (5 * _MIB // 8, _MIB, 2 * _MIB, 4 * _MIB),
    "flat": (_MIB // 64, _MIB // 32),
    "grid": (_MIB // 64, _MIB // 32),
    "frames": (_MIB // 4, _MIB),
}


@dataclass(frozen=True)
class Case:
    """One condition: all that tells it from the others.

    Args:
        name: unique; its runs' folders begin with it.
        arm: of the tours.
        memory: a choice of ``conf/memory``.
        noise: a level on depth, pose and labels.
        max_bytes: the memory's cap; None: what its file in ``conf/memory`` says.
        first: whether it is walked with all seeds before those that are not are walked at all.
    """

    name: str
    arm: str = "warm"
    memory: str = "full"
    noise: Noise = "none"
    max_bytes: int | None = None
    first: bool = True

    @property
    def overrides(self) -> tuple[str, ...]:
        """What placecell-run is told of it."""
        noise = () if self.noise == "none" else (f"env.noise={self.noise}",)
        cap = () if self.max_bytes is None else (f"memory.max_bytes={self.max_bytes}",)
        return (f"task.arm={self.arm}", f"memory={self.memory}", *noise, *cap)


@dataclass(frozen=True)
class Pair:
    """A difference that says something: ``a`` minus ``b``, by their names.

    Args:
        about: what the difference is worth knowing for.
        a: see above.
        b: see above.
    """

    about: str
    a: str
    b: str


def cases() -> tuple[Case, ...]:
    """All of them, the most important first."""
    return (*_first(), *_later())


def arm_name(arm: str, noise: Noise) -> str:
    """The case of an arm with the full memory.

    >>> arm_name("warm", "none"), arm_name("cold", "low")
    ('warm', 'cold_low')
    """
    return arm + _suffix(noise)


def pairs(known: Sequence[Case]) -> dict[str, tuple[Pair, ...]]:
    """The differences between cases that there are, by the table they stand in."""
    names = {case.name for case in known}
    tables = {"arms": _arm_pairs(), "parts": _part_pairs(), "simple": _simple_pairs(), "bytes": _byte_pairs()}
    return {
        table: tuple(pair for pair in found if {pair.a, pair.b} <= names) for table, found in tables.items()
    }


def by_bytes(known: Sequence[Case]) -> dict[str, tuple[Case, ...]]:
    """The cases of one line each of SPL against bytes: warm, without noise, by memory."""
    return {
        memory: tuple(c for c in known if (c.memory, c.arm, c.noise) == (memory, "warm", "none"))
        for memory in MEMORIES
    }


def _first() -> list[Case]:
    """Kept and empty, the parts that decide, the simple memories; then the parts under noise."""
    quiet = [Case("warm"), Case(CONTROL, arm=CONTROL), _memory("octree"), _memory("no_octree")]
    quiet += [_arm("stale"), _arm("known"), _simple("flat"), _capped("full", 2 * _MIB)]
    noisy = [_arm("warm", "low"), _arm(CONTROL, "low"), *(_memory(name, "low") for name in _PARTS.values())]
    return [*quiet, *noisy, _memory("octree", "low")]


def _later() -> list[Case]:
    """The rest: parts without noise (there the octree knows all that they know), arms, caps, much noise."""
    found = [_memory(name) for name in list(_PARTS.values())[1:]]
    found += [_simple("grid"), _simple("frames"), Case("none", memory="none")]
    found += [_capped("full", _MIB), _capped("octree", 2 * _MIB), _arm("geometry")]
    found += [_arm("warm", "high"), _arm(CONTROL, "high")]
    caps = [_capped(memory, cap) for memory, caps in _CAPS.items() for cap in caps]
    found += [case for case in caps if case not in (*_first(), *found)]
    found += [_arm("stale", "low"), _arm("known", "low"), _arm("geometry", "low"), _arm("foreign")]
    found += [_arm(arm, "high") for arm in ("stale", "known", "geometry")]
    found += [_arm("foreign", noise) for noise in _NOISY]
    return [replace(case, first=False) for case in found]


_NOISY: tuple[Noise, ...] = ("low", "high")


def _arm(arm: str, noise: Noise = "none") -> Case:
    return Case(arm_name(arm, noise), arm=arm, noise=noise)


def _memory(memory: str, noise: Noise = "none") -> Case:
    return Case(memory + _suffix(noise), memory=memory, noise=noise)


def _simple(memory: str) -> Case:
    return Case(memory, memory=memory, max_bytes=EQUAL_BYTES)


def _capped(memory: str, cap: int) -> Case:
    return Case(f"{memory}_{cap // 1024}KiB", memory=memory, max_bytes=cap)


def _suffix(noise: Noise) -> str:
    return "" if noise == "none" else f"_{noise}"


def _arm_pairs() -> list[Pair]:
    found = []
    for noise in ("none", *_NOISY):
        named = {arm: arm_name(arm, noise) for arm in ARMS}
        for arm in ARMS:
            if arm != CONTROL:
                found.append(Pair(f"a {arm} memory over an empty one", named[arm], named[CONTROL]))
        found.append(Pair("believing what has moved", named["stale"], named["known"]))
        found.append(Pair("an outdated map over none", named["stale"], named["warm"]))
        found.append(Pair("a whole survey over earlier visits", named["known"], named["warm"]))
    return found


def _part_pairs() -> list[Pair]:
    found = []
    for noise in ("none", "low"):
        whole = arm_name("warm", noise)
        for part, without in _PARTS.items():
            found.append(Pair(f"what the {part} adds", whole, without + _suffix(noise)))
        found.append(Pair("what all but the octree add", whole, "octree" + _suffix(noise)))
        for without in (*_PARTS.values(), "octree"):
            found.append(Pair("over an empty memory", without + _suffix(noise), arm_name(CONTROL, noise)))
    return found


def _simple_pairs() -> list[Pair]:
    simple = ("flat", "grid", "frames", "none")
    return [Pair("full over simple", "warm", name) for name in simple] + [
        Pair("over an empty memory", name, CONTROL) for name in simple
    ]


def _byte_pairs() -> list[Pair]:
    found = []
    for memory, caps in _CAPS.items():
        whole = "warm" if memory == "full" else memory
        for cap in caps:
            found.append(Pair("what the cap costs", f"{memory}_{cap // 1024}KiB", whole))
    for cap in _CAPS["full"]:
        capped = f"full_{cap // 1024}KiB"
        found.append(Pair("over an empty memory", capped, CONTROL))
        found.append(Pair("full over octree alone", capped, f"octree_{cap // 1024}KiB"))
        found.append(Pair("full over frames", capped, f"frames_{cap // 1024}KiB"))
    largest = f"full_{EQUAL_BYTES // 1024}KiB"
    found += [Pair("full over simple", largest, name) for name in ("flat", "grid", "frames")]
    return found
