"""What several memories recalled over a run: their scores, and what they cost."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from .precision import RIGHT_WITHIN_M, Item, Tally, score
from .recall import LeftOut, StepRecall, same_items

RECORDED = "as recorded"
"""The name of what the run's own memory recalled while it was walked."""


@dataclass
class Cost:
    """What a memory took. Milliseconds of the processor, summed over steps; bytes, the most at an end."""

    steps: int = 0
    write_ms: float = 0.0
    query_ms: float = 0.0
    most_bytes: float = 0.0

    def means(self) -> dict[str, float]:
        """A step's."""
        steps = max(self.steps, 1)
        return {
            "bytes": self.most_bytes,
            "write_ms": self.write_ms / steps,
            "query_ms": self.query_ms / steps,
        }


@dataclass
class Again:
    """In how many steps the run's own memory gave again what was recorded, and the first where it did not."""

    same: int = 0
    first_other: str | None = None

    def to_line(self, name: str) -> str:
        """In words."""
        if self.first_other is None:
            return f"{name}: the run's own memory, reproduces the recording ({self.same} steps, every item)"
        return f"{name}: the run's own memory, does not reproduce the recording; first in {self.first_other}"


@dataclass
class RecallSummary:
    """Is told of every step, in any order.

    Args:
        names: of the memories.
        k: how many items were asked for; None: as many as were recorded.
    """

    names: Sequence[str]
    k: int | None = None
    tallies: dict[str, Tally] = field(default_factory=dict)
    costs: dict[str, Cost] = field(default_factory=dict)
    again: dict[str, Again] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    steps: int = 0
    judged: int = 0
    episodes: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.tallies = {name: Tally() for name in (RECORDED, *self.names)}
        self.costs = {name: Cost() for name in self.names}

    def add(self, found: StepRecall, own: Sequence[str]) -> None:
        """A step, and the memories that are the recording's own."""
        header = found.recording.header
        scene, episode = str(header.get("scene_id")), int(header["episode"])
        self.steps, self.judged = self.steps + 1, self.judged + (found.truth is not None)
        self.episodes.add(episode)
        k = self.k or header["k"]
        recalled: dict[str, Sequence[Item]] = {RECORDED: found.step.recalled[:k]}
        recalled |= {name: asked.items for name, asked in found.asked.items()}
        if found.truth is not None:
            for name, items in recalled.items():
                self.tallies[name].add(scene, episode, score(found.truth, items))
        for name, asked in found.asked.items():
            cost = self.costs[name]
            cost.steps += 1
            cost.write_ms += asked.write_ms
            cost.query_ms += asked.query_ms
            cost.most_bytes = max(cost.most_bytes, found.bytes_after.get(name, 0.0))
        if k == header["k"]:
            for name in own:
                self._compare(name, found)

    def _compare(self, name: str, found: StepRecall) -> None:
        again = self.again.setdefault(name, Again())
        if same_items(found.step, found.asked[name].items):
            again.same += 1
        elif again.first_other is None:
            again.first_other = f"{found.recording.folder.name}, step {found.step.index}"

    @property
    def reproduced(self) -> bool:
        """Whether no memory of the run's own kind gave anything else than was recorded."""
        return all(again.first_other is None for again in self.again.values())

    def offline(self, measure: str = "hit_at_1") -> dict[str, float]:
        """Each memory's score, of those that have one."""
        means = {name: self.tallies[name].estimate(measure).mean for name in self.names}
        return {name: mean for name, mean in means.items() if mean is not None}

    def to_json(self, extra: Mapping[str, object]) -> str:
        """The numbers, and whatever else there is to say."""
        memories = {
            name: {
                **{measure: asdict(got) for measure, got in tally.estimates().items()},
                **(self.costs[name].means() if name in self.costs else {}),
            }
            for name, tally in self.tallies.items()
        }
        document = {
            "right_within_m": RIGHT_WITHIN_M,
            "k": self.k,
            "episodes": len(self.episodes),
            "steps": self.steps,
            "steps_with_known_truth": self.judged,
            "memories": memories,
            "reproduces": {name: asdict(again) for name, again in self.again.items()},
            "left_out": {left.episode.folder.name: left.why for left in self.left_out},
            **extra,
        }
        return json.dumps(document, indent=1) + "\n"
