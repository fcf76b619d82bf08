"""Requests for a second look, as tokens of a language model: what to add, emit and read."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from numbers import Integral
from types import MappingProxyType

from placecell.errors import ConfigError

from .regions import GRID, Region, require_grid

REGION_START = "<|region_token_start|>"
REGION_END = "<|region_token_end|>"
_CELL = re.compile(r"<\|([xy])_(0|[1-9][0-9]{0,8})\|>")
_SPECIAL = re.compile(r"(<\|\w+\|>)")
_NAME = re.compile(r"[a-z0-9_]+")


@dataclass(frozen=True)
class ReEncode:
    """The wish to have the whole image encoded again, by an encoder, under control of a hidden state.

    Args:
        encoder: its name in the vocabulary.
        position: where in the sequence the control token stands whose hidden state controls; None: not read
            from a sequence.
    """

    encoder: str
    position: int | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Malformed:
    """A request that cannot be read: for the policy to see, not to end an episode.

    Args:
        reason: in words.
        position: of the token in the sequence that broke it; the sequence's length where an end is missing.
    """

    reason: str
    position: int

    def __str__(self) -> str:
        return f"malformed request at token {self.position}: {self.reason}"


Request = Region | ReEncode
Parsed = Region | ReEncode | Malformed


@dataclass(frozen=True)
class Vocabulary:
    """The tokens of requests, and their ids in a tokenizer.

    Named as in the published models: 2 + 2 k for regions, 3 an encoder (start, control, end).

    Args:
        grid: k, cells a side.
        encoders: names of those that can be asked to encode again, of a-z, 0-9 and _.
        ids: of ``tokens``, in their order; empty: 0, 1, 2...

    Raises:
        ConfigError: a grid without cells, a name twice or with other characters, ids that are not one each.
    """

    grid: int = GRID
    encoders: tuple[str, ...] = ()
    ids: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        require_grid(self.grid)
        odd = [name for name in self.encoders if not _NAME.fullmatch(name)]
        if odd or len({*self.encoders}) < len(self.encoders):
            raise ConfigError(
                expected="different names of encoders, of a-z, 0-9 and _",
                came=", ".join(map(repr, odd or self.encoders)),
                fix='name them like "rgbd" or "dinov2"',
            )
        if self.ids and (len(self.ids) != len(self.tokens) or len({*self.ids}) < len(self.ids)):
            raise ConfigError(
                expected=f"{len(self.tokens)} different ids",
                came=f"{len(self.ids)}, {len({*self.ids})} of them different",
                fix="add tokens_to_add(...) to the tokenizer before asking it for their ids",
            )

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """Region start and end, x cells, y cells, then start, control and end of each encoder."""
        cells = (cell(axis, number) for axis in "xy" for number in range(self.grid))
        return (REGION_START, REGION_END, *cells, *(t for name in self.encoders for t in control(name)))

    @cached_property
    def id_of(self) -> Mapping[str, int]:
        """From a token to its id."""
        return MappingProxyType(dict(zip(self.tokens, self.ids or range(len(self.tokens)))))

    @cached_property
    def token_of(self) -> Mapping[int, str]:
        """From an id to its token."""
        return MappingProxyType({number: token for token, number in self.id_of.items()})

    def with_ids(self, ids: Sequence[int]) -> "Vocabulary":
        """The same with a tokenizer's ids of ``tokens``; raises ConfigError as the class."""
        return replace(self, ids=tuple(int(number) for number in ids))

    def emit(self, requests: Iterable[Request]) -> tuple[str, ...]:
        """The tokens that ask for these: of a region the corner cells, top left and bottom right.

        Raises:
            ConfigError: a region on another grid, or an encoder that is not in the vocabulary.
        """
        return tuple(token for request in requests for token in self._emit(request))

    def _emit(self, request: Request) -> tuple[str, ...]:
        if isinstance(request, ReEncode):
            if request.encoder not in self.encoders:
                raise ConfigError(
                    expected=f"an encoder of the vocabulary: {', '.join(self.encoders) or 'there is none'}",
                    came=request.encoder,
                    fix="choose one of these, or make a Vocabulary with it",
                )
            return control(request.encoder)
        if request.grid != self.grid:
            raise ConfigError(
                expected=f"a region on a grid of {self.grid}",
                came=f"one of {request.grid}",
                fix="make both with one k",
            )
        corners = (("x", request.left), ("y", request.top), ("x", request.right), ("y", request.bottom))
        return (REGION_START, *(cell(axis, number) for axis, number in corners), REGION_END)

    def parse(self, sequence: str | Iterable[object]) -> tuple[Parsed, ...]:
        """Reads an answer; whatever it holds, nothing is raised.

        A region is a start, pairs of an x and a y cell (one or more; their hull counts) and an end; a
        re-encoding is start, control and end of one encoder. Other tokens around requests are text. What is
        broken is told once, where it broke, and reading goes on after its end, or at the next start.

        Args:
            sequence: tokens as text, one each, or ids, or both; one text is cut by :func:`split`.

        Returns:
            Requests and what was malformed, in order.
        """
        return _Reader(self).read(split(sequence) if isinstance(sequence, str) else sequence)


