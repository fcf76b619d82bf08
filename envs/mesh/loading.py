"""Scenes from files: GLB, glTF, OBJ and PLY, turned z up."""

import io
import logging
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from placecell.errors import PlacecellError, SceneError
from placecell.geometry import z_up_from_y_up

from . import gltf
from .scene import PLAIN_GREY, Part, Scene, Texture, assemble
from .texture import decode_texture, missing_texture

KNOWN = (".glb", ".gltf", ".obj", ".ply")
Up = str  # "auto", "y" or "z"; a config may hold another, and is told so in one line

_log = logging.getLogger(__name__)
_MATERIALS = "materials.mtl"
_TEXTURE_LINE = re.compile(r"^[ \t]*map_kd[ \t]+(.*)$", re.IGNORECASE)
# Options before a texture's name: -o, -s and -t take up to three numbers, -mm two, the others one word.
_TEXTURE_OPTIONS = re.compile(
    r"^(?:-[ost](?:[ \t]+-?[\d.]+(?:e-?\d+)?){1,3}[ \t]+|-mm[ \t]+\S+[ \t]+\S+[ \t]+|-[a-z]+[ \t]+\S+[ \t]+)+"
)


def require_up(up: Up) -> None:
    """Raises :class:`SceneError` for an up axis that no file has."""
    if up not in ("auto", "y", "z"):
        raise SceneError(expected="up to be auto, y or z", came=repr(up), fix="name the file's up axis")


def load_scene(path: str | Path, up: Up = "auto") -> Scene:
    """A scene from a .glb, .gltf, .obj or .ply file.

    Instances are glTF nodes and OBJ objects (``o``), numbered from 1 in the file's order; categories come
    from ``extras: {"category": "chair"}`` of glTF nodes and meshes.

    Args:
        path: the file; textures are looked for where it names them.
        up: the file's up axis. ``"auto"``: y for glTF (its standard) and OBJ, z for PLY. A y-up
            (x, y, z) becomes (x, -z, y).

    Raises:
        SceneError: no such file, an unknown kind of file, a truncated one, NaN vertices, no faces, a
            missing texture.
    """
    path = Path(path)
    kind = path.suffix.lower()
    require_up(up)
    if kind not in KNOWN:
        fix = f"convert it to one of {', '.join(KNOWN)}"
        raise SceneError(expected=f"a scene that ends in one of {', '.join(KNOWN)}", came=str(path), fix=fix)
    if not path.is_file():
        came = "a folder" if path.is_dir() else "no such file"
        raise SceneError(expected=f"a scene file at {path}", came=came, fix="check the path")
    readers = {".glb": gltf.read_parts, ".gltf": gltf.read_parts, ".obj": _read_obj, ".ply": _read_ply}
    try:
        parts = readers[kind](path)
    except PlacecellError:
        raise
    except Exception as error:  # whatever a parser trips over is a file that cannot be read
        raise _damaged(path, f"breaks off or is damaged ({type(error).__name__}: {error})") from error
    if up == "y" or (up == "auto" and kind != ".ply"):
        parts = [replace(part, vertices=z_up_from_y_up(part.vertices)) for part in parts]
    # The name alone: the same file gives the same episodes wherever it lies.
    return assemble(path.name, parts)


def _damaged(path: Path, how: str) -> SceneError:
    fix = "copy or download it again, or export it anew"
    expected = f"a whole {path.suffix.lower()} file in {path}"
    return SceneError(expected=expected, came=f"one that {how}", fix=fix)


def _read_obj(path: Path) -> list[Part]:
    """The parts of a Wavefront OBJ; faces outside any object belong to instance 0."""
    import trimesh

    text = path.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n")
    _check_last_line(path, text)
    materials = _obj_materials(path, text)
    images = _obj_textures(path, materials, text)
    text = re.sub(r"^mtllib[ \t].*$", "", text, flags=re.MULTILINE)
    # Objects are numbered before trimesh sees them: it joins their names with those of the materials.
    names = re.findall(r"^o[ \t]+(.*)$", text, re.MULTILINE)
    numbers = iter(range(1, len(names) + 1))
    text = re.sub(r"^o[ \t]+.*$", lambda _: f"o {next(numbers)}", text, flags=re.MULTILINE)
    loaded = trimesh.load_scene(
        io.BytesIO(f"mtllib {_MATERIALS}\no 0\n{text}".encode()),
        file_type="obj",
        resolver={_MATERIALS: materials.encode(), **{n: (path.parent / n).read_bytes() for n in images}},
        split_objects=True,
        process=False,
    )
    meshes = {name: mesh for name, mesh in loaded.geometry.items() if isinstance(mesh, trimesh.Trimesh)}
    owners = {name: int(name.split("_")[0]) for name in meshes}
    names_in_order = sorted(meshes, key=lambda name: owners[name])
    return [replace(_part_of_mesh(meshes[name], images), instance=owners[name]) for name in names_in_order]


