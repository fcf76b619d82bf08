"""How a codebook is used: entropies, dead codes, and the frames on which a code fires.

>>> import torch
>>> usage = CodeUsage(codes=4, top_k=1)
>>> usage.add(torch.tensor([[1.0, 0, 0, 0], [0, 1, 0, 0]]))
>>> usage.report().effective_codes, usage.report().dead_by_rank
(2.0, 2)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64, UInt8
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from .codebook_gates import require

Picture = UInt8[np.ndarray, "_ _ 3"]
Images = UInt8[np.ndarray, "n h w 3"]

_PAPER, _INK, _PALE, _BAR = (246, 246, 242), (32, 36, 44), (222, 222, 216), (208, 66, 38)
_LABEL, _LINE, _GAP = 112, 18, 6
_ROUNDING = 1e-9  # of shares: even gates are none below 1 / codes


@dataclass(frozen=True)
class UsageReport:
    """How codes were used on some frames; a frame's gates are taken as shares that sum to one.

    Args:
        frames: how many there were.
        codes: how many there are.
        entropy_nats: of the mean gate: high when different frames use different codes, or all use all.
        effective_codes: exp of it, 1 to ``codes``.
        frame_entropy_nats: mean of the frames' own entropies: low when a frame uses few codes.
        effective_codes_a_frame: exp of it.
        information_nats: ``entropy_nats - frame_entropy_nats``: what gates say about which frame it is.
        top_k, dead_by_rank: codes never among a frame's ``top_k`` largest gates.
        share, dead_by_share: codes with less than this share on every frame.
    """

    frames: int
    codes: int
    entropy_nats: float
    effective_codes: float
    frame_entropy_nats: float
    effective_codes_a_frame: float
    information_nats: float
    top_k: int
    dead_by_rank: int
    share: float
    dead_by_share: int


class CodeUsage:
    """Sums over the gates of frames that are added batch by batch.

    Args:
        codes: how many there are.
        top_k: gates a frame that count as used.
        share: of a frame's gates that counts as used; None: 1 / codes, which even gates would have.
        kept: frames remembered for each code, those with its largest gates.

    Raises:
        ConfigError: a number out of range.
    """

    def __init__(self, codes: int, *, top_k: int = 16, share: float | None = None, kept: int = 8) -> None:
        require(codes >= 1, "usage of 1 code or more", codes, "pass the filter's number of codes")
        require(1 <= top_k <= codes, f"a top_k of 1 to the {codes} codes", top_k, "take a smaller top_k")
        require(kept >= 1, "1 or more kept frames a code", kept, "set kept=8")
        self.codes, self.top_k, self.kept = codes, top_k, kept
        self.share = 1 / codes if share is None else share
        require(0 < self.share <= 1, "a share above 0 and up to 1", share, "leave it out for 1 / codes")
        self.frames = 0
        self._sum = torch.zeros(codes, dtype=torch.float64)
        self._entropy_sum = 0.0
        self._ranked = torch.zeros(codes, dtype=torch.bool)
        self._largest = torch.zeros(codes, dtype=torch.float64)
        self._information_sum = torch.zeros(codes, dtype=torch.float64)
        self._best = torch.zeros(codes, 0, dtype=torch.float64)
        self._best_frames = torch.zeros(codes, 0, dtype=torch.int64)

    def add(self, gates: Float[Tensor, "b c"]) -> None:
        """Take in frames in their order.

        Args:
            gates: (b, codes) of ``Filtered.gates``, those before dropout (of gumbel: asked for without seeds,
                else its noise counts too).

        Raises:
            ConfigError: another number of codes, or gates that are no shares (as those of "no_softmax").
        """
        wide = gates.shape[-1] == self.codes
        require(wide, f"gates (b, {self.codes})", tuple(gates.shape), "pass the same filter's gates")
        gates = gates.detach().to("cpu", torch.float64)
        shares = bool((gates.isfinite() & (gates >= 0)).all()) and bool((gates.sum(-1) > 0).all())
        rule = "finite gates of 0 or more, not all 0 on a frame"
        require(shares, rule, "others", "usage is that of softmax, top_k, gumbel and random")
        shared = gates / gates.sum(-1, keepdim=True)
        entropies = torch.special.entr(shared)
        self._sum += shared.sum(0)
        self._information_sum -= entropies.sum(0)
        self._entropy_sum += float(entropies.sum())
        # Not topk's own codes: of even gates it would call some used and others dead.
        least = shared.topk(self.top_k, dim=-1).values[:, -1:]
        self._ranked |= ((shared >= least) & (shared > 0)).any(0)
        if len(shared):
            self._largest = torch.maximum(self._largest, shared.amax(0))
        self._remember(shared)
        self.frames += len(shared)

    def _remember(self, shared: Float64[Tensor, "b c"]) -> None:
        numbers = torch.arange(self.frames, self.frames + len(shared)).expand(self.codes, -1)
        gates = torch.cat([self._best, shared.T], 1)
        frames = torch.cat([self._best_frames, numbers], 1)
        # Stable: of two frames with the same share the earlier one stands first.
        order = gates.sort(dim=1, descending=True, stable=True).indices[:, : self.kept]
        self._best, self._best_frames = gates.gather(1, order), frames.gather(1, order)

    @property
    def mean(self) -> Float64[Tensor, " c"]:
        """Mean share of each code; raises ConfigError before the first frame."""
        require(self.frames > 0, "frames to report the usage of", 0, "add(gates) first")
        return self._sum / self.frames

    @property
    def dead(self) -> Int64[Tensor, " dead"]:
        """Numbers of the codes that were never among a frame's ``top_k`` largest gates."""
        return (~self._ranked).nonzero()[:, 0]

    @property
    def information_nats(self) -> Float64[Tensor, " c"]:
        """What each code's gate says about which frame it is; in all the report's ``information_nats``."""
        return (self._information_sum / max(1, self.frames) + torch.special.entr(self.mean)).clamp(min=0)

    def report(self) -> UsageReport:
        """The figures; raises ConfigError before the first frame."""
        entropy = float(torch.special.entr(self.mean).sum())
        a_frame = self._entropy_sum / self.frames
        return UsageReport(
            frames=self.frames,
            codes=self.codes,
            entropy_nats=entropy,
            effective_codes=exp(entropy),
            frame_entropy_nats=a_frame,
            effective_codes_a_frame=exp(a_frame),
            information_nats=entropy - a_frame,
            top_k=self.top_k,
            dead_by_rank=len(self.dead),
            share=self.share,
            dead_by_share=int((self._largest < self.share * (1 - _ROUNDING)).sum()),
        )

    def top_frames(self, code: int) -> tuple[tuple[int, float], ...]:
        """(number of the frame, share of the code), the largest first; frames without the code are left out.

        Raises:
            ConfigError: no such code.
        """
        known = 0 <= code < self.codes
        require(known, f"a code of 0 to {self.codes - 1}", code, "number codes from 0")
        pairs = zip(self._best_frames[code].tolist(), self._best[code].tolist())
        return tuple((frame, share) for frame, share in pairs if share > 0)


