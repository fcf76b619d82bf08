"""What a map holds of some of its voxels."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64, UInt8


@dataclass(frozen=True)
class Voxels:
    """What the map holds of ``n`` voxels.

    Args:
        indices: (n, 3) voxel indices.
        centres: (n, 3) metres, world frame.
        points: (n, 3) the mean of the points that fell in, metres, world frame; the centre where none did.
        hits: (n,) how many these are.
        colours: (n, 3) mean colour; black where no coloured frame has seen it.
        coloured: (n,) whether one has.
        last_seen: (n,) the step of the last hit, -1 where there was none.
        labels: (n,) category ids, 0 where there is none.
        votes: (n,) how many frames the label is ahead of all others, to a bound; 0 without a label.
        weights: (n,) how many pixels the feature is the mean of; 0 where there is none.
        features: (n, d) the fused feature, zeros where there is none; d is 0 in a map that keeps none.
    """

    indices: Int64[np.ndarray, "n 3"]
    centres: Float64[np.ndarray, "n 3"]
    points: Float64[np.ndarray, "n 3"]
    hits: Int64[np.ndarray, " n"]
    colours: UInt8[np.ndarray, "n 3"]
    coloured: Bool[np.ndarray, " n"]
    last_seen: Int64[np.ndarray, " n"]
    labels: Int64[np.ndarray, " n"]
    votes: Int64[np.ndarray, " n"]
    weights: Float32[np.ndarray, " n"]
    features: Float32[np.ndarray, "n d"]

    def __len__(self) -> int:
        return len(self.indices)

    def colour(self, n: int) -> tuple[int, int, int] | None:
        """Red, green, blue of the n-th, or None where no coloured frame has seen it."""
        if not self.coloured[n]:
            return None
        red, green, blue = (int(channel) for channel in self.colours[n])
        return red, green, blue
