"""A hierarchical RGB-D encoder whose attention is a choice of the configuration."""

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from huggingface_hub import PyTorchModelHubMixin
from jaxtyping import Bool, Float, Float32, Int64, Num, UInt8
from torch import Tensor, nn

from placecell.errors import ConfigError, FrameError

from ..attention.layer import attention_layer
from .encoded import Encoded, patch_centres
from .encoder_blocks import Block, Fusion, Merge, Stem
from .encoder_checkpoint import fetched, load_weights, read_config, save_weights
from .encoder_shape import SIZES, per_stage, require_numbers
from .rgbd_planes import planes

_CARD = "---\n{{ card_data }}\n---\n\nRead it with `RgbdEncoder.from_pretrained(folder)` of placecell.\n"


class RgbdEncoder(
    nn.Module,
    PyTorchModelHubMixin,
    library_name="placecell",
    tags=["rgbd", "image-feature-extraction"],
    model_card_template=_CARD,
):
    """Patches, then stages of attention blocks, each on half the grid of the one before.

    Patches of ``patch`` x ``patch`` pixels become tokens, to which learned absolute positions are added;
    after each stage 2 x 2 tokens become one. The tokens returned stand on the finest grid and hold every
    stage: of 128 x 128 pixels in patches of 8 there are 16 x 16, from stages of 16 x 16, 8 x 8 and 4 x 4.

    Outside its attention the network has no convolution that looks past a border, so that a token without its
    position doesn't tell where it lies. BiFormer and InLine attention have one, zero-padded, as published.

    Every argument is a JSON value and is saved with the weights.

    Args:
        attention: one of ``placecell.agent.attention.layer.ATTENTIONS``, of the stages before ``full_from``.
        attention_options: for it, as ``attention_layer`` names them; None: its defaults, or those of
            ``OWN_OPTIONS``.
        stage_options: one dict of options a stage, laid over ``attention_options``; None: all stages alike.
        full_from: the first stage, from 0, that has full attention whatever ``attention`` is, as its map is
            too small for windows (so do LITv2 and BiFormer with their last); None: no stage.
        widths: of a token, by stage.
        depths: blocks, by stage.
        heads: of the attention, by stage.
        width: of the tokens returned and of the pooled vector.
        size: height and width of the images, pixels; multiples of patch * 2 ** (stages - 1).
        patch: side of a patch, pixels, even.
        expansion: of the blocks' MLPs, in widths.
        backend: of ``placecell.agent.attention.attend``.

    Raises:
        ConfigError: numbers that don't go together, an unknown attention or option, or one that doesn't fit a
            stage's map.
    """

    def __init__(
        self,
        attention: str = "full",
        attention_options: dict[str, Any] | None = None,
        stage_options: Sequence[dict[str, Any]] | None = None,
        full_from: int | None = 2,
        widths: Sequence[int] = (48, 80, 160),
        depths: Sequence[int] = (2, 2, 2),
        heads: Sequence[int] = (2, 4, 4),
        width: int = 128,
        size: Sequence[int] = (128, 128),
        patch: int = 8,
        expansion: int = 4,
        backend: str = "auto",
    ) -> None:
        super().__init__()
        self.size = require_numbers(widths, depths, heads, width, size, patch, expansion)
        options_of = per_stage(attention, attention_options, stage_options, full_from, len(widths))
        self.attention, self.width = attention, width
        self.grid = (self.size[0] // patch, self.size[1] // patch)
        self.stem = Stem(widths[0], patch)
        self.position = nn.Parameter(torch.empty(self.grid[0] * self.grid[1], widths[0]))
        self.unplaced = nn.Parameter(torch.zeros(widths[0]))
        nn.init.trunc_normal_(self.position, std=0.02)
        self.stages, self.merges = nn.ModuleList(), nn.ModuleList()
        for number, (name, options) in enumerate(options_of):
            if number:
                self.merges.append(Merge(widths[number - 1], widths[number]))
            shape = widths[number], heads[number]
            self.stages.append(
                nn.Sequential(
                    *(
                        Block(
                            attention_layer(name, *shape, layer=layer, backend=backend, **options),
                            shape[0],
                            expansion,
                        )
                        for layer in range(depths[number])
                    )
                )
            )
            self._require_fit(number, name)
        self.fusion = Fusion(widths, width)
        self.norm, self.pooled_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.register_buffer("pixels", patch_centres(self.grid, self.size), persistent=False)

    @classmethod
    def of_size(cls, size_name: str, attention: str = "full", **options: Any) -> "RgbdEncoder":
        """An encoder of about so many parameters: "0.3M", "1M", "5M" or "30M".

        Args:
            size_name: one of ``SIZES``.
            attention: as for the class.
            options: the class's other arguments.

        Raises:
            ConfigError: an unknown name, or as the class.
        """
        if size_name not in SIZES:
            raise ConfigError(
                expected=f"an encoder's size: {', '.join(SIZES)}", came=size_name, fix="choose one of these"
            )
        return cls(**{"attention": attention, **SIZES[size_name], **options})

    def forward(
        self,
        x: Float[Tensor, "b planes h w"],
        positions: Bool[Tensor, "b n"] | Int64[Tensor, "b n"] | None = None,
    ) -> Encoded:
        """Encodes a batch.

        Args:
            x: (b, 5, h, w) as :func:`~placecell.agent.perception.rgbd_planes.planes` gives it, of ``size``.
            positions: (b, n) whether each patch is told its position; where not, it gets one learned vector
                instead. Or the number of the position that each is told, -1 for that vector. None: all are
                told their own.

        Raises:
            FrameError: images of another size.
            ConfigError: positions for another number of patches or images.
        """
        self._require_size(x.shape[2], x.shape[3])
        told: Tensor = self.position
        if positions is not None:
            if positions.shape != (x.shape[0], len(told)):
                raise ConfigError(
                    expected=f"positions for {x.shape[0]} images of {len(told)} patches",
                    came=f"{tuple(positions.shape)}",
                    fix="pass a bool or a number for each patch of each image, in raster order",
                )
            if positions.dtype == torch.bool:
                positions = torch.where(positions, torch.arange(len(told), device=positions.device), -1)
            told = torch.where((positions >= 0)[..., None], told[positions.clamp(min=0)], self.unplaced)
        y = self.stem(x) + told.unflatten(-2, self.grid)
        maps = []
        for number, stage in enumerate(self.stages):
            y = stage(self.merges[number - 1](y) if number else y)
            maps.append(y)
        fused = self.fusion(maps).flatten(1, 2)
        return Encoded(
            self.norm(fused), self.get_buffer("pixels"), self.grid, self.pooled_norm(fused.mean(1))
        )

    @torch.inference_mode()
    def encode(
        self, rgb: UInt8[np.ndarray, "rows columns 3"], depth: Num[np.ndarray, "h w"]
    ) -> tuple[Float32[np.ndarray, "gh gw d"], Float32[np.ndarray, " d"]]:
        """One image's ``features`` and ``embedding``, as :class:`~placecell.memory.Frame` takes them.

        Args:
            rgb: (h, w, 3) uint8.
            depth: (h, w) planar, metres, 0 = no return.

        Raises:
            FrameError: images of another size than ``size``, or as
                :func:`~placecell.agent.perception.rgbd_planes.planes`.
        """
        images = torch.from_numpy(np.array(rgb)), torch.from_numpy(np.array(depth))
        return self(planes(*(image[None].to(self.position.device) for image in images))).of_frame()

    def parameters_count(self) -> int:
        """How many numbers are learned."""
        return sum(parameter.numel() for parameter in self.parameters())

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | Path,
        *,
        local_files_only: bool = True,
        revision: str | None = None,
        **options: Any,
    ) -> "RgbdEncoder":
        """Reads what ``save_pretrained`` wrote, in evaluation mode.

        Args:
            pretrained_model_name_or_path: the folder, or the id of a model of the Hugging Face hub.
            local_files_only: take an id's files from the cache only; False lets them be downloaded.
            revision: of an id.
            options: arguments of the class that the checkpoint must have; ``backend`` may differ.

        Raises:
            ArchiveError: no such folder, a damaged file, another kind of model, or an encoder of another
                architecture.
        """
        folder = fetched(pretrained_model_name_or_path, local_files_only, revision)
        read_config(folder, cls._arguments(), options)
        return super().from_pretrained(folder, local_files_only=True, **options)

    @classmethod
    def _from_pretrained(cls, *, model_id: str, map_location: str = "cpu", **config: Any) -> "RgbdEncoder":
        arguments = {k: v for k, v in config.items() if k in cls._arguments()}
        return load_weights(lambda: cls(**arguments), Path(model_id)).to(map_location).eval()

    @classmethod
    def _arguments(cls) -> set[str]:
        return {*inspect.signature(cls.__init__).parameters} - {"self"}

    def _save_pretrained(self, save_directory: Path) -> None:
        save_weights(self, save_directory)

    def _require_size(self, height: int, width: int) -> None:
        if (height, width) != self.size:
            raise FrameError(
                expected=f"images of {self.size[1]} x {self.size[0]} pixels",
                came=f"{width} x {height}",
                fix="resample them, or build the encoder with size=(height, width)",
            )

    @torch.no_grad()
    def _require_fit(self, number: int, name: str) -> None:
        """Runs the stage's attention once, so that what doesn't fit is told here and not in an episode."""
        gh, gw = (side >> number for side in self.grid)
        for block in self.stages[number].children():
            assert isinstance(block, Block)
            norm = block.before_attention
            try:
                block.attention(torch.zeros(1, gh, gw, *norm.normalized_shape, device=norm.weight.device))
            except ConfigError as error:
                raise ConfigError(
                    expected=f"attention={name} to fit stage {number}, whose map has {gh} x {gw} tokens: "
                    f"{error.expected}",
                    came=error.came,
                    fix=f"set attention_options or stage_options, or full_from={number}",
                ) from error
