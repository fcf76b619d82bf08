"""The Embree library that the ``embreex`` wheel carries, called through its own C interface.

``embreex`` casts one ray a call and copies what comes back; packets of 16 coherent rays
(``rtcIntersect16``, Embree 4 API manual) are four times as fast and can be shaded where they land.
"""

import ctypes
import importlib.metadata
import re
import weakref
from functools import cache
from pathlib import Path
from typing import Any, no_type_check

import numpy as np
from jaxtyping import Float32, Int32
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from placecell.errors import MissingPartError, SceneError

# Constants of embree4/rtcore_*.h.
_TRIANGLES, _INDEX_BUFFER, _VERTEX_BUFFER = 0, 0, 1
_UINT3, _FLOAT3 = 0x5003, 0x9003
_ROBUST = 1 << 2
_COHERENT, _ALL_FEATURES = 1 << 16, 0xFFFFFFFF
_NATIVE_RAY16 = 34

# RTCRayHit16 is a structure of arrays: field k of lane i stands at 16 * k + i.
ORIGIN, TNEAR, DIRECTION, TIME, TFAR, MASK, RAY_ID, FLAGS = 0, 3, 4, 7, 8, 9, 10, 11
NORMAL, HIT_U, HIT_V, PRIMITIVE, GEOMETRY, INSTANCE, INSTANCE_PRIMITIVE = 12, 15, 16, 17, 18, 19, 20
RAY_FIELDS = 21


class EmbreeScene:
    """Triangles in Embree's hierarchy, ready to be hit. Released with the object.

    Built by one thread: the same triangles give the same hierarchy, so the same hit where two faces tie,
    and a process that forks later inherits no threads. Robust traversal: no ray slips through a shared edge.
    """

    def __init__(self, vertices: Float32[np.ndarray, "n 3"], faces: Int32[np.ndarray, "m 3"]) -> None:
        lib, device = library(), _device()
        # Embree reads 16 bytes from where the last vertex starts.
        padded = np.zeros((len(vertices) + 2, 3), np.float32)
        padded[:-2] = vertices
        indices = np.ascontiguousarray(faces, np.uint32)
        self._kept = (padded, indices)
        self.handle: int = lib.rtcNewScene(device)
        self._release = weakref.finalize(self, lib.rtcReleaseScene, self.handle)
        lib.rtcSetSceneFlags(self.handle, _ROBUST)
        geometry = lib.rtcNewGeometry(device, _TRIANGLES)
        for kind, layout, array, count in (
            (_VERTEX_BUFFER, _FLOAT3, padded, len(vertices)),
            (_INDEX_BUFFER, _UINT3, indices, len(faces)),
        ):
            lib.rtcSetSharedGeometryBuffer(geometry, kind, 0, layout, array.ctypes.data, 0, 12, count)
        lib.rtcCommitGeometry(geometry)
        lib.rtcAttachGeometry(self.handle, geometry)
        lib.rtcReleaseGeometry(geometry)
        lib.rtcCommitScene(self.handle)
        error = lib.rtcGetDeviceError(device)
        if error:
            raise SceneError(
                expected="triangles that Embree can build its hierarchy of",
                came=f"Embree error {error} for {len(faces)} faces",
                fix="use a smaller mesh, or one without absurd coordinates",
            )


@cache
def library() -> ctypes.CDLL:
    """The shared library, with its prototypes.

    Raises:
        MissingPartError: there is no embreex wheel, or none that carries Embree 4 for this processor.
    """
    path = find_library("embreex")
    try:
        lib = ctypes.CDLL(str(path))
    except OSError as error:
        raise _missing(f"{path.name}, which does not load: {error}") from error
    pointer, size, number = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    buffer_arguments = [pointer, number, ctypes.c_uint, number, pointer, size, size, size]
    prototypes: dict[str, tuple[Any, list[Any]]] = {
        "rtcNewDevice": (pointer, [ctypes.c_char_p]),
        "rtcNewScene": (pointer, [pointer]),
        "rtcNewGeometry": (pointer, [pointer, number]),
        "rtcSetSharedGeometryBuffer": (None, buffer_arguments),
        "rtcAttachGeometry": (ctypes.c_uint, [pointer, pointer]),
        "rtcSetSceneFlags": (None, [pointer, number]),
        "rtcGetDeviceError": (number, [pointer]),
        "rtcGetDeviceProperty": (ctypes.c_ssize_t, [pointer, number]),
        "rtcCommitGeometry": (None, [pointer]),
        "rtcCommitScene": (None, [pointer]),
        "rtcReleaseGeometry": (None, [pointer]),
        "rtcReleaseScene": (None, [pointer]),
        "rtcIntersect16": (None, [pointer, pointer, pointer, pointer]),
    }
    for name, (result, arguments) in prototypes.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


def find_library(distribution: str) -> Path:
    """The Embree 4 library among the files of an installed distribution.

    Raises:
        MissingPartError: the distribution is not installed, or holds no such file.
    """
    try:
        files = importlib.metadata.distribution(distribution).files or []
    except importlib.metadata.PackageNotFoundError as error:
        raise _missing(f"no {distribution}") from error
    for file in files:
        if re.fullmatch(r"(lib)?embree4.*\.(so|dylib|dll)[.\d]*", file.name):
            return Path(str(file.locate()))
    raise _missing(f"{distribution} without libembree4")


@cache
def _device() -> int:
    device = library().rtcNewDevice(b"threads=1")
    if not device or not library().rtcGetDeviceProperty(device, _NATIVE_RAY16):
        raise _missing("an Embree without packets of 16 rays")
    return device


def _missing(came: str) -> MissingPartError:
    return MissingPartError(
        expected="the ray caster Embree 4 of the embreex wheel",
        came=came,
        fix="install it with `pip install --only-binary :all: 'embreex>=4.4'`",
    )


def intersect16_address() -> int:
    """Where ``rtcIntersect16`` stands, for :func:`intersect16` in compiled code."""
    address = ctypes.cast(library().rtcIntersect16, ctypes.c_void_p).value
    assert address is not None
    return address


def arguments(coherent: bool) -> np.ndarray:
    """An RTCIntersectArguments: flags, features, no context, no filter, no callback. Keep it alive."""
    block = np.zeros(8, np.uint64)
    block[0] = (_COHERENT if coherent else 0) | (_ALL_FEATURES << 32)
    return block


@intrinsic
@no_type_check
def intersect16(typing_context, function, valid, scene, rays, options):
    """``rtcIntersect16(valid, scene, rays, options)`` by address: compiled code that may be cached.

    ``valid`` and ``rays`` are addresses aligned to 64 bytes; ``valid`` holds 16 int32, -1 for live lanes.
    """
    signature = types.void(types.uintp, types.uintp, types.uintp, types.uintp, types.uintp)

    def generate(context, builder, _, values):
        pointer = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [pointer] * 4)
        target = builder.inttoptr(values[0], kind.as_pointer())
        builder.call(target, [builder.inttoptr(value, pointer) for value in values[1:]])
        return context.get_dummy_value()

    return signature, generate
