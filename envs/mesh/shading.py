"""Colours of what the rays hit: textures, vertex colours and a fixed light, packed one cache line a face."""

from typing import no_type_check

import numpy as np
from jaxtyping import Float32, UInt32
from numba import njit

from .embree import DIRECTION, GEOMETRY, HIT_U, HIT_V, NORMAL, PRIMITIVE, TFAR
from .scene import Scene

# Columns of a packed face (16 values of 4 bytes: floats and ints share the row).
TEXEL, TEXTURE, TEXTURE_WIDTH, TEXTURE_HEIGHT = 0, 6, 7, 8  # corners' (x, y) in texels; height 0: untextured
LIGHT_FRONT, LIGHT_BACK, CORNER_RGB, INSTANCE_ID, CATEGORY_ID = 9, 10, 11, 14, 15

# Fixed in the world, so that a surface has one colour from wherever it is seen; the four walls of a room,
# its floor and its ceiling all differ.
_AMBIENT, _FROM_ABOVE, _KEY = 0.45, 0.25, 0.30
_KEY_DIRECTION = np.array([0.75, -0.35, 0.56]) / np.linalg.norm([0.75, -0.35, 0.56])


def light(normals: Float32[np.ndarray, "m 3"]) -> Float32[np.ndarray, " m"]:
    """How bright a surface is, 0..1, by its unit normal towards the viewer.

    Ambient, a hemisphere (brighter when it faces up) and a wrapped key light from the south-east above.
    """
    above = 0.5 + 0.5 * normals[:, 2]
    key = 0.5 + 0.5 * (normals @ _KEY_DIRECTION)
    return (_AMBIENT + _FROM_ABOVE * above + _KEY * key).astype(np.float32)


def pack_faces(scene: Scene) -> Float32[np.ndarray, "m 16"]:
    """What the kernel needs to know of each face, one 64-byte row each, aligned to 64 bytes."""
    m = len(scene.faces)
    block = np.zeros((m + 1) * 16, np.float32)
    skip = (-block.ctypes.data % 64) // 4
    packed = block[skip : skip + m * 16].reshape(m, 16)
    ints = packed.view(np.uint32)

    sizes = np.array([texture.shape[:2] for texture in scene.textures] + [(0, 0)], np.int64)
    starts = np.concatenate([[0], np.cumsum(sizes[:-1].prod(-1)), [0]])[: len(sizes)]
    texture = np.array([material.texture for material in scene.materials])[scene.face_material]
    height, width = sizes[texture].T
    corners = scene.uv[scene.faces].astype(np.float64)
    packed[:, 0:6:2] = corners[..., 0] * width[:, None] - 0.5
    packed[:, 1:6:2] = (1 - corners[..., 1]) * height[:, None] - 0.5
    ints[:, TEXTURE], ints[:, TEXTURE_WIDTH], ints[:, TEXTURE_HEIGHT] = starts[texture], width, height

    a, b, c = np.moveaxis(scene.vertices[scene.faces], 1, 0)
    normals = np.cross(b - a, c - a)
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    normals = np.divide(normals, length, out=np.zeros_like(normals), where=length > 0)
    packed[:, LIGHT_FRONT], packed[:, LIGHT_BACK] = light(normals), light(-normals)

    base = np.array([material.color for material in scene.materials])[scene.face_material]
    rgb = np.rint(scene.vertex_colors[scene.faces] * base[:, None, :]).clip(0, 255).astype(np.uint32)
    ints[:, CORNER_RGB : CORNER_RGB + 3] = rgb[..., 0] | rgb[..., 1] << 8 | rgb[..., 2] << 16
    ints[:, INSTANCE_ID], ints[:, CATEGORY_ID] = scene.instance_id, scene.category_id
    return packed


def pack_textures(scene: Scene) -> UInt32[np.ndarray, " n"]:
    """All textures behind each other, one uint32 a texel: red in the lowest byte, then green and blue."""
    flat = [texture.reshape(-1, 3).astype(np.uint32) for texture in scene.textures]
    texels = [rgb[:, 0] | rgb[:, 1] << 8 | rgb[:, 2] << 16 for rgb in flat]
    return np.concatenate([*texels, np.zeros(1, np.uint32)])


