"""One line of a benchmark's table."""

import math
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Row:
    """One measured figure, and how it stands to its peer and to its target.

    Args:
        name: what was measured, unique within the suite.
        value: our figure.
        unit: its unit: ``"m"``, ``"frames/s"``, ``"1"`` for a plain number.
        peer: who was measured beside us in the same process, or None.
        peer_value: the peer's figure, in the same unit.
        ratio: > 1 means that we are better, whichever way the unit counts; None without a peer.
        target: the bound that ``passed`` was judged by, as a reader says it: ``"< 0.001"``; None without one.
        passed: whether the target is met; None without a target.
        delegates: the row only wraps its peer, so that a ratio would say nothing.

    >>> Row("render_128", 900.0, "frames/s", peer="embreex + NumPy", peer_value=450.0, ratio=2.0).ratio
    2.0
    """

    name: str
    value: float
    unit: str
    peer: str | None = None
    peer_value: float | None = None
    ratio: float | None = None
    target: str | None = None
    passed: bool | None = None
    delegates: bool = False

    def __post_init__(self) -> None:
        if (self.target is None) != (self.passed is None):
            raise ValueError(f"{self.name}: a target needs a verdict (passed), and a verdict its target")
        if self.delegates and self.ratio is not None:
            raise ValueError(f"{self.name}: a row that only wraps its peer has no ratio")

    def to_json(self) -> dict[str, object]:
        """The row as ``bench.json`` holds it; null for what is not finite, as JSON has no number for it."""
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in asdict(self).items()
        }
