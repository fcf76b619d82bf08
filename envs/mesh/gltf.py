"""glTF and GLB: nodes, materials, categories, and the files that do not hold together.

trimesh decodes accessors and images; the tree of nodes, texture transforms, normalised integers and the
``extras`` are read from the header here (glTF 2.0 specification, sections 3.5, 3.6, 3.7 and 3.9).
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
from jaxtyping import Float

from placecell.errors import SceneError

from .scene import PLAIN_GREY, Part, Texture
from .texture import decode_texture, missing_texture

Header = dict[str, Any]

_READABLE = {
    *("EXT_texture_webp", "KHR_texture_transform", "KHR_mesh_quantization", "KHR_lights_punctual"),
    *("KHR_materials_unlit", "KHR_materials_pbrSpecularGlossiness", "KHR_materials_emissive_strength"),
    *("KHR_materials_specular", "KHR_materials_ior", "KHR_materials_clearcoat", "KHR_materials_sheen"),
    *("KHR_materials_transmission", "KHR_materials_volume"),
}
_MESH_MODES = (4, 5)  # triangles and strips; trimesh turns 0 and 1 into points and lines
_GEOMETRY_MODES = (0, 1, 4, 5)


@dataclass(frozen=True)
class Node:
    """A node that shows a mesh: where it stands, and whose it is."""

    mesh: int
    T_scene_node: Float[np.ndarray, "4 4"]
    owner: int
    category: str


@dataclass(frozen=True)
class _Look:
    """A material as far as it is read: base colour, image index or -1, and its uv transform."""

    color: tuple[float, float, float]
    image: int
    T_uv: Float[np.ndarray, "3 3"]


def read_parts(path: Path) -> list[Part]:
    """The parts of a .glb or .gltf, still y up.

    A node is an instance; a node whose ``extras`` hold a ``category`` is one together with all below it.

    Raises:
        SceneError: truncated, a missing buffer or texture, an extension that is required and not read.
    """
    import trimesh

    header, chunk = read_header(path)
    _check_extensions(path, header)
    buffers = [_buffer(path, header, index, chunk) for index in range(len(header.get("buffers", [])))]
    loaded = trimesh.load_scene(path, process=False)
    primitives = [
        (mesh_index, mesh, primitive)
        for mesh_index, mesh in enumerate(header.get("meshes", []))
        for primitive in mesh["primitives"]
        if primitive.get("mode", 4) in _GEOMETRY_MODES
    ]
    by_mesh: dict[int, list[tuple[Header, Any]]] = {}
    for (mesh_index, _, primitive), geometry in zip(primitives, loaded.geometry.values(), strict=True):
        if primitive.get("mode", 4) in _MESH_MODES:
            by_mesh.setdefault(mesh_index, []).append((primitive, geometry))
    looks = [_look(path, header, material) for material in header.get("materials", [])]
    textures: dict[int, Texture] = {}
    instances: dict[int, int] = {}
    parts = []
    for node in _nodes(path, header):
        instance = instances.setdefault(node.owner, len(instances) + 1)
        for primitive, geometry in by_mesh.get(node.mesh, []):
            colored = "COLOR_0" in primitive["attributes"]
            look = _Look((1.0, 1.0, 1.0) if colored else PLAIN_GREY, -1, np.eye(3))
            if "material" in primitive:
                look = looks[primitive["material"]]
            if look.image >= 0 and look.image not in textures:
                textures[look.image] = _texture(path, header, look.image, buffers)
            part = _part(header, primitive, geometry, look, textures.get(look.image))
            # Infinite vertices are told of when the scene is put together.
            with np.errstate(invalid="ignore"):
                vertices = part.vertices @ node.T_scene_node[:3, :3].T + node.T_scene_node[:3, 3]
            parts.append(replace(part, vertices=vertices, instance=instance, category=node.category))
    return parts


def read_header(path: Path) -> tuple[Header, bytes]:
    """The JSON header, and the binary chunk of a .glb (empty for .gltf).

    Raises:
        SceneError: the file is shorter than it says, is no glTF, or is glTF 1.
    """
    content = path.read_bytes()
    chunk = b""
    if path.suffix.lower() == ".glb":
        words = np.frombuffer(content[:20].ljust(20, b"\0"), "<u4")
        if content[:4] != b"glTF" or words[1] != 2:
            raise _damaged(path, "a file that does not start with glTF 2")
        announced = max(int(words[2]), 20 + int(words[3]))
        if len(content) < announced:
            raise _damaged(path, f"{len(content)} of the {announced} bytes that it announces")
        content, rest = content[20 : 20 + words[3]], content[20 + words[3] :]
        chunk = rest[8 : 8 + int(np.frombuffer(rest[:4], "<u4")[0])] if len(rest) >= 8 else b""
    try:
        header = json.loads(content)
    except ValueError as error:
        raise _damaged(path, f"a JSON header that breaks off or is damaged ({error})") from error
    version = str(header.get("asset", {}).get("version", "none"))
    if not version.startswith("2"):
        raise _damaged(path, f"glTF version {version}")
    return header, chunk


def _damaged(path: Path, came: str) -> SceneError:
    return SceneError(
        expected=f"a whole glTF 2 file in {path}",
        came=came,
        fix="copy or download it again, or export it anew",
    )


def _check_extensions(path: Path, header: Header) -> None:
    unread = sorted(set(header.get("extensionsRequired", [])) - _READABLE)
    if any("sparse" in accessor for accessor in header.get("accessors", [])):
        unread.append("sparse accessors")
    if unread:
        raise SceneError(
            expected=f"{path} without compression or textures that cannot be read",
            came=", ".join(unread),
            fix="convert it once to plain glTF with PNG or JPEG textures (gltf-transform or Blender do)",
        )


def _buffer(path: Path, header: Header, index: int, chunk: bytes) -> bytes:
    uri = header["buffers"][index].get("uri")
    content = chunk if uri is None else _resolve(path, uri)
    if content is None:
        raise SceneError(
            expected=f"the buffer {uri} beside {path}",
            came="no such file",
            fix="copy it along with the .gltf",
        )
    if len(content) < header["buffers"][index]["byteLength"]:
        came = f"buffer {index} of {len(content)} bytes instead of {header['buffers'][index]['byteLength']}"
        raise _damaged(path, came)
    return content


def _resolve(path: Path, uri: str) -> bytes | None:
    if uri.startswith("data:"):
        return base64.b64decode(uri.partition("base64,")[2])
    file = path.parent / unquote(uri)
    return file.read_bytes() if file.is_file() else None


def _texture(path: Path, header: Header, index: int, buffers: list[bytes]) -> Texture:
    image = header["images"][index]
    uri = image.get("uri")
    if uri is None:
        view = header["bufferViews"][image["bufferView"]]
        start = view.get("byteOffset", 0)
        content = buffers[view["buffer"]][start : start + view["byteLength"]]
        return decode_texture(content, image.get("name") or f"image {index}", path)
    name = f"image {index}" if uri.startswith("data:") else unquote(uri)
    found = _resolve(path, uri)
    if found is None:
        raise missing_texture(name, path)
    return decode_texture(found, name, path)


def _look(path: Path, header: Header, material: Header) -> _Look:
    """Metallic-roughness or specular-glossiness; factors are taken as they are, like the textures."""
    plain = material.get("pbrMetallicRoughness", {})
    color, info = plain.get("baseColorFactor"), plain.get("baseColorTexture")
    glossy = material.get("extensions", {}).get("KHR_materials_pbrSpecularGlossiness")
    if glossy is not None:
        color, info = glossy.get("diffuseFactor"), glossy.get("diffuseTexture")
    r, g, b = (float(value) for value in (color or (1.0, 1.0, 1.0))[:3])
    if info is None:
        return _Look((r, g, b), -1, np.eye(3))
    if info.get("texCoord", 0):
        raise SceneError(
            expected=f"base colours of {path} on the first set of texture coordinates",
            came=f"material {material.get('name', '')!r} on TEXCOORD_{info['texCoord']}",
            fix="make that set the first one when exporting",
        )
    texture = header["textures"][info["index"]]
    extensions = texture.get("extensions", {})
    image = extensions.get("EXT_texture_webp", {}).get("source", texture.get("source"))
    if image is None:
        raise SceneError(
            expected=f"PNG, JPEG or WebP textures in {path}",
            came=f"a texture of {', '.join(extensions) or 'no image'}",
            fix="convert its textures to PNG or JPEG (gltf-transform or Blender do)",
        )
    return _Look((r, g, b), image, _uv_transform(info.get("extensions", {}).get("KHR_texture_transform", {})))


def _uv_transform(transform: Header) -> np.ndarray:
    """KHR_texture_transform as a 3 x 3: translation * rotation * scale, v down as glTF has it."""
    angle = transform.get("rotation", 0.0)
    c, s = np.cos(angle), np.sin(angle)
    T = np.eye(3)
    T[:2, :2] = np.array([[c, s], [-s, c]]) * np.array(transform.get("scale", (1.0, 1.0)))
    T[:2, 2] = transform.get("offset", (0.0, 0.0))
    return T


def _part(header: Header, primitive: Header, geometry: Any, look: _Look, texture: Texture | None) -> Part:
    attributes = primitive["attributes"]
    scale = _normalised(header, attributes["POSITION"])
    uv = colors = None
    textured = "material" in primitive
    if textured and "TEXCOORD_0" in attributes and texture is not None:
        # trimesh has turned v upwards; the transform is meant for v downwards.
        u, v = geometry.visual.uv[:, 0], 1 - np.asarray(geometry.visual.uv[:, 1], np.float64)
        unit = _normalised(header, attributes["TEXCOORD_0"])
        if unit != 1:  # it has done so in unsigned integers, which wrap
            v = v % (1 / unit + 1)
        down = np.stack([u, v], -1) * unit
        down = down @ look.T_uv[:2, :2].T + look.T_uv[:2, 2]
        uv = np.stack([down[:, 0], 1 - down[:, 1]], -1)
    if "COLOR_0" in attributes:
        kept = geometry.visual.vertex_attributes["color"] if textured else geometry.visual.vertex_colors
        colors = bytes_of_color(np.asarray(kept))
    vertices = np.asarray(geometry.vertices, np.float64) * scale
    return Part(vertices, np.asarray(geometry.faces), look.color, texture, uv, colors)


def bytes_of_color(colors: np.ndarray) -> np.ndarray:
    """(n, 3 or 4) colours of glTF's three types (floats 0..1, uint8, uint16) as (n, 3) uint8."""
    full = 1.0 if colors.dtype.kind == "f" else float(np.iinfo(colors.dtype).max)
    return np.rint(colors[:, :3] * (255 / full)).clip(0, 255).astype(np.uint8)


