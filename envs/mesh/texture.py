"""Image files as textures."""

import io
from pathlib import Path

import numpy as np

from placecell.errors import SceneError

from .scene import Texture


def decode_texture(content: bytes, name: str, owner: Path) -> Texture:
    """An encoded image as (h, w, 3) uint8; transparency is dropped, 16 bits become 8.

    Args:
        content: the bytes of a PNG, JPEG, WebP or other file that Pillow reads.
        name: what the scene calls it, for messages.
        owner: the scene's file, for messages.

    Raises:
        SceneError: truncated, or of an unknown format.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.mode.startswith("I"):
                grey = np.rint(np.asarray(image, np.float64) / 257).clip(0, 255).astype(np.uint8)
                return np.repeat(grey[..., None], 3, -1)
            return np.array(image.convert("RGB"))
    except (OSError, SyntaxError) as error:
        reason = "no known format" if isinstance(error, UnidentifiedImageError) else str(error)
        raise SceneError(
            expected=f"texture {name} of {owner} as a whole PNG, JPEG or WebP image",
            came=f"{len(content)} bytes that cannot be decoded ({reason})",
            fix="copy or export the texture again",
        ) from error


def missing_texture(name: str, owner: Path) -> SceneError:
    """The error for a texture that a scene names and that is not there."""
    return SceneError(
        expected=f"texture {name} of {owner}",
        came="no such file",
        fix="copy it to where the scene names it, or remove it from the material",
    )
