"""``placecell-bench habitat_parity``: our simulator against what the real habitat-sim recorded."""

import argparse
import io
import json
import math
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from placecell.envs.geodesic import NavigableArea
from placecell.envs.mesh.camera import Camera
from placecell.envs.mesh.loading import load_scene
from placecell.envs.mesh.renderer import Renderer
from placecell.envs.navmesh.settings import WalkSettings
from placecell.errors import DataError
from placecell.geometry import Pose, z_up_from_y_up

from .row import Row

SUITE_HELP = "depth, distances and walks of the mesh simulator against files recorded from habitat-sim"
_ARRAYS = (
    "position", "yaw", "depth", "start", "end", "geodesic", "island_area", "walk_action",
    "slide_position", "slide_yaw", "slide_collided", "stop_position", "stop_yaw", "stop_collided",
)  # fmt: skip
_META = (
    "image_height", "image_width", "horizontal_fov_deg", "camera_height_m", "agent_radius_m",
    "agent_height_m", "max_climb_m", "max_slope_deg", "navmesh_cell_size_m", "navmesh_cell_height_m",
    "forward_m", "turn_deg",
)  # fmt: skip
_QUICK_PATHS = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``--mesh FILE --golden FILE``."""
    parser.add_argument("--mesh", type=Path, required=True, help="the mesh the golden file was recorded on")
    parser.add_argument("--golden", type=Path, required=True, help="an .npz recorded from habitat-sim")


def run(args: argparse.Namespace) -> list[Row]:
    """Every row of the suite; the quick form asks for fewer shortest paths."""
    golden = read_golden(args.golden)
    scene = load_scene(args.mesh, up=golden.up_axis)
    area = NavigableArea.from_mesh(scene.vertices.astype(np.float64), scene.faces, golden.settings())
    rows = _depth_rows(golden, Renderer(scene))
    rows += _geodesic_rows(golden, area, _QUICK_PATHS if args.quick else None)
    rows += _walk_rows(golden, area, "sliding")
    rows += _walk_rows(golden, area, "stopping")
    return rows


@dataclass(frozen=True)
class Golden:
    """A recording. Points and yaws are already in our frame; see the recording's own notes for shapes."""

    meta: Mapping[str, float]
    up_axis: Literal["y", "z"]
    arrays: Mapping[str, np.ndarray]

    def settings(self) -> WalkSettings:
        """The body and grid it was recorded with."""
        m = self.meta
        return WalkSettings(
            radius_m=m["agent_radius_m"], height_m=m["agent_height_m"], max_climb_m=m["max_climb_m"],
            max_slope_deg=m["max_slope_deg"], cell_size_m=m["navmesh_cell_size_m"],
            cell_height_m=m["navmesh_cell_height_m"],
        )  # fmt: skip

    def camera(self) -> Camera:
        """The camera it was recorded with."""
        m = self.meta
        return Camera(
            width=int(m["image_width"]), height=int(m["image_height"]), hfov_deg=m["horizontal_fov_deg"],
            height_m=m["camera_height_m"],
        )  # fmt: skip


def read_golden(path: Path) -> Golden:
    """Reads a recording.

    Raises:
        DataError: missing, damaged, or without one of the arrays or settings it must have.
    """
    arrays, text = _read_arrays(path)
    meta, up_axis = _read_meta(path, text)
    for name in ("position", "start", "end", "slide_position", "stop_position"):
        arrays[name] = z_up_from_y_up(arrays[name].astype(np.float64))
    for name in ("yaw", "slide_yaw", "stop_yaw"):
        arrays[name] = arrays[name].astype(np.float64) + math.pi / 2
    return Golden(meta, up_axis, arrays)


def _read_arrays(path: Path) -> tuple[dict[str, np.ndarray], str]:
    try:
        # From memory: NumPy leaves a file open when it turns out to be no whole archive.
        data = np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)
        if not isinstance(data, np.lib.npyio.NpzFile):
            raise _damaged(path, "a single array")
        with data:
            missing = [name for name in (*_ARRAYS, "meta") if name not in data.files]
            if missing:
                raise _damaged(path, f"one without {', '.join(missing)}")
            return {name: data[name] for name in _ARRAYS}, str(data["meta"])
    except FileNotFoundError as error:
        raise _damaged(path, "no such file") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise _damaged(path, f"one that breaks off or is damaged ({error})") from error


def _read_meta(path: Path, text: str) -> tuple[dict[str, float], Literal["y", "z"]]:
    """The numbers of a recording's ``meta``, and its up axis."""
    try:
        meta = json.loads(text)
        missing = [name for name in (*_META, "up_axis") if name not in meta]
        if missing:
            raise _damaged(path, f"a meta without {', '.join(missing)}")
        if meta["up_axis"] not in ("y", "z"):
            raise _damaged(path, f"a meta with the up axis {meta['up_axis']!r}, neither y nor z")
        return {name: float(meta[name]) for name in _META}, meta["up_axis"]
    except (ValueError, TypeError) as error:
        raise _damaged(path, f"a meta that is no JSON object of numbers ({error})") from error