def _check_last_line(path: Path, text: str) -> None:
    last = text.rstrip().rsplit("\n", 1)[-1].split()
    if last and last[0] == "f" and len(last) < 4:
        raise _damaged(path, f"breaks off in {' '.join(last)!r}")


def _obj_materials(path: Path, text: str) -> str:
    """The material libraries of an OBJ as one, its texture names without options and with plain slashes."""
    lines: list[str] = []
    for named in re.findall(r"^mtllib[ \t]+(.+?)[ \t]*$", text, re.MULTILINE):
        # A line may name several libraries, or one with spaces in its name.
        for name in [named] if (path.parent / named).is_file() else named.split():
            file = path.parent / name.replace("\\", "/")
            if file.is_file():
                lines += file.read_text("utf-8", "replace").splitlines()
            else:
                # Navigation meshes name libraries that nobody ships: colours are missing then, not shape.
                _log.warning("%s names the material library %s, which is not there: plain grey", path, name)
    return "\n".join(_TEXTURE_LINE.sub(_plain_texture_line, line) for line in lines)


def _plain_texture_line(line: re.Match[str]) -> str:
    return f"map_Kd {_TEXTURE_OPTIONS.sub('', line[1]).strip().replace(chr(92), '/')}"


def _obj_textures(path: Path, materials: str, text: str) -> dict[str, Texture]:
    """Textures of the materials in use, by the name that :func:`_obj_materials` has for them."""
    used = {name.strip() for name in re.findall(r"^usemtl[ \t]+(.*)$", text, re.MULTILINE)}
    textures: dict[str, Texture] = {}
    material = ""
    for line in materials.splitlines():
        key, _, value = line.strip().partition(" ")
        if key.lower() == "newmtl":
            material = value.strip()
        elif key.lower() == "map_kd" and material in used and value not in textures:
            image = path.parent / value
            if not image.is_file():
                raise missing_texture(value, path)
            textures[value] = decode_texture(image.read_bytes(), value, path)
    return textures


def _read_ply(path: Path) -> list[Part]:
    import trimesh

    with path.open("rb") as file:
        header = file.read(1 << 16).partition(b"end_header")[0].decode("ascii", "replace")
    images = {}
    named = re.search(r"^comment TextureFile[ \t]+(.+?)[ \t\r]*$", header, re.MULTILINE)
    if named is not None:
        image = path.parent / named[1]
        if not image.is_file():
            raise missing_texture(named[1], path)
        images[""] = decode_texture(image.read_bytes(), named[1], path)
    meshes = list(trimesh.load_scene(path, process=False).geometry.values())
    parts = [_part_of_mesh(mesh, images) for mesh in meshes if isinstance(mesh, trimesh.Trimesh)]
    announced = re.search(r"^element face[ \t]+(\d+)", header, re.MULTILINE)
    came, expected = sum(len(part.faces) for part in parts), int(announced[1]) if announced else 0
    if came < expected:  # trimesh takes what is there of an ASCII file
        raise _damaged(path, f"breaks off after {came} of the {expected} faces that it announces")
    return parts


def _part_of_mesh(mesh: Any, images: dict[str, Texture]) -> Part:
    """A trimesh of one simple material. ``images``: decoded textures by the name that it has for them."""
    from trimesh.visual.texture import TextureVisuals

    vertices, faces = np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces)
    if isinstance(mesh.visual, TextureVisuals):
        material: Any = mesh.visual.material
        name = "" if material.image is None else str(material.image.info.get("file_path", ""))
        texture = images.get(name)
        uv = None if mesh.visual.uv is None else np.asarray(mesh.visual.uv, np.float64)
        if texture is not None and uv is not None:
            # A diffuse colour beside a texture is most often a leftover of the exporter: viewers ignore it.
            return Part(vertices, faces, (1.0, 1.0, 1.0), texture, uv)
        color = tuple(float(value) / 255 for value in material.diffuse[:3])
        r, g, b = color if "kd" in material.kwargs else PLAIN_GREY
        return Part(vertices, faces, (r, g, b))
    visual: Any = mesh.visual
    if visual.kind == "face":
        colors = np.repeat(np.asarray(visual.face_colors)[:, :3], 3, 0).astype(np.uint8)
        corners = np.arange(3 * len(faces)).reshape(-1, 3)
        return Part(vertices[faces].reshape(-1, 3), corners, (1.0, 1.0, 1.0), vertex_colors=colors)
    if visual.kind == "vertex":
        colors = np.asarray(visual.vertex_colors)[:, :3].astype(np.uint8)
        return Part(vertices, faces, (1.0, 1.0, 1.0), vertex_colors=colors)
    return Part(vertices, faces)
