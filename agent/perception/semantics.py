"""Where the names of things come from: the simulator's ids (an oracle), a learned segmenter, or nowhere."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from placecell.arrays import Ids
from placecell.errors import EnvironmentUseError
from placecell.geometry import Pose

from .embodiment import Embodiment


class SemanticSource(ABC):
    """Gives each pixel a category.

    ``oracle`` names the inputs it uses that no agent has in the world.
    """

    oracle: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def labels(self, observation: Mapping[str, np.ndarray], pose: Pose, embodiment: Embodiment) -> Ids | None:
        """(h, w) int32 category ids of the environment's vocabulary, 0 where it can't tell; None: no labels.

        Args:
            observation: what the environment gave, at least ``rgb`` (h, w, 3) and ``depth`` (h, w).
            pose: the body's, in the episode's frame; its pitch is the camera's.
            embodiment: the camera's field of view and height.
        """


class NoSemantics(SemanticSource):
    """Sees shapes and colours, and knows no names."""

    def labels(self, observation: Mapping[str, np.ndarray], pose: Pose, embodiment: Embodiment) -> Ids | None:
        """Always None."""
        return None


class OracleSemantics(SemanticSource):
    """Reads the simulator's own ``category`` image: an oracle."""

    oracle = ("oracle_semantics",)

    def labels(self, observation: Mapping[str, np.ndarray], pose: Pose, embodiment: Embodiment) -> Ids | None:
        """The ``category`` image as it came.

        Raises:
            EnvironmentUseError: the environment gives none.
        """
        if "category" not in observation:
            raise EnvironmentUseError(
                expected="an observation with a category image",
                came=f"one with {', '.join(observation)}",
                fix="set env.semantics=true, as perception=oracle does",
            )
        return observation["category"]