def _damaged(path: Path, came: str) -> DataError:
    return DataError(
        expected=f"a habitat-sim recording (.npz) at {path}",
        came=came,
        fix="pass --golden a file of the form of habitat_golden/dungeon.npz",
    )


def _depth_rows(golden: Golden, renderer: Renderer) -> list[Row]:
    camera = golden.camera()
    errors, bad = [], []
    for position, yaw, theirs in zip(
        golden.arrays["position"], golden.arrays["yaw"], golden.arrays["depth"], strict=True
    ):
        pose = Pose(*(float(c) for c in position), yaw_rad=float(yaw))
        ours = renderer.render(camera, camera.T_world_camera(pose)).depth
        seen = (ours > 0) & (theirs > 0)
        errors.append(np.abs(ours - theirs)[seen])
        bad.append(((ours > 0) != (theirs > 0)) | (seen & (np.abs(ours - theirs) > 0.02 * theirs)))
    return [
        _row("depth_median_error_m", float(np.median(np.concatenate(errors))), "m", below=0.001),
        _row("depth_bad_fraction", float(np.mean(bad)), "1", below=0.005),
    ]


def _geodesic_rows(golden: Golden, area: NavigableArea, limit: int | None) -> list[Row]:
    theirs = golden.arrays["geodesic"][:limit].astype(np.float64)
    ours = np.array(
        [
            area.geodesic_distance(start, end)
            for start, end in zip(golden.arrays["start"][:limit], golden.arrays["end"][:limit], strict=True)
        ]
    )
    reached = np.isfinite(ours)
    error = np.abs(ours - theirs)[reached] / np.maximum(theirs[reached], 1e-6)
    median, p95, p99 = np.percentile(error, [50, 95, 99])
    largest = area.island_of(area.stand(golden.arrays["start"][0]))
    area_error = abs(area.island_area(largest) / float(golden.arrays["island_area"]) - 1)
    return [
        _row("geodesic_median_relative_error", float(median), "1", below=0.01),
        _row("geodesic_p95_relative_error", float(p95), "1", below=0.03),
        Row("geodesic_p99_relative_error", float(p99), "1"),
        _row("geodesic_unreachable", float((~reached).sum()), "paths", below=1),
        _row("island_area_relative_error", area_error, "1", below=0.05),
    ]


@dataclass(frozen=True)
class _Walk:
    """One rollout beside its recording: horizontal distances after each action, and flags."""

    apart_m: np.ndarray
    free: np.ndarray
    agrees: np.ndarray


def _walk_rows(golden: Golden, area: NavigableArea, body: Literal["sliding", "stopping"]) -> list[Row]:
    walks = [_roll_out(golden, area, body, walk) for walk in range(len(golden.arrays["walk_action"]))]
    free = np.concatenate([walk.apart_m[walk.free] for walk in walks])
    final = np.array([walk.apart_m[-1] for walk in walks])
    agrees = np.concatenate([walk.agrees for walk in walks])
    near_m = 0.25 if body == "sliding" else 0.1
    return [
        Row(f"{body}_free_step_median_m", float(np.median(free)), "m"),
        Row(f"{body}_free_step_p95_m", float(np.percentile(free, 95)), "m"),
        _row(f"{body}_final_distance_median_m", float(np.median(final)), "m", below=near_m),
        _row(f"{body}_collision_agreement", float(agrees.mean()), "1", above=0.95),
    ]


def _roll_out(golden: Golden, area: NavigableArea, body: Literal["sliding", "stopping"], walk: int) -> _Walk:
    """Our body under the recorded actions, from the recorded start; ``agrees`` holds forward steps only."""
    prefix = "slide" if body == "sliding" else "stop"
    position, collided = (golden.arrays[f"{prefix}_{name}"][walk] for name in ("position", "collided"))
    yaw = float(golden.arrays[f"{prefix}_yaw"][walk, 0])
    turn, forward = math.radians(golden.meta["turn_deg"]), golden.meta["forward_m"]
    standing, held = area.stand(position[0]), False
    apart, agrees = [], []
    for index, action in enumerate(golden.arrays["walk_action"][walk]):
        yaw += {1: turn, 2: -turn}.get(int(action), 0.0)
        if action == 0:
            step = area.step(
                standing, yaw, 0.0 if held else forward, sliding=body == "sliding", sticky=body == "stopping"
            )
            agrees.append((held or step.collided) == bool(collided[index]))
            standing, held = step.standing, held or step.held
        apart.append(float(np.linalg.norm((area.point(standing) - position[index + 1])[:2])))
    free = np.cumsum(collided) == 0
    return _Walk(np.array(apart), free, np.array(agrees, bool))


def _row(
    name: str, value: float, unit: str, *, below: float | None = None, above: float | None = None
) -> Row:
    if below is not None:
        return Row(name, value, unit, target=f"< {below:g}", passed=value < below)
    return Row(name, value, unit, target=f"> {above:g}", passed=value > (above or 0.0))
