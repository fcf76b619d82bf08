"""Several guesses of how far a task has come, weighed, bounded, and each with what it grew out of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from placecell.errors import ArchiveError, ConfigError, PlacecellError

_ARRAYS = ("states", "weights", "numbers", "parents", "places", "present", "counts")


@dataclass(frozen=True)
class Hypothesis:
    """One guess.

    Args:
        state: whole numbers that say what is believed; what they mean is the owner's affair.
        weight: its share of all belief, 0 to 1.
        number: its own, never used again; ``parent``: that of the guess it grew out of, or -1.
        place: where it was made, the owner's number of a place.
    """

    state: tuple[int, ...]
    weight: float
    number: int
    parent: int
    place: int


@dataclass(frozen=True)
class Branch:
    """What a guess may become: the index of its parent among the present guesses, a state, a weight."""

    parent: int
    state: tuple[int, ...]
    weight: float


class Hypotheses:
    """A weighed set of guesses and the tree that they grew in.

    As a particle filter without chance: each step replaces the guesses by what they may become, joins those
    of equal state, keeps the heaviest and scales their weights to a sum of 1. Their ancestors are kept too,
    the latest ``remembered``, so that one can ask where a guess parted from another and go back there.

    Args:
        width: numbers in a state.
        most: guesses kept at a time.
        least: share of belief below which a guess is dropped; the heaviest always stays.
        remembered: ancestors kept.

    Raises:
        ConfigError: a setting that makes no sense.
    """

    def __init__(self, width: int, most: int = 24, least: float = 1e-9, remembered: int = 1024) -> None:
        if width < 1 or most < 1 or remembered < 1 or not 0 <= least < 1:
            raise ConfigError(
                expected="width, most and remembered of 1 or more, least in [0, 1)",
                came=f"{width}, {most}, {remembered}, {least}",
                fix="change the settings of the hypotheses",
            )
        self.width, self.most, self.least, self.remembered = width, most, least, remembered
        self._present: tuple[Hypothesis, ...] = ()
        self._past: dict[int, Hypothesis] = {}
        self._next = 0

    def __len__(self) -> int:
        return len(self._present)

    @property
    def present(self) -> tuple[Hypothesis, ...]:
        """The guesses of now, the heaviest first; of equal weight the smaller state first."""
        return self._present

    def begin(self, states: Mapping[tuple[int, ...], float], place: int = -1) -> None:
        """Forgets everything and starts from some states with their weights."""
        self._present, self._past, self._next = (), {}, 0
        self._settle([Branch(-1, state, weight) for state, weight in states.items()], place)

    def grow(self, branches: Sequence[Branch], place: int = -1) -> None:
        """Replaces the guesses by what they may become.

        Raises:
            PlacecellError: no branch has a weight, or one has no parent among the present guesses.
        """
        if any(not 0 <= branch.parent < len(self._present) for branch in branches):
            raise PlacecellError(
                expected=f"parents from 0 to {len(self._present) - 1}",
                came=str(sorted({branch.parent for branch in branches})[:8]),
                fix="grow from the guesses in present",
            )
        self._settle(branches, place)

    def lineage(self, number: int) -> tuple[Hypothesis, ...]:
        """A guess and what it grew out of, the oldest that is remembered first; none if it is forgotten."""
        chain = []
        while number in self._past:
            chain.append(self._past[number])
            number = chain[-1].parent
        return tuple(reversed(chain))

    def pack(self) -> dict[str, np.ndarray]:
        """Arrays that :meth:`unpack` reads; equal for equal histories."""
        ancestors = sorted(self._past.values(), key=lambda guess: guess.number)
        present = [guess.number for guess in self._present]
        return {
            "states": _rows([guess.state for guess in ancestors], self.width),
            "weights": np.array([guess.weight for guess in ancestors], np.float64),
            "numbers": np.array([guess.number for guess in ancestors], np.int64),
            "parents": np.array([guess.parent for guess in ancestors], np.int64),
            "places": np.array([guess.place for guess in ancestors], np.int64),
            "present": np.array(present, np.int64),
            "counts": np.array([self._next], np.int64),
        }

    def unpack(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Becomes what was packed.

        Raises:
            ArchiveError: an array is missing, or they do not fit each other or the width of these states.
        """
        missing = [name for name in _ARRAYS if name not in arrays]
        rows = () if missing else arrays["states"].shape
        fits = not missing and rows == (len(arrays["numbers"]), self.width) and arrays["counts"].shape == (1,)
        fits = fits and {arrays[name].shape for name in _ARRAYS[1:5]} == {rows[:1]}
        if not fits or not set(arrays["present"].tolist()) <= set(arrays["numbers"].tolist()):
            raise ArchiveError(
                expected=f"hypotheses with states of {self.width} numbers: {', '.join(_ARRAYS)}",
                came=f"no {', '.join(missing)}" if missing else f"states of shape {rows}",
                fix="pack them with the same settings",
            )
        self._past = {
            int(number): Hypothesis(
                tuple(int(s) for s in state), float(weight), int(number), int(parent), int(place)
            )
            for state, weight, number, parent, place in zip(
                arrays["states"], arrays["weights"], arrays["numbers"], arrays["parents"], arrays["places"]
            )
        }
        self._present = tuple(self._past[int(number)] for number in arrays["present"])
        self._next = int(arrays["counts"][0])

    def _settle(self, branches: Sequence[Branch], place: int) -> None:
        joined: dict[tuple[int, ...], tuple[float, float, int]] = {}
        for branch in branches:
            self._require(branch)
            total, heaviest, parent = joined.get(branch.state, (0.0, -1.0, -1))
            if branch.weight > heaviest:
                heaviest, parent = branch.weight, branch.parent
            joined[branch.state] = (total + branch.weight, heaviest, parent)
        whole = sum(total for total, _, _ in joined.values())
        if whole <= 0:
            raise PlacecellError(
                expected="at least one guess with a weight above 0",
                came=f"{len(branches)} of weight 0",
                fix="leave every branch a small weight",
            )
        ranked = sorted(joined.items(), key=lambda entry: (-entry[1][0], entry[0]))[: self.most]
        kept = [entry for n, entry in enumerate(ranked) if n == 0 or entry[1][0] > self.least * whole]
        scale = sum(total for _, (total, _, _) in kept)
        numbers = {n: guess.number for n, guess in enumerate(self._present)}
        self._present = tuple(
            Hypothesis(state, total / scale, self._next + n, numbers.get(parent, -1), place)
            for n, (state, (total, _, parent)) in enumerate(kept)
        )
        self._next += len(kept)
        self._past.update((guess.number, guess) for guess in self._present)
        while len(self._past) > max(self.remembered, len(self._present)):
            del self._past[next(iter(self._past))]

    def _require(self, branch: Branch) -> None:
        if len(branch.state) != self.width or not (np.isfinite(branch.weight) and branch.weight >= 0):
            raise PlacecellError(
                expected=f"states of {self.width} numbers with finite weights of 0 or more",
                came=f"{branch.state} of weight {branch.weight}",
                fix="give each guess a state of the same width",
            )


def _rows(states: Sequence[tuple[int, ...]], width: int) -> Int64[np.ndarray, "n w"]:
    return np.array(states, np.int64).reshape(len(states), width)
