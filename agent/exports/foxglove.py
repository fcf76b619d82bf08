"""Messages in Foxglove's well-known schemas, and in our own, as JSON: what stands in an MCAP file.

The fields are those that Foxglove publishes (``foxglove.PointCloud`` and so on), so that its panels show the
messages without a plug-in.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from placecell.arrays import Depth, Points, Transform
from placecell.geometry import Pinhole

from .walked import quaternion_of

Message = dict[str, Any]

_NUMERIC = {"u1": 1, "i1": 2, "u2": 3, "i2": 4, "u4": 5, "i4": 6, "f4": 7, "f8": 8}
INFO, WARNING = 2, 3


def _object(**properties: Any) -> Message:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list_of(items: Any, length: int | None = None) -> Message:
    bounds = {} if length is None else {"minItems": length, "maxItems": length}
    return {"type": "array", "items": items, **bounds}


_TEXT, _NUMBER, _WHOLE = {"type": "string"}, {"type": "number"}, {"type": "integer"}
_COUNT = {"type": "integer", "minimum": 0}
_BYTES = {"type": "string", "contentEncoding": "base64"}
_FLAG = {"type": ["boolean", "null"]}
_TIME = {
    **_object(sec=_COUNT, nsec={"type": "integer", "minimum": 0, "maximum": 999_999_999}),
    "title": "time",
}
_VECTOR = _object(x=_NUMBER, y=_NUMBER, z=_NUMBER)
_QUATERNION = _object(x=_NUMBER, y=_NUMBER, z=_NUMBER, w=_NUMBER)
_POSE = _object(position=_VECTOR, orientation=_QUATERNION)
_NUMBERS_BY_NAME = {"type": "object", "additionalProperties": {"type": ["number", "null"]}}
_ITEM = _object(
    position=_list_of(_NUMBER, 3),
    score=_NUMBER,
    source=_TEXT,
    age_steps=_WHOLE,
    category={"type": ["integer", "null"]},
    name=_TEXT,
)

SCHEMAS: Mapping[str, Message] = {
    "foxglove.FrameTransform": _object(
        timestamp=_TIME,
        parent_frame_id=_TEXT,
        child_frame_id=_TEXT,
        translation=_VECTOR,
        rotation=_QUATERNION,
    ),
    "foxglove.CameraCalibration": _object(
        timestamp=_TIME,
        frame_id=_TEXT,
        width=_COUNT,
        height=_COUNT,
        distortion_model=_TEXT,
        D=_list_of(_NUMBER),
        K=_list_of(_NUMBER, 9),
        R=_list_of(_NUMBER, 9),
        P=_list_of(_NUMBER, 12),
    ),
    "foxglove.CompressedImage": _object(timestamp=_TIME, frame_id=_TEXT, data=_BYTES, format=_TEXT),
    "foxglove.RawImage": _object(
        timestamp=_TIME,
        frame_id=_TEXT,
        width=_COUNT,
        height=_COUNT,
        encoding=_TEXT,
        step=_COUNT,
        data=_BYTES,
    ),
    "foxglove.PointCloud": _object(
        timestamp=_TIME,
        frame_id=_TEXT,
        pose=_POSE,
        point_stride=_COUNT,
        fields=_list_of(_object(name=_TEXT, offset=_COUNT, type={"enum": list(_NUMERIC.values())})),
        data=_BYTES,
    ),
    "foxglove.PosesInFrame": _object(timestamp=_TIME, frame_id=_TEXT, poses=_list_of(_POSE)),
    "foxglove.Log": _object(
        timestamp=_TIME,
        level={"enum": [0, 1, 2, 3, 4, 5]},
        message=_TEXT,
        name=_TEXT,
        file=_TEXT,
        line=_COUNT,
    ),
    "placecell.Decision": _object(
        step=_COUNT,
        action=_WHOLE,
        action_name=_TEXT,
        observation_hash=_TEXT,
        memory=_NUMBERS_BY_NAME,
        trace={"type": "object"},
    ),
    "placecell.Recalled": _object(step=_COUNT, items=_list_of(_ITEM)),
    "placecell.Outcome": _object(step=_COUNT, collided=_FLAG, goal_in_view=_FLAG, measures=_NUMBERS_BY_NAME),
}
"""JSON Schema of every message, by name."""


def transform(time_ns: int, parent: str, child: str, T_parent_child: Transform) -> Message:
    """Where the frame ``child`` is in ``parent``."""
    pose = _pose(T_parent_child)
    return {
        "timestamp": _time(time_ns),
        "parent_frame_id": parent,
        "child_frame_id": child,
        "translation": pose["position"],
        "rotation": pose["orientation"],
    }


def calibration(time_ns: int, frame: str, lens: Pinhole) -> Message:
    """A lens. Here the middle of the first pixel is (0, 0), as OpenCV has it; ours is (0.5, 0.5)."""
    cx, cy = lens.cx - 0.5, lens.cy - 0.5
    return {
        "timestamp": _time(time_ns),
        "frame_id": frame,
        "width": lens.width,
        "height": lens.height,
        "distortion_model": "plumb_bob",
        "D": [0.0] * 5,
        "K": [lens.fx, 0.0, cx, 0.0, lens.fy, cy, 0.0, 0.0, 1.0],
        "R": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        "P": [lens.fx, 0.0, cx, 0.0, 0.0, lens.fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
    }


def png_image(time_ns: int, frame: str, png: bytes) -> Message:
    """A colour image, as PNG."""
    return {"timestamp": _time(time_ns), "frame_id": frame, "data": _base64(png), "format": "png"}


def depth_image(time_ns: int, frame: str, depth: Depth) -> Message:
    """A depth image in metres, float32, nothing rounded."""
    exact = np.ascontiguousarray(depth, "<f4")
    return {
        "timestamp": _time(time_ns),
        "frame_id": frame,
        "width": exact.shape[1],
        "height": exact.shape[0],
        "encoding": "32FC1",
        "step": 4 * exact.shape[1],
        "data": _base64(exact.tobytes()),
    }


def point_cloud(time_ns: int, frame: str, points: Points, **fields: np.ndarray) -> Message:
    """Points in metres (float32), each with further fields of its own."""
    columns = {axis: points[:, i].astype("<f4") for i, axis in enumerate("xyz")} | fields
    packed = np.zeros(len(points), np.dtype([(name, column.dtype) for name, column in columns.items()]))
    for name, column in columns.items():
        packed[name] = column
    layout: Mapping[str, Any] = packed.dtype.fields or {}
    return {
        "timestamp": _time(time_ns),
        "frame_id": frame,
        "pose": _pose(np.eye(4)),
        "point_stride": packed.dtype.itemsize,
        "fields": [
            {"name": name, "offset": place[1], "type": _NUMERIC[place[0].str[1:]]}
            for name, place in layout.items()
        ],
        "data": _base64(packed.tobytes()),
    }


def poses(time_ns: int, frame: str, T_frame_poses: Sequence[Transform]) -> Message:
    """A path, or places."""
    return {"timestamp": _time(time_ns), "frame_id": frame, "poses": [_pose(T) for T in T_frame_poses]}


def log(time_ns: int, level: int, text: str) -> Message:
    """A line of text."""
    return {
        "timestamp": _time(time_ns),
        "level": level,
        "message": text,
        "name": "placecell",
        "file": "",
        "line": 0,
    }


def _time(time_ns: int) -> Message:
    sec, nsec = divmod(time_ns, 1_000_000_000)
    return {"sec": sec, "nsec": nsec}


def _pose(T: Transform) -> Message:
    return {
        "position": dict(zip("xyz", T[:3, 3].tolist())),
        "orientation": dict(zip("xyzw", quaternion_of(T).tolist())),
    }


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