def _normalised(header: Header, accessor: int) -> float:
    """What an accessor's integers have to be multiplied with (1 for floats and plain integers)."""
    if not header["accessors"][accessor].get("normalized"):
        return 1.0
    top = {5120: 127, 5121: 255, 5122: 32767, 5123: 65535}[header["accessors"][accessor]["componentType"]]
    return 1 / top


def _nodes(path: Path, header: Header) -> Iterator[Node]:
    """Nodes with a mesh, depth first in the file's order; all roots where no scene is named."""
    nodes = header.get("nodes", [])
    children = {child for node in nodes for child in node.get("children", [])}
    roots = [index for index in range(len(nodes)) if index not in children]
    if header.get("scenes"):
        roots = header["scenes"][header.get("scene", 0)].get("nodes", [])
    stack = [(root, np.eye(4), -1, "") for root in reversed(roots)]
    visits = 0
    while stack:
        index, T_scene_parent, owner, category = stack.pop()
        visits += 1
        if visits > len(nodes):
            raise _damaged(path, "nodes that are their own descendants")
        node = nodes[index]
        T_scene_node = T_scene_parent @ _local(node)
        meshes = [header["meshes"][node["mesh"]]] if "mesh" in node else []
        named = [_category(part) for part in (node, *meshes)]
        if owner < 0 and any(named):
            owner, category = index, next(filter(None, named))
        if meshes:
            yield Node(node["mesh"], T_scene_node, index if owner < 0 else owner, category)
        stack += [(child, T_scene_node, owner, category) for child in reversed(node.get("children", []))]


def _category(thing: Header) -> str:
    extras = thing.get("extras")
    return str(extras.get("category") or "") if isinstance(extras, dict) else ""


def _local(node: Header) -> np.ndarray:
    """A node's own transform: its matrix (column major), or translation * rotation * scale."""
    if "matrix" in node:
        return np.array(node["matrix"], np.float64).reshape(4, 4).T
    x, y, z, w = node.get("rotation", (0.0, 0.0, 0.0, 1.0))
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    T = np.eye(4)
    T[:3, :3] = rotation * np.array(node.get("scale", (1.0, 1.0, 1.0)))
    T[:3, 3] = node.get("translation", (0.0, 0.0, 0.0))
    return T
