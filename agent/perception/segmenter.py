"""Names of pixels from a small network that was trained on frames of generated train houses.

Trained by ``placecell-train task=segmenter``; figures in ``docs/results/segmenter.md``.
"""

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, Int
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from placecell.arrays import Depth, Ids, Rgb, atomic_write
from placecell.envs.mesh.houses.categories import CATEGORIES
from placecell.errors import ArchiveError, ConfigError, FrameError
from placecell.geometry import Pinhole, Pose

from .channels import channels
from .embodiment import Embodiment
from .network import STRIDE, WIDTHS, SegmenterNetwork, fused
from .semantics import SemanticSource
from .upsampling import to_pixels

SHIPPED = Path(__file__).with_name("segmenter.safetensors")
_KIND = "placecell segmenter 1"
_TRAINED_FOCAL = 77.6  # pixels: 128 over 79 degrees
_SMALLEST = 32


@dataclass(frozen=True)
class Segmenter:
    """A network with its vocabulary, ready to name pixels.

    Args:
        network: as :func:`~placecell.agent.perception.network.fused` gives it.
        categories: names by id, id 0 is "".
        threshold: pixels whose best probability is below stay 0.
    """

    network: nn.Module
    categories: tuple[str, ...]
    threshold: float

    def labels(
        self, rgb: Rgb, depth: Depth, camera: Pinhole, pitch_rad: float, camera_height_m: float
    ) -> Ids:
        """(h, w) int32 category ids, 0 below the threshold. The arguments are those of ``channels``.

        Images of longer focal length than it was trained with (78 pixels) are looked at in steps of whole
        pixels. The network answers for cells of 2 x 2 of them; see ``to_pixels`` for how these become pixels.

        Raises:
            FrameError: rgb and depth of different sizes, or smaller than 32 x 32 pixels in those steps.
        """
        best, probability = self._best(rgb, depth, camera, pitch_rad, camera_height_m)
        step = stride_of(camera)
        cells = np.where(probability >= self.threshold, best, 0)
        seen = to_pixels(cells, depth[step // 2 :: step, step // 2 :: step])
        return _enlarged(seen, step, depth.shape)

    def probabilities(
        self, rgb: Rgb, depth: Depth, camera: Pinhole, pitch_rad: float, camera_height_m: float
    ) -> Float32[np.ndarray, "r c k"]:
        """The probability of each category in each cell of 2 x 2 of the pixels that the network looks at."""
        require_size(rgb, depth, camera)
        step = stride_of(camera)
        first = step // 2
        seen = Pinhole(
            len(range(first, camera.width, step)),
            len(range(first, camera.height, step)),
            camera.fx / step,
            camera.fy / step,
            # The centre of pixel `first` becomes the centre of pixel 0.
            (camera.cx - first - 0.5) / step + 0.5,
            (camera.cy - first - 0.5) / step + 0.5,
        )
        looked = rgb[first::step, first::step], depth[first::step, first::step]
        x = channels(*looked, seen, pitch_rad, camera_height_m)
        h, w = x.shape[:2]
        x = np.pad(x, ((0, -h % STRIDE), (0, -w % STRIDE), (0, 0)))
        with torch.inference_mode():
            # (1, h, w, 8) in memory, seen as (1, 8, h, w): torch's channels_last, without a copy.
            logits = self.network(torch.from_numpy(x)[None].permute(0, 3, 1, 2))
            p = torch.softmax(logits[0].permute(1, 2, 0).contiguous(), -1).numpy()
        return p[: (h + 1) // 2, : (w + 1) // 2]

    def _best(self, *view: object) -> tuple[np.ndarray, np.ndarray]:
        p = self.probabilities(*view)  # type: ignore[arg-type]
        best = p.argmax(-1)
        return best, np.take_along_axis(p, best[..., None], -1)[..., 0]


class LearnedSemantics(SemanticSource):
    """Names pixels with a trained network: no oracle.

    Ids are those of ``placecell.envs.mesh.houses.categories.CATEGORIES``.

    Args:
        checkpoint: a file that ``placecell-train task=segmenter`` left; None takes the one that came with
            the package.
        threshold: pixels whose best probability is below stay 0; None takes the checkpoint's own, tuned on
            validation houses.
        threads: of torch, in this whole process: one keeps results equal from run to run, and leaves the
            other cores to other episodes.

    Raises:
        ArchiveError: there is no such file, or it holds another network or vocabulary.
        ConfigError: a threshold outside 0..1, or no threads.
    """

    def __init__(
        self, checkpoint: str | None = None, threshold: float | None = None, threads: int = 1
    ) -> None:
        if threshold is not None and not 0 <= threshold <= 1:
            raise ConfigError(
                expected="perception.threshold from 0 to 1",
                came=f"{threshold:g}",
                fix="set it to null for the checkpoint's own",
            )
        if threads < 1:
            raise ConfigError(
                expected="perception.threads of 1 or more", came=f"{threads}", fix="set it to 1"
            )
        torch.set_num_threads(threads)
        self._segmenter = load_segmenter(SHIPPED if checkpoint is None else Path(checkpoint), threshold)

    def labels(self, observation: Mapping[str, np.ndarray], pose: Pose, embodiment: Embodiment) -> Ids | None:
        """(h, w) int32 ids; see :meth:`SemanticSource.labels`.

        Raises:
            FrameError: an image of a size that it cannot take.
        """
        view = embodiment.camera, pose.pitch_rad, embodiment.camera_height_m
        return self._segmenter.labels(observation["rgb"], observation["depth"], *view)


def stride_of(camera: Pinhole) -> int:
    """How many pixels of an image the network takes for one, so that things keep the size it knows."""
    return max(1, round(camera.fx / _TRAINED_FOCAL))


def _enlarged(labels: Int[np.ndarray, "r c"], step: int, size: tuple[int, ...]) -> Ids:
    """Each label for step x step pixels; the last for those that are left over."""
    if step == 1:
        return labels
    labels = labels.repeat(step, 0).repeat(step, 1)[: size[0], : size[1]]
    return np.pad(labels, [(0, n - m) for n, m in zip(size, labels.shape, strict=True)], mode="edge")


def require_size(rgb: Rgb, depth: Depth, camera: Pinhole) -> None:
    """Raises :class:`FrameError` unless the images belong together and are large enough."""
    size, step = depth.shape, stride_of(camera)
    if rgb.shape[:2] != size or (camera.height, camera.width) != size:
        raise FrameError(
            expected="colour, depth and camera of one size",
            came=f"rgb {rgb.shape[1]} x {rgb.shape[0]}, depth {size[1]} x {size[0]}, "
            f"camera {camera.width} x {camera.height}",
            fix="resample them to the depth image's size first",
        )
    if min(size) < _SMALLEST * step:
        raise FrameError(
            expected=f"an image of {_SMALLEST * step} x {_SMALLEST * step} pixels or more to be segmented",
            came=f"{size[1]} x {size[0]}",
            fix="set env.width and env.height higher (128 is what it was trained with), or perception=none",
        )


def save_segmenter(
    path: Path, state: Mapping[str, torch.Tensor], threshold: float, widths: Sequence[int] = WIDTHS
) -> None:
    """Writes a checkpoint: weights in half precision, the architecture and the vocabulary, atomically."""
    weights = {name: _halved(tensor) for name, tensor in state.items() if "num_batches" not in name}
    metadata = {
        "kind": _KIND,
        "categories": json.dumps(CATEGORIES),
        "threshold": f"{threshold:.3f}",
        "widths": json.dumps(list(widths)),
    }
    atomic_write(path, save(weights, metadata))


def _halved(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().to(torch.float16).contiguous()


@functools.lru_cache(maxsize=4)
def _read(path: Path, _stamp: tuple[int, int]) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    with safe_open(path, framework="pt") as file:
        return dict(file.metadata() or {}), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def load_segmenter(path: Path, threshold: float | None = None) -> Segmenter:
    """Reads a checkpoint; ``threshold`` None takes its own.

    Raises:
        ArchiveError: there is no such file, or it holds another network or vocabulary.
    """
    if not path.is_file():
        raise _bad(f"a segmenter's checkpoint at {path}", "no such file")
    try:
        stat = path.stat()
        metadata, tensors = _read(path, (stat.st_mtime_ns, stat.st_size))
    except (SafetensorError, OSError) as error:
        raise _bad(f"a segmenter's checkpoint at {path}", f"a file that cannot be read ({error})") from error
    if metadata.get("kind") != _KIND:
        raise _bad(f"{path} to be a {_KIND!r}", repr(metadata.get("kind", "a file of another kind")))
    names = tuple(json.loads(metadata["categories"]))
    if names != CATEGORIES:
        odd = sorted({*names} ^ {*CATEGORIES}) or ["the same in another order"]
        raise _bad(
            f"{path} to name the {len(CATEGORIES) - 1} categories of this version",
            f"{len(names) - 1} categories; not in both: {', '.join(odd)}",
        )
    network = SegmenterNetwork(len(CATEGORIES), tuple(json.loads(metadata["widths"])))
    state = {name: tensor.float() for name, tensor in tensors.items()}
    wanted = {k: v.shape for k, v in network.state_dict().items() if "num_batches" not in k}
    if {name: tensor.shape for name, tensor in state.items()} != wanted:
        odd = sorted(k for k in {*wanted, *state} if k not in state or wanted.get(k) != state[k].shape)
        raise _bad(f"{path} to hold this version's network", f"another one (see {odd[0]})")
    network.load_state_dict(state, strict=False)
    own = float(metadata["threshold"])
    return Segmenter(fused(network), CATEGORIES, own if threshold is None else threshold)


def _bad(expected: str, came: str) -> ArchiveError:
    fix = "train one: placecell-train task=segmenter out=DIR, and set perception.checkpoint to its file"
    return ArchiveError(expected=expected, came=came, fix=fix)