def draw_usage(
    usage: CodeUsage,
    images: Images,
    *,
    chosen: Sequence[int] | None = None,
    rows: int = 8,
    side: int = 64,
) -> Picture:
    """A row for each of some codes: the frames on which it fires most, its share under each.

    Args:
        usage: of those frames.
        images: (n, h, w, 3) of all frames, in the order in which their gates were added.
        chosen: codes; None: the ``rows`` codes that tell frames apart best (by ``information_nats``).
        rows: codes to draw where none are chosen.
        side: pixels of a frame's picture.

    Returns:
        An image. A bar under a picture is as long as the code's share there, against the largest in its row.

    Raises:
        ConfigError: another number of images than of frames, or no such code.
    """
    same = len(images) == usage.frames
    require(same, f"{usage.frames} images, one for each frame", len(images), "pass those of the added gates")
    require(rows >= 1 and side >= 8, "1 row or more of 8 pixels or more", f"{rows}, {side}", "take more")
    if chosen is None:
        order = usage.information_nats.sort(descending=True, stable=True).indices
        chosen = order[:rows].tolist()
    tall = side + _LINE + _GAP
    width = _LABEL + usage.kept * (side + _GAP)
    page = Image.new("RGB", (width, max(1, len(chosen)) * tall + _GAP), _PAPER)
    for row, code in enumerate(chosen):
        _draw_row(page, row * tall + _GAP, usage, images, code, side)
    return np.asarray(page)


def _draw_row(page: Image.Image, top: int, usage: CodeUsage, images: Images, code: int, side: int) -> None:
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(12)
    shown = usage.top_frames(code)
    mean = float(usage.mean[code])
    draw.text((_GAP, top), f"code {code}", fill=_INK, font=font)
    draw.text((_GAP, top + 16), f"mean {mean:.4f}", fill=_INK, font=font)
    for column, (frame, share) in enumerate(shown):
        left = _LABEL + column * (side + _GAP)
        view = Image.fromarray(images[frame]).resize((side, side), Image.Resampling.BILINEAR)
        page.paste(view, (left, top))
        long = round((side - 1) * share / shown[0][1])
        draw.rectangle([left, top + side + 1, left + side - 1, top + side + 3], fill=_PALE)
        draw.rectangle([left, top + side + 1, left + long, top + side + 3], fill=_BAR)
        draw.text((left, top + side + 4), f"{share:.4f}", fill=_INK, font=font)
