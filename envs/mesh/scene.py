"""What a scene is: triangles in the world frame, what colours them, and what they belong to."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Float, Float32, Int, Int32, UInt8

from placecell.arrays import content_hash
from placecell.errors import SceneError

# Any size: the textures of one scene differ in theirs.
Texture = UInt8[np.ndarray, "_ _ 3"]
PLAIN_GREY = (0.75, 0.75, 0.75)


@dataclass(frozen=True)
class Material:
    """Base colour (r, g, b in 0..1), and the index of a texture of the scene that it multiplies (-1 none)."""

    color: tuple[float, float, float] = PLAIN_GREY
    texture: int = -1


@dataclass(frozen=True)
class Part:
    """A piece of a scene while it is put together: one material, one instance, one category.

    Args:
        vertices: (n, 3) world frame, z up, metres.
        faces: (m, 3) indices into ``vertices``.
        color: base colour, 0..1.
        texture: (th, tw, 3) uint8, row 0 at the top, or None.
        uv: (n, 2), origin at the texture's lower left corner, repeating outside 0..1.
        vertex_colors: (n, 3) uint8, multiplied in, or None for white.
        instance: 1.. for a thing that is told apart, 0 for none.
        category: its name, "" for none.
    """

    vertices: Float[np.ndarray, "n 3"]
    faces: Int[np.ndarray, "m 3"]
    color: tuple[float, float, float] = PLAIN_GREY
    texture: Texture | None = None
    uv: Float[np.ndarray, "n 2"] | None = None
    vertex_colors: UInt8[np.ndarray, "n 3"] | None = None
    instance: int = 0
    category: str = ""


@dataclass(frozen=True, eq=False)
class Scene:
    """Triangles, their looks and their owners. World frame: z up, metres.

    Args:
        name: what messages call it (the file, or the generator and its seed).
        vertices: (n, 3) float32.
        faces: (m, 3) int32.
        uv: (n, 2) float32, origin at the texture's lower left corner, repeating.
        vertex_colors: (n, 3) uint8, multiplied into the material (255 where the file has none).
        face_material: (m,) int32, index into ``materials``.
        instance_id: (m,) int32, 1.. per object, 0 none.
        category_id: (m,) int32, index into ``categories``, 0 none.
        materials: base colours and textures.
        textures: (th, tw, 3) uint8 each, row 0 at the top.
        categories: names by id; the name of id 0 is "".

    Raises:
        SceneError: no faces, NaN or infinite vertices, faces that point past the vertices.
    """

    name: str
    vertices: Float32[np.ndarray, "n 3"]
    faces: Int32[np.ndarray, "m 3"]
    uv: Float32[np.ndarray, "n 2"]
    vertex_colors: UInt8[np.ndarray, "n 3"]
    face_material: Int32[np.ndarray, " m"]
    instance_id: Int32[np.ndarray, " m"]
    category_id: Int32[np.ndarray, " m"]
    materials: tuple[Material, ...] = (Material(),)
    textures: tuple[Texture, ...] = field(default=(), repr=False)
    categories: tuple[str, ...] = ("",)

    def __post_init__(self) -> None:
        if not len(self.faces):
            raise SceneError(
                expected=f"a mesh with triangles in {self.name}",
                came="no faces" + (f" and {len(self.vertices)} points" if len(self.vertices) else ""),
                fix="export a triangle mesh; a point cloud has to be meshed first",
            )
        bad = int((~np.isfinite(self.vertices).all(-1)).sum())
        if bad:
            raise SceneError(
                expected=f"finite vertices in {self.name}",
                came=f"{bad} of {len(self.vertices)} with NaN or infinite coordinates",
                fix="repair or remove them in a mesh editor and export again",
            )
        if int(self.faces.min()) < 0 or int(self.faces.max()) >= len(self.vertices):
            raise SceneError(
                expected=f"faces of {self.name} that use its {len(self.vertices)} vertices",
                came=f"vertex indices from {int(self.faces.min())} to {int(self.faces.max())}",
                fix="export the mesh again; the file is damaged or truncated",
            )

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 (hex) of everything but the name: the same content has the same hash from any file."""
        arrays = (self.vertices, self.faces, self.uv, self.vertex_colors, self.face_material)
        ids = (self.instance_id, self.category_id, self.categories, self.materials)
        return content_hash(*arrays, *ids, *self.textures)

    @property
    def bounds(self) -> Float32[np.ndarray, "2 3"]:
        """Lowest and highest corner, metres."""
        return np.stack([self.vertices.min(0), self.vertices.max(0)])


def assemble(name: str, parts: Sequence[Part]) -> Scene:
    """One scene of many parts; equal textures and materials are kept once, categories in sorted order.

    Raises:
        SceneError: as :class:`Scene`.
    """
    textures: dict[str, int] = {}
    images: list[np.ndarray] = []
    materials: dict[Material, int] = {}
    categories = ("", *sorted({part.category for part in parts} - {""}))
    columns: dict[str, list[np.ndarray]] = {key: [] for key in ("v", "f", "uv", "rgb", "mat", "inst", "cat")}
    offset = 0
    for part in parts:
        texture = -1
        if part.texture is not None and part.uv is not None:
            texture = textures.setdefault(content_hash(part.texture), len(textures))
            if texture == len(images):
                images.append(np.ascontiguousarray(part.texture))
        material = materials.setdefault(Material(part.color, texture), len(materials))
        n, m = len(part.vertices), len(part.faces)
        columns["v"].append(part.vertices)
        columns["f"].append(part.faces + offset)
        columns["uv"].append(np.zeros((n, 2)) if part.uv is None else part.uv)
        white = np.full((n, 3), 255, np.uint8)
        columns["rgb"].append(white if part.vertex_colors is None else part.vertex_colors)
        ids = (material, part.instance, categories.index(part.category))
        for key, value in zip(("mat", "inst", "cat"), ids, strict=True):
            columns[key].append(np.full(m, value, np.int32))
        offset += n
    return Scene(
        name=name,
        vertices=_stack(columns["v"], np.float32, (0, 3)),
        faces=_stack(columns["f"], np.int32, (0, 3)),
        uv=_stack(columns["uv"], np.float32, (0, 2)),
        vertex_colors=_stack(columns["rgb"], np.uint8, (0, 3)),
        face_material=_stack(columns["mat"], np.int32, (0,)),
        instance_id=_stack(columns["inst"], np.int32, (0,)),
        category_id=_stack(columns["cat"], np.int32, (0,)),
        materials=tuple(materials),
        textures=tuple(images),
        categories=categories,
    )


def _stack(pieces: list[np.ndarray], dtype: type, empty: tuple[int, ...]) -> np.ndarray:
    if not pieces:
        return np.zeros(empty, dtype)
    return np.ascontiguousarray(np.concatenate(pieces).astype(dtype))
