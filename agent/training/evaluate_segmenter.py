"""``python -m placecell.agent.training.evaluate_segmenter``: a checkpoint's table on a split's houses."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from placecell.arrays import atomic_write
from placecell.envs.mesh.noise import LEVELS
from placecell.errors import PlacecellError

from ..perception.segmenter import SHIPPED, load_segmenter
from .batches import validation_frames
from .segmenter_scores import Scores
from .worlds import WORLDS, world_named


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table, and writes it where ``--out`` says; 0, or 2 for a mistake in what was asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m placecell.agent.training.evaluate_segmenter",
        description="IoU per category on houses.",
    )
    parser.add_argument("--split", choices=("train", "val", "test"), default="val")
    parser.add_argument("--houses", type=int, default=30)
    parser.add_argument("--frames", type=int, default=40, help="frames a house")
    parser.add_argument("--noise", choices=LEVELS, default="none", help="of depth")
    parser.add_argument("--checkpoint", type=Path, default=SHIPPED)
    parser.add_argument("--threshold", type=float, default=None, help="default: the checkpoint's own")
    parser.add_argument("--worlds", choices=sorted(WORLDS), default="houses")
    parser.add_argument("--out", type=Path, default=None, help="a markdown file")
    options = parser.parse_args(argv)
    try:
        table = evaluate(**{key: value for key, value in vars(options).items() if key != "out"})
        print(table)
        if options.out is not None:
            atomic_write(options.out, table + "\n")
    except (PlacecellError, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    return 0


def evaluate(
    *,
    split: str,
    houses: int,
    frames: int,
    noise: str,
    checkpoint: Path,
    threshold: float | None,
    worlds: str,
) -> str:
    """Scores a checkpoint on ``frames`` views of each of a split's first ``houses``; markdown.

    Raises:
        ArchiveError: the checkpoint cannot be used.
    """
    torch.set_num_threads(1)
    segmenter = load_segmenter(checkpoint, threshold)
    scores, seconds = Scores(), []
    for _, frame in validation_frames(world_named(worlds), split, houses, frames, noise):
        scores.add(segmenter, frame)
        camera = frame.camera
        started = time.process_time()
        segmenter.labels(frame.rgb, frame.depth, camera.pinhole(), frame.pitch_rad, camera.height_m)
        seconds.append(time.process_time() - started)
    speed = 1e3 * sorted(seconds)[len(seconds) // 2]
    head = (
        f"{scores.frames} frames of {houses} {split} houses, depth noise {noise}, threshold "
        f"{segmenter.threshold:g}: pixel accuracy {scores.accuracy():.3f}, mean IoU {scores.mean_iou():.3f}, "
        f"of goal categories {scores.goal_iou():.3f}; {speed:.1f} ms a frame (CPU, one thread, median).\n"
    )
    return f"{head}\n{scores.markdown()}"


if __name__ == "__main__":
    sys.exit(main())