@njit(cache=True, error_model="numpy", fastmath={"contract", "nsz"})
@no_type_check
def shade_packet(floats, ints, faces, face_ints, texels, image, ids, near, far, top, left):
    """Writes the 4 x 4 pixels whose rays a packet holds; those past the image's edge are left out.

    ``image`` is (rgb, depth), ``ids`` (instance, category), ``face_ints`` the packed ``faces``
    seen as uint32. One long loop on purpose: Numba counts references for every array that it hands to a
    function, which would cost more than the shading; and all is kept to 32 bits, since float32 with int32
    widens to float64.
    """
    rgb, depth = image
    instance, category = ids
    height, width = depth.shape
    for lane in range(16):
        y, x = top + (lane >> 2), left + (lane & 3)
        if y >= height or x >= width:
            continue
        red = green = blue = distance = brightness = np.float32(0)
        thing = kind = np.uint32(0)
        if ints[GEOMETRY * 16 + lane] != -1:
            face = np.uint32(ints[PRIMITIVE * 16 + lane])
            u, v = floats[HIT_U * 16 + lane], floats[HIT_V * 16 + lane]
            w = np.float32(1) - u - v
            a, b, c = (
                face_ints[face, CORNER_RGB],
                face_ints[face, CORNER_RGB + 1],
                face_ints[face, CORNER_RGB + 2],
            )
            if a == b and a == c:
                red, green, blue = _channel(a, 0), _channel(a, 8), _channel(a, 16)
            else:
                red = w * _channel(a, 0) + u * _channel(b, 0) + v * _channel(c, 0)
                green = w * _channel(a, 8) + u * _channel(b, 8) + v * _channel(c, 8)
                blue = w * _channel(a, 16) + u * _channel(b, 16) + v * _channel(c, 16)
            rows = np.int32(face_ints[face, TEXTURE_HEIGHT])
            if rows > 0:
                tx = w * faces[face, 0] + u * faces[face, 2] + v * faces[face, 4]
                ty = w * faces[face, 1] + u * faces[face, 3] + v * faces[face, 5]
                columns = np.int32(face_ints[face, TEXTURE_WIDTH])
                left_texel, right_texel = _neighbours(tx, columns)
                upper, lower = _neighbours(ty, rows)
                start = face_ints[face, TEXTURE]
                upper, lower = start + upper * np.uint32(columns), start + lower * np.uint32(columns)
                a, b = texels[upper + left_texel], texels[upper + right_texel]
                c, d = texels[lower + left_texel], texels[lower + right_texel]
                fx, fy = tx - np.floor(tx), ty - np.floor(ty)
                red *= _blend(a, b, c, d, fx, fy, 0)
                green *= _blend(a, b, c, d, fx, fy, 8)
                blue *= _blend(a, b, c, d, fx, fy, 16)
            towards = np.float32(0)
            for axis in range(3):
                towards -= floats[(NORMAL + axis) * 16 + lane] * floats[(DIRECTION + axis) * 16 + lane]
            brightness = faces[face, LIGHT_FRONT] if towards > 0 else faces[face, LIGHT_BACK]
            distance = floats[TFAR * 16 + lane]
            thing, kind = face_ints[face, INSTANCE_ID], face_ints[face, CATEGORY_ID]
        half = np.float32(0.5)
        rgb[y, x, 0] = np.uint8(red * brightness + half)
        rgb[y, x, 1] = np.uint8(green * brightness + half)
        rgb[y, x, 2] = np.uint8(blue * brightness + half)
        depth[y, x] = distance if near <= distance <= far else np.float32(0)
        instance[y, x], category[y, x] = thing, kind


@njit(cache=True)
@no_type_check
def _channel(rgb, shift):
    return np.float32((rgb >> np.uint32(shift)) & np.uint32(255))


@njit(cache=True, error_model="numpy")
@no_type_check
def _neighbours(at, count):
    """The two texels around ``at`` along one axis of a repeating texture; the division is the rare case."""
    first = np.int32(np.floor(at))
    if first < 0 or first >= count:
        first = np.int32(first % count)
    following = np.int32(first + 1)
    return np.uint32(first), np.uint32(following if following < count else 0)


@njit(cache=True, fastmath={"contract", "nsz"})
@no_type_check
def _blend(a, b, c, d, fx, fy, shift):
    """One channel between four texels, 0..1."""
    one = np.float32(1)
    upper = (one - fx) * _channel(a, shift) + fx * _channel(b, shift)
    lower = (one - fx) * _channel(c, shift) + fx * _channel(d, shift)
    return ((one - fy) * upper + fy * lower) * np.float32(1 / 255)
