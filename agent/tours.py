"""The arms of a tour: what the memory holds when an episode begins. Nothing else differs between them.

``cold`` is emptied before each goal, ``warm`` keeps what the tour's earlier visits
left (and what was seen on the way between them, where an environment leads the agent), ``known`` has seen
the whole house before, ``foreign`` has seen another house instead, ``geometry`` is
warm without labels, ``stale`` has seen the house before its furniture was moved.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import gymnasium

from placecell.errors import ConfigError, EnvironmentUseError
from placecell.memory import Memory, NoMemory
from placecell.memory.archive import Archive

from .loop import Agent, Observation


@dataclass(frozen=True)
class Rule:
    """What an arm does.

    Args:
        seen: the house that the memory has seen when the tour begins, by the name that the environment's
            ``survey`` knows it by; None: nothing.
        visits: what becomes of the memory from visit to visit: it is emptied, kept, or brought back to what
            it was when the tour began.
        labels: whether it may keep what it knows of categories from visit to visit.
        recalls: whether an object seen on an earlier visit can be recalled on this one.
    """

    seen: Literal["same", "foreign", "stale"] | None = None
    visits: Literal["emptied", "kept", "restored"] = "kept"
    labels: bool = True
    recalls: bool = True


ARMS: Mapping[str, Rule] = {
    "cold": Rule(visits="emptied", recalls=False),
    "warm": Rule(),
    "known": Rule(seen="same"),
    "foreign": Rule(seen="foreign", visits="restored", recalls=False),
    "geometry": Rule(labels=False, recalls=False),
    "stale": Rule(seen="stale"),
}
CONTROL = "cold"


def rule_of(arm: str) -> Rule:
    """The rule of an arm.

    Raises:
        ConfigError: there is no arm of that name.

    >>> rule_of("known").seen
    'same'
    """
    if arm not in ARMS:
        raise ConfigError(
            expected=f"an arm: {', '.join(ARMS)}", came=repr(arm), fix="set task.arm to one of these"
        )
    return ARMS[arm]


class Arm:
    """Prepares an agent's memory before each episode.

    Args:
        name: one of :data:`ARMS`.
        env: for any arm but ``cold`` it has ``visits_per_tour``, and its ``info["tags"]`` has ``tour`` and
            ``visit`` (counted from 0); for those that have seen a house ``survey(house)``, which yields
            the observations of a body that is shown the whole of it, in the frame of the tour under way. It
            may have ``carried()``, which yields what the agent was shown since the visit before, on its way
            to this one's start.
        agent: whose memory it is, and whose perception a survey passes through.

    Raises:
        ConfigError: an unknown name, or an environment that lacks what the arm needs.
    """

    def __init__(self, name: str, env: gymnasium.Env, agent: Agent) -> None:
        self.name, self._rule = name, rule_of(name)
        self._env, self._agent = env, agent
        self._tour: object = None
        self._left: Archive | None = None
        self._doubtful = False
        if name != CONTROL:
            self._require_tours()

    @property
    def recalls(self) -> bool:
        """Whether what an earlier visit showed can be recalled: not where the memory keeps nothing."""
        return self._rule.recalls and not isinstance(self._agent.memory, NoMemory)

    @property
    def memory(self) -> Memory:
        """What it prepares."""
        return self._agent.memory

    @property
    def keeps(self) -> bool:
        """Whether a visit finds anything that was in the memory before it."""
        return self._rule.visits != "emptied"

    def prepare(self, info: Mapping[str, object]) -> None:
        """Brings the memory into the state that the episode begins with; ``info`` is that of the reset.

        Raises:
            EnvironmentUseError: the info names no tour and visit.
        """
        if self._rule.visits == "emptied":
            self._agent.memory.begin_episode("cold")
            return
        tour, visit = _tour_and_visit(info)
        # A visit whose tour is not the one in the memory follows one that broke before the memory was ready.
        if visit == 0 or tour != self._tour:
            self._begin_tour(tour, doubtful=visit != 0)
        else:
            self._go_on()
        if not self._rule.labels:
            self._agent.memory.forget_labels()

    def broke(self) -> None:
        """Is told that an episode broke: the memory may lack a part of it."""
        self._doubtful = True

    def tags(self) -> dict[str, bool]:
        """``after_crash``, when an earlier visit of this tour broke and the memory goes on without it."""
        doubtful = self._doubtful and self._rule.visits == "kept"
        return {"after_crash": True} if doubtful else {}

    def state(self) -> dict[str, Any]:
        """Plain JSON, beside :meth:`left`: what a visit in another process has to know."""
        return {"tour": self._tour, "doubtful": self._doubtful}

    def left(self) -> Archive | None:
        """What the next visit's memory is made from, to be written down; None for an arm that keeps none."""
        if not self.keeps:
            return None
        return self.memory.pack() if self._left is None else self._left

    def go_on_from(self, state: Mapping[str, Any], left: Archive | None) -> None:
        """Becomes the arm that gave ``state`` and ``left``, in whatever process that was.

        Raises:
            ArchiveError: a memory of another class or of other settings.
        """
        if left is not None:
            self.memory.unpack(left)
        if self._rule.visits == "restored":
            self._left = left
        tour = state["tour"]
        self._tour, self._doubtful = tuple(tour) if tour is not None else None, bool(state["doubtful"])

    def _begin_tour(self, tour: object, doubtful: bool) -> None:
        memory = self._agent.memory
        self._tour, self._left = None, None  # until it is whole, a later visit has to begin again
        memory.begin_episode("cold")
        if self._rule.seen is not None:
            self._show(self._env.get_wrapper_attr("survey")(self._rule.seen))
            if self._rule.visits == "restored":
                self._left = memory.pack()
            memory.begin_episode("warm")
        self._tour, self._doubtful = tour, doubtful

    def _go_on(self) -> None:
        memory = self._agent.memory
        if self._left is not None:
            memory.unpack(self._left)
        memory.begin_episode("warm")
        if self._rule.visits == "kept" and self._env.has_wrapper_attr("carried"):
            self._show(self._env.get_wrapper_attr("carried")())
            memory.begin_episode("warm")

    def _show(self, observations: Iterable[Observation]) -> None:
        """Writes what the agent is shown while it does not act."""
        for step, observation in enumerate(observations):
            self._agent.memory.write(self._agent.perception(observation, step).frame)

    def _require_tours(self) -> None:
        """Says before the work begins what every episode would say."""
        seen = self._rule.seen
        if seen is not None and not self._env.has_wrapper_attr("survey"):
            raise ConfigError(
                expected=f"an environment with survey({seen!r}), which the arm {self.name} needs",
                came=f"{type(self._env.unwrapped).__name__} without",
                fix="walk tours of generated houses (env=houses task=tour), or set task.arm=cold",
            )
        if not self._env.has_wrapper_attr("visits_per_tour"):
            raise ConfigError(
                expected=f"an environment with visits_per_tour, which the arm {self.name} needs",
                came=f"{type(self._env.unwrapped).__name__} without",
                fix="walk tours of generated houses (env=houses task=tour), or set task.arm=cold",
            )
        try:
            _, info = self._env.reset(seed=0, options={"episode": 0})
            _tour_and_visit(info)
            if seen in ("foreign", "stale"):  # another house, which a world may not have
                next(iter(self._env.get_wrapper_attr("survey")(seen)))
        except EnvironmentUseError as error:
            raise ConfigError(
                expected=f"what the arm {self.name} needs: {error.expected}",
                came=error.came,
                fix="walk tours of generated houses (env=houses task=tour), or set task.arm=cold",
            ) from error
        except Exception:  # what breaks says nothing of the arm: the first episode breaks so, and is recorded
            return


def _tour_and_visit(info: Mapping[str, object]) -> tuple[object, int]:
    tags = info.get("tags")
    found = tags if isinstance(tags, Mapping) else {}
    tour, visit = found.get("tour"), found.get("visit")
    if tour is None or not isinstance(visit, int):
        raise EnvironmentUseError(
            expected="an info whose tags name the tour and the visit",
            came=f"the tags {', '.join(map(str, found)) or 'none'}",
            fix="put them into info['tags'] of every step",
        )
    return (info.get("scene_id"), tour), visit
