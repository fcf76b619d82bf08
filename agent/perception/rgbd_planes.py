"""What an encoder looks at: colour, depth, and whether there is depth, at like scales."""

import math

import torch
from jaxtyping import Float32, Num, UInt8
from torch import Tensor

from placecell.errors import FrameError

PLANES = 5  # red, green, blue, depth, whether there is depth
_FURTHEST_M = 10.0
_DEPTH_M = 5.0  # what counts as 1


def planes(
    rgb: UInt8[Tensor, "images rows columns 3"], depth: Num[Tensor, "b h w"]
) -> Float32[Tensor, "b 5 h w"]:
    """The input of :class:`~placecell.agent.perception.encoder.RgbdEncoder`.

    Colour in -1..1; depth in units of 5 m, up to 10 m and 0 where there is no return; 1 where there is one.

    Args:
        rgb: (b, h, w, 3) uint8.
        depth: (b, h, w) planar, metres, 0 = no return.

    Raises:
        FrameError: images of different sizes, depth that is not float (millimetres, mostly), NaN, infinite
            or negative.
    """
    if rgb.shape[:3] != depth.shape:
        raise FrameError(
            expected="colour and depth of one size",
            came=f"rgb {_told(rgb.shape[:3])}, depth {_told(depth.shape)}",
            fix="resample them to the depth image's size first",
        )
    _require_metres(depth)
    seen = depth.float()
    out = torch.empty(depth.shape[0], PLANES, *depth.shape[1:], device=depth.device)
    out[:, :3] = rgb.permute(0, 3, 1, 2)
    out[:, :3].mul_(1 / 127.5).sub_(1)
    out[:, 3] = seen.clamp(max=_FURTHEST_M) / _DEPTH_M
    out[:, 4] = seen > 0
    return out


def _require_metres(depth: Tensor) -> None:
    if not depth.is_floating_point():
        raise FrameError(
            expected="depth in metres as float32", came=f"{depth.dtype}", fix="divide millimetres by 1000"
        )
    if not depth.numel():
        raise FrameError(
            expected="images with pixels", came=_told(depth.shape), fix="check the camera's size"
        )
    # NaN is neither: a comparison with it is false.
    if not (float(depth.min()) >= 0 and float(depth.max()) < math.inf):
        raise FrameError(
            expected="depth in metres, finite and not negative, 0 where nothing returned",
            came=f"{int((~torch.isfinite(depth)).sum())} NaN or infinite and "
            f"{int((depth < 0).sum())} negative pixels",
            fix="set invalid pixels to 0 before encoding the image",
        )


def _told(shape: torch.Size) -> str:
    count = "" if shape[0] == 1 else f"{shape[0]} of "
    return f"{count}{shape[2]} x {shape[1]}"