class _Reader:
    """One pass over a sequence. ``opened`` is the start token of what is being read."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary, self.found = vocabulary, list[Parsed]()
        self.starts = {control(name)[0]: name for name in vocabulary.encoders}
        self.closers = {REGION_START: REGION_END} | {s: control(n)[2] for s, n in self.starts.items()}
        self.special = {*vocabulary.tokens}
        self.opened: str | None = None
        self.broken = False
        self.numbers: list[int] = []  # of cells: x, y, x, y
        self.control_at: int | None = None

    def read(self, sequence: Iterable[object]) -> tuple[Parsed, ...]:
        position = -1
        for position, item in enumerate(sequence):
            token = self._token(item)
            if token in self.closers:
                if self.opened and not self.broken:
                    self._break(f"{token} before the end of {self.opened}", position)
                self._open(token)
            elif self.opened and token == self.closers[self.opened]:
                self._close(position)
            elif self.opened:
                self._within(self.opened, token, item, position)
            elif token is not None and (token in self.special or _CELL.fullmatch(token)):
                self._break(f"{token} without a start", position)
            elif token is None:
                self._break(f"{_told(item)} is no token", position)
        if self.opened and not self.broken:
            self._break(f"no end of {self.opened}", position + 1)
        return tuple(self.found)

    def _token(self, item: object) -> str | None:
        """The token's text; of an id that is not the vocabulary's "", of what can be no token None."""
        if isinstance(item, str):
            return item
        if isinstance(item, Integral) and not isinstance(item, bool) and int(item) >= 0:
            return self.vocabulary.token_of.get(int(item), "")
        return None

    def _break(self, reason: str, position: int) -> None:
        self.found.append(Malformed(reason, position))
        self.broken = True

    def _open(self, token: str) -> None:
        self.opened, self.broken, self.numbers, self.control_at = token, False, [], None

    def _close(self, position: int) -> None:
        if not self.broken:
            if self.opened == REGION_START:
                self._close_region(position)
            elif self.control_at is None:
                self._break(f"no control token after {self.opened}", position)
            else:
                self.found.append(ReEncode(self.starts[str(self.opened)], self.control_at))
        self.opened = None

    def _close_region(self, position: int) -> None:
        if not self.numbers:
            self._break("a region without cells", position)
        elif len(self.numbers) % 2:
            self._break("an x cell without its y cell", position)
        else:
            cells = zip(self.numbers[::2], self.numbers[1::2])
            self.found.append(Region.hull(cells, self.vocabulary.grid))

    def _within(self, opened: str, token: str | None, item: object, position: int) -> None:
        if self.broken:
            return
        if opened == REGION_START:
            self._cell(token, item, position)
        elif token != control(self.starts[opened])[1]:
            self._break(f"{_told(item)} after {opened}", position)
        elif self.control_at is not None:
            self._break(f"{token} twice", position)
        else:
            self.control_at = position

    def _cell(self, token: str | None, item: object, position: int) -> None:
        match = _CELL.fullmatch(token or "")
        wanted = "xy"[len(self.numbers) % 2]
        if match is None:
            self._break(f"{_told(item)} in a region", position)
        elif match[1] != wanted:
            self._break(f"{token} where {'an x' if wanted == 'x' else 'a y'} cell belongs", position)
        elif cell(wanted, int(match[2])) not in self.special:
            self._break(f"{token} outside a grid of {self.vocabulary.grid}", position)
        else:
            self.numbers.append(int(match[2]))


def cell(axis: str, number: int) -> str:
    """The token of a column ("x") or row ("y") of cells."""
    return f"<|{axis}_{number}|>"


def control(encoder: str) -> tuple[str, str, str]:
    """Start, control and end token of a re-encoding."""
    return f"<|{encoder}_action_start|>", f"<|{encoder}_action|>", f"<|{encoder}_action_end|>"


def tokens_to_add(grid: int = GRID, encoders: Sequence[str] = ()) -> list[str]:
    """The tokens that a language model's tokenizer needs, for its ``add_tokens(..., special_tokens=True)``.

    >>> len(tokens_to_add()), tokens_to_add()[:3]
    (18, ['<|region_token_start|>', '<|region_token_end|>', '<|x_0|>'])

    Raises:
        ConfigError: as :class:`Vocabulary`.
    """
    return list(Vocabulary(grid, tuple(encoders)).tokens)


def split(text: str) -> list[str]:
    """Decoded text cut into tokens in <|...|> and what lies between them, for :meth:`Vocabulary.parse`."""
    return [piece for piece in _SPECIAL.split(text) if piece.strip()]


def _told(item: object) -> str:
    """A short one-line form of anything, even of what cannot print itself."""
    if isinstance(item, str):
        return repr(item if len(item) <= 40 else f"{item[:40]}...")
    if isinstance(item, Integral) and not isinstance(item, bool) and -(10**12) < int(item) < 10**12:
        return f"id {int(item)}"
    return f"a {type(item).__name__}"
