"""Houses as GLB files, with the category of each thing in its node's extras; the same house, the same bytes.

glTF 2.0 without extensions, y up, metres, one node a thing: what any simulator or modelling program loads.
"""

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from placecell.arrays import atomic_write, content_hash
from placecell.errors import SceneError
from placecell.geometry import y_up_from_z_up

from ..scene import Material, Part, Texture
from .house import House

_FLOAT, _UINT, _UBYTE = 5126, 5125, 5121
_VERTICES, _INDICES = 34962, 34963
_MOST_STORED = 65535


def save_house(house: House, path: str | Path) -> None:
    """Writes a house as .glb; :func:`placecell.envs.mesh.loading.load_scene` gives the same images back.

    Args:
        house: what is saved.
        path: ends in .glb; its folder is made if it is not there.

    Raises:
        SceneError: the path ends otherwise.
    """
    path = Path(path)
    if path.suffix.lower() != ".glb":
        raise SceneError(
            expected="a house to be saved as .glb",
            came=str(path),
            fix="give the file a name that ends in .glb",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, glb_bytes(house))


def glb_bytes(house: House) -> bytes:
    """The whole .glb file of a house."""
    return _Writer(house.parts()).file(house.name)


class _Writer:
    """Collects a file's binary chunk, and the header that says what lies where."""

    def __init__(self, parts: tuple[Part, ...]) -> None:
        self._chunk = bytearray()
        self._views: list[dict[str, Any]] = []
        self._accessors: list[dict[str, Any]] = []
        self._images: dict[str, int] = {}
        self._image_views: list[int] = []
        self._materials: dict[Material, int] = {}
        things: dict[tuple[int, str], list[dict[str, Any]]] = {}
        for part in parts:
            things.setdefault((part.instance, part.category), []).append(self._primitive(part))
        self._things = things

    def _view(self, content: bytes, target: int | None) -> int:
        self._chunk.extend(b"\0" * (-len(self._chunk) % 4))
        view = {"buffer": 0, "byteOffset": len(self._chunk), "byteLength": len(content)}
        self._views.append(view | ({} if target is None else {"target": target}))
        self._chunk.extend(content)
        return len(self._views) - 1

    def _accessor(self, array: np.ndarray, kind: int, shape: str, target: int, **more: Any) -> int:
        view = self._view(np.ascontiguousarray(array).tobytes(), target)
        accessor = {"bufferView": view, "componentType": kind, "count": len(array), "type": shape}
        self._accessors.append(accessor | more)
        return len(self._accessors) - 1

    def _primitive(self, part: Part) -> dict[str, Any]:
        position = y_up_from_z_up(part.vertices).astype("<f4")
        low, high = position.min(0).tolist(), position.max(0).tolist()
        attributes = {"POSITION": self._accessor(position, _FLOAT, "VEC3", _VERTICES, min=low, max=high)}
        if part.uv is not None:
            down = np.stack([part.uv[:, 0], 1 - part.uv[:, 1]], -1).astype("<f4")
            attributes["TEXCOORD_0"] = self._accessor(down, _FLOAT, "VEC2", _VERTICES)
        if part.vertex_colors is not None:
            alpha = np.full((len(part.vertices), 1), 255, np.uint8)
            colors = np.concatenate([part.vertex_colors, alpha], -1)
            attributes["COLOR_0"] = self._accessor(colors, _UBYTE, "VEC4", _VERTICES, normalized=True)
        indices = self._accessor(part.faces.astype("<u4").ravel(), _UINT, "SCALAR", _INDICES)
        return {"attributes": attributes, "indices": indices, "material": self._material(part), "mode": 4}

    def _material(self, part: Part) -> int:
        texture = -1
        if part.texture is not None and part.uv is not None:
            texture = self._images.setdefault(content_hash(part.texture), len(self._images))
            if texture == len(self._image_views):
                self._image_views.append(self._view(png_bytes(part.texture), None))
        return self._materials.setdefault(Material(part.color, texture), len(self._materials))

    def file(self, name: str) -> bytes:
        """Header and chunk as a .glb."""
        meshes: list[dict[str, Any]] = []
        nodes: list[dict[str, Any]] = []
        for (instance, category), primitives in self._things.items():
            title = f"{category}_{instance}"
            nodes.append({"name": title, "mesh": len(meshes), "extras": {"category": category}})
            meshes.append({"name": title, "primitives": primitives})
        header: dict[str, Any] = {
            "asset": {"version": "2.0", "generator": "placecell"},
            "scene": 0,
            "scenes": [{"name": name, "nodes": list(range(len(nodes)))}],
            "nodes": nodes,
            "meshes": meshes,
            "materials": [_material(material) for material in self._materials],
            "accessors": self._accessors,
            "bufferViews": self._views,
            "buffers": [{"byteLength": len(self._chunk)}],
        }
        if self._image_views:
            header["images"] = [{"bufferView": view, "mimeType": "image/png"} for view in self._image_views]
            header["textures"] = [{"source": i, "sampler": 0} for i in range(len(self._image_views))]
            header["samplers"] = [{"magFilter": 9729, "minFilter": 9987, "wrapS": 10497, "wrapT": 10497}]
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        chunk = bytes(self._chunk) + b"\0" * (-len(self._chunk) % 4)
        size = 12 + 8 + len(text) + 8 + len(chunk)
        return b"".join(
            (
                *(struct.pack("<4sII", b"glTF", 2, size), struct.pack("<I4s", len(text), b"JSON"), text),
                *(struct.pack("<I4s", len(chunk), b"BIN\0"), chunk),
            )
        )


def _material(material: Material) -> dict[str, Any]:
    look: dict[str, Any] = {
        "baseColorFactor": [*material.color, 1.0],
        "metallicFactor": 0.0,
        "roughnessFactor": 1.0,
    }
    if material.texture >= 0:
        look["baseColorTexture"] = {"index": material.texture}
    return {"pbrMetallicRoughness": look, "doubleSided": True}


def png_bytes(texture: Texture) -> bytes:
    """A texture as a PNG whose pixels are stored, not compressed: its bytes depend on no library's choices.

    Source: PNG specification (second edition), sections 5, 9 and 10; stored blocks: RFC 1951, 3.2.4.
    """
    height, width, _ = texture.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), texture.reshape(height, -1)], -1).tobytes()
    blocks = [rows[i : i + _MOST_STORED] for i in range(0, len(rows), _MOST_STORED)]
    stream = b"\x78\x01"
    for i, block in enumerate(blocks):
        stream += struct.pack("<BHH", i == len(blocks) - 1, len(block), len(block) ^ 0xFFFF) + block
    stream += struct.pack(">I", zlib.adler32(rows))
    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", size) + _chunk(b"IDAT", stream) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
