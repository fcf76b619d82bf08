"""A frame's vector and the goal's in one: what the codebook filter takes in."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from .codebook_gates import require


class GoalConditioned(nn.Module):
    """E = Linear(frame vector, embedding of the goal); the ReLU on it is the filter's.

    Args:
        frame_width: of a frame's vector, such as an encoder's pooled one.
        goals: how many there are.
        width: of the goal-conditioned embedding.
        goal_width: of a goal's embedding.

    Raises:
        ConfigError: a number below 1.
    """

    def __init__(self, frame_width: int, goals: int, width: int, goal_width: int = 32) -> None:
        super().__init__()
        sizes = {"frame_width": frame_width, "goals": goals, "width": width, "goal_width": goal_width}
        for name, size in sizes.items():
            require(size >= 1, f"{name} of 1 or more", size, f"set {name} to 1 or more")
        self.frame_width = frame_width
        self.goal = nn.Embedding(goals, goal_width)
        self.joined = nn.Linear(frame_width + goal_width, width)

    def forward(self, frame: Float[Tensor, "b d"], goal: Int64[Tensor, " b"]) -> Float[Tensor, "b width"]:
        """Embed a batch.

        Args:
            frame: (b, frame_width).
            goal: (b,) numbers of goals, from 0.

        Raises:
            ConfigError: another width, or a goal that is none.
        """
        fits, fix = frame.shape[-1] == self.frame_width, "build it with the frame vector's width"
        require(fits, f"frame vectors (b, {self.frame_width})", tuple(frame.shape), fix)
        goals = self.goal.num_embeddings
        known = bool(((goal >= 0) & (goal < goals)).all())
        require(known, f"goals of 0 to {goals - 1}", goal.tolist(), "number them from 0")
        return self.joined(torch.cat([frame, self.goal(goal)], -1))
