"""A vision model of the transformers library in the encoder's place."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Num, UInt8
from torch import Tensor, nn
from torch.nn import functional

from placecell.errors import ArchiveError, ConfigError, MissingPartError

from .encoded import Encoded, patch_centres
from .rgbd_planes import planes

_VISION_PART = {"clip": "CLIPVisionModel", "siglip": "SiglipVisionModel"}
_HALVES = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_OPENAI = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
NORMALISATIONS: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    **{"clip": _OPENAI, "clip_vision_model": _OPENAI},
    **{"siglip": _HALVES, "siglip_vision_model": _HALVES},
    **{"dinov2": _IMAGENET, "dinov2_with_registers": _IMAGENET},
}
"""Mean and standard deviation of colours in 0..1 that each family was trained with, by type of model."""


class HuggingFaceEncoder(nn.Module):
    """Patch tokens and pooled vector of CLIP, DINOv2, SigLIP and others with one token a patch.

    The whole image is resized to the model's own size, not cropped, so that its patches share the image out
    equally; their pixel positions are those of the image that was given. Tokens are the last hidden state
    without class and register tokens, which stand before the patches (of CLIP, before its last
    normalisation). Depth is not looked at.

    Args:
        model: a folder that transformers' ``save_pretrained`` wrote, the id of a model of the Hugging Face
            hub, or the built model. Of CLIP and SigLIP only the vision part is read.
        pool: "model" takes the model's own pooled vector, "mean" the mean of the patch tokens.
        mean: of each colour in 0..1; None: the folder's processor's, else its family's in ``NORMALISATIONS``.
        std: likewise.
        local_files_only: take an id's files from the cache only; False lets them be downloaded.

    Raises:
        MissingPartError: transformers is not installed.
        ArchiveError: no such folder, or files that are damaged or lack weights.
        ConfigError: a model without patches of one size, or one whose normalisation is not known.
    """

    def __init__(
        self,
        model: str | Path | nn.Module,
        *,
        pool: str = "model",
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        local_files_only: bool = True,
    ) -> None:
        super().__init__()
        if pool not in ("model", "mean"):
            raise ConfigError(expected="pool of model or mean", came=pool, fix="choose one of these")
        processor: dict[str, Any] = {}
        if not isinstance(model, nn.Module):
            model, processor = _read(str(model), pool, local_files_only)
        self.model, self.pool = model, pool
        config: dict[str, Any] = model.config.to_dict()  # type: ignore[operator,union-attr]
        image, patch = _sides(config, "image_size"), _sides(config, "patch_size")
        self.grid = (image[0] // patch[0], image[1] // patch[1])
        self.looked_at = (self.grid[0] * patch[0], self.grid[1] * patch[1])
        registers = config.get("num_register_tokens") or 0
        # None, the class token, or DeiT's two; anything else stands nobody knows where.
        self._extra = (registers, registers + 1, registers + 2)
        for name, given, index in (("mean", mean, 0), ("std", std, 1)):
            values = given if given is not None else processor.get(f"image_{name}")
            if values is None:
                values = _of_family(config["model_type"])[index]
            self.register_buffer(name, _by_colour(name, values), persistent=False)

    def forward(
        self, x: Float[Tensor, "b planes h w"], positions: Bool[Tensor, "b n"] | None = None
    ) -> Encoded:
        """Encodes a batch.

        Args:
            x: (b, 5, h, w) as :func:`~placecell.agent.perception.rgbd_planes.planes` gives it, of any size.
            positions: None: a model of others cannot be kept from its positions.

        Raises:
            ConfigError: positions, a model without one token a patch, or without a pooled vector.
        """
        if positions is not None:
            raise ConfigError(
                expected="positions=None for a Hugging Face model", came="a mask", fix="use RgbdEncoder"
            )
        size = (x.shape[2], x.shape[3])
        output = self.model(pixel_values=self._prepared(x))
        tokens, pooled = output.last_hidden_state, output.pooler_output
        n = self.grid[0] * self.grid[1]
        if tokens.ndim != 3 or tokens.shape[1] - n not in self._extra:
            raise ConfigError(
                expected=f"a model that gives a token for each of {self.grid[0]} x {self.grid[1]} patches",
                came=f"{type(self.model).__name__} with an output of {tuple(tokens.shape)}",
                fix="use a plain vision transformer: CLIP, DINOv2, SigLIP",
            )
        tokens = tokens[:, tokens.shape[1] - n :].float()
        if self.pool == "mean":
            pooled = tokens.mean(1)
        elif pooled is None:
            raise ConfigError(
                expected="a model with a pooled vector",
                came=f"{type(self.model).__name__} without",
                fix='pass pool="mean"',
            )
        return Encoded(tokens, patch_centres(self.grid, size).to(x.device), self.grid, pooled.float())

    @torch.inference_mode()
    def encode(
        self, rgb: UInt8[np.ndarray, "rows columns 3"], depth: Num[np.ndarray, "h w"]
    ) -> tuple[Float32[np.ndarray, "gh gw d"], Float32[np.ndarray, " d"]]:
        """One image's ``features`` and ``embedding``, as :class:`~placecell.memory.Frame` takes them.

        Args:
            rgb: (h, w, 3) uint8.
            depth: (h, w) planar, metres, 0 = no return; held against rgb and otherwise not used.

        Raises:
            FrameError: as :func:`~placecell.agent.perception.rgbd_planes.planes`.
            ConfigError: as :meth:`forward`.
        """
        images = torch.from_numpy(np.array(rgb)), torch.from_numpy(np.array(depth))
        device = self.get_buffer("mean").device
        return self(planes(*(image[None].to(device) for image in images))).of_frame()

    def _prepared(self, x: Tensor) -> Tensor:
        colours = (x[:, :3] + 1) / 2
        if x.shape[2:] != self.looked_at:
            colours = functional.interpolate(colours, self.looked_at, mode="bilinear", antialias=True)
        colours = (colours - self.get_buffer("mean")) / self.get_buffer("std")
        return colours.to(next(self.model.parameters()).dtype)


def _transformers() -> Any:
    try:
        import transformers
    except ImportError:
        raise MissingPartError(
            expected="transformers, which Hugging Face models are read with",
            came="an environment without it",
            fix="pip install 'placecell[transformers]'",
        ) from None
    return transformers


def _read(name: str, pool: str, local_files_only: bool) -> tuple[nn.Module, dict[str, Any]]:
    """The vision model in evaluation mode, and its image processor's configuration ({}: it has none)."""
    library = _transformers()
    from safetensors import SafetensorError

    where = {"local_files_only": local_files_only}
    try:
        kind = library.AutoConfig.from_pretrained(name, **where).model_type
        factory = getattr(library, _VISION_PART.get(kind, "AutoModel"))
        model, loading = factory.from_pretrained(
            name, use_safetensors=True, output_loading_info=True, **where
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise _bad(name, str(error)) from error
    lacking = [k for k in sorted(loading["missing_keys"]) if pool == "model" or "pooler" not in k]
    if lacking:
        raise _bad(name, f"{len(lacking)} weights are missing, {lacking[0]} for one")
    return model.eval(), _processor(library, name, where)


def _processor(library: Any, name: str, where: dict[str, Any]) -> dict[str, Any]:
    from transformers.utils import cached_file

    told = {"_raise_exceptions_for_missing_entries": False}
    if cached_file(name, "preprocessor_config.json", **where, **told) is None:
        return {}
    return library.ImageProcessingMixin.get_image_processor_dict(name, **where)[0]


def _sides(config: Mapping[str, Any], key: str) -> tuple[int, int]:
    value = config.get(key)
    sides = [value, value] if isinstance(value, int) else value
    if not (isinstance(sides, list | tuple) and len(sides) == 2 and all(isinstance(s, int) for s in sides)):
        raise ConfigError(
            expected=f"a vision model whose configuration has {key}",
            came=f"{config.get('model_type')} with {key}={value}",
            fix="use a plain vision transformer: CLIP, DINOv2, SigLIP",
        )
    return sides[0], sides[1]


def _by_colour(name: str, values: Sequence[float]) -> Float32[Tensor, "1 3 1 1"]:
    if len(values) != 3 or (name == "std" and min(values) <= 0):
        raise ConfigError(
            expected=f"{name} of three colours{', above 0' if name == 'std' else ''}",
            came=f"{list(values)}",
            fix="pass a value in 0..1 for each of red, green and blue",
        )
    return torch.tensor(values, dtype=torch.float32).view(1, 3, 1, 1)


def _of_family(kind: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if kind not in NORMALISATIONS:
        known = ", ".join(NORMALISATIONS)
        raise ConfigError(
            expected=f"mean and std of the colours, known without a processor for {known}",
            came=kind,
            fix="pass mean and std, or keep preprocessor_config.json in the folder",
        )
    return NORMALISATIONS[kind]


def _bad(name: str, came: str) -> ArchiveError:
    return ArchiveError(
        expected=f"a vision model of transformers, in safetensors, at {name}",
        came=came[:300],
        fix="pass the folder that its save_pretrained wrote, whole",
    )
