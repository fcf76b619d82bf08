"""What a Rerun recording of an episode is made of, chunk by chunk; ``rerun`` is imported when one is made."""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from placecell.arrays import Points, Transform
from placecell.geometry import Pinhole
from placecell.memory import Growth

from ..recording import RecordedItem, RecordedStep
from .walked import Walked, blocks_of, middles, png_of, quaternion_of

EPISODE, CAMERA, BODY = "/world/episode", "/world/episode/camera", "/world/body"
_IMAGES_A_CHUNK = 16
_PATH_M, _POINT_M = 0.02, 0.06
_TRUE, _BELIEVED, _GOAL, _RECALLED, _COLLISION = (
    0xDDDDDDFF,
    0x1F77B4FF,
    0x2CA02CFF,
    0xFFBF00FF,
    0xD62728FF,
)


class Chunks:
    """The chunks of one episode; see :func:`placecell.agent.exports.rerun.export` for what is where."""

    def __init__(self, walked: Walked) -> None:
        import rerun

        self._rr, self._walked = rerun, walked

    def all(self) -> Iterator[Any]:
        """Every chunk; the images come a few at a time, so that a long episode needs no more memory."""
        yield from self._world()
        yield from self._texts()
        yield from self._paths()
        yield from self._recalled()
        yield from self._cameras()
        yield from self._images()
        yield from self._map()
        yield from self._scalars()
        yield from self._decisions()

    def _chunk(self, path: str, steps: Sequence[int] | None, columns: Any) -> Any:
        """One chunk: a row a step, or what holds all the time (``steps`` None)."""
        times = [] if steps is None else [self._rr.TimeColumn("step", sequence=steps)]
        return self._rr.chunk.Chunk.from_columns(path, times, columns)

    def _world(self) -> Iterator[Any]:
        rr, categories = self._rr, self._walked.recording.header.get("categories") or []
        up = [rr.components.ViewCoordinates.RIGHT_HAND_Z_UP]
        yield self._chunk("/world", None, rr.ViewCoordinates.columns(xyz=up))
        yield self._chunk(EPISODE, None, self._transforms([self._walked.T_world_episode]))
        names = [(number, name) for number, name in enumerate(categories) if name]
        if names:
            # A category without a colour gets one of the viewer's own, the same in every view.
            yield self._chunk("/world", None, rr.AnnotationContext.columns(context=names))

    def _texts(self) -> Iterator[Any]:
        recording = self._walked.recording
        texts = {"/about": "\n".join(f"- {note}" for note in self._walked.notes)}
        for path, value in (("/header", recording.header), ("/end", recording.end)):
            if value is not None:
                texts[path] = f"```json\n{json.dumps(dict(value), indent=1)}\n```"
        for path, text in texts.items():
            columns = self._rr.TextDocument.columns(text=[text], media_type=["text/markdown"])
            yield self._chunk(path, None, columns)

    def _paths(self) -> Iterator[Any]:
        walked, poses = self._walked, self._walked.true_poses
        yield from self._line(f"{EPISODE}/path", walked.believed_path, _BELIEVED)
        yield from self._line("/world/true_path", walked.true_path, _TRUE)
        yield from self._points(f"{EPISODE}/goals", walked.goals, _GOAL)
        if poses:
            where = walked.true_path[list(walked.collisions)]
            yield from self._points("/world/collisions", where, _COLLISION)
            bodies = self._transforms([pose.T_world_body() for pose in poses])
            yield self._chunk(BODY, range(len(poses)), bodies)

    def _line(self, path: str, points: Points, colour: int) -> Iterator[Any]:
        if len(points) > 1:
            strip = [points.astype(np.float32)]
            columns = self._rr.LineStrips3D.columns(strips=strip, radii=[_PATH_M], colors=_colours(colour, 1))
            yield self._chunk(path, None, columns)

    def _points(self, path: str, points: Points, colour: int) -> Iterator[Any]:
        if len(points):
            rr, lengths = self._rr, [len(points)]
            columns = [
                *rr.Points3D.columns(positions=points.astype(np.float32)).partition(lengths),
                *rr.Points3D.columns(radii=[_POINT_M], colors=_colours(colour, 1)),
            ]
            yield self._chunk(path, None, columns)

    def _transforms(self, T_parents: Sequence[Transform]) -> Any:
        return self._rr.Transform3D.columns(
            translation=np.array([T[:3, 3] for T in T_parents], np.float32),
            quaternion=np.array([quaternion_of(T) for T in T_parents], np.float32),
        )

    def _recalled(self) -> Iterator[Any]:
        """A row a step, also where nothing was recalled: what was recalled before is not there any more."""
        rr, steps = self._rr, self._walked.steps
        items = [item for step in steps for item in step.recalled]
        if not items:
            return
        lengths = [len(step.recalled) for step in steps]
        positions = np.array([item.position for item in items], np.float32)
        labels = [self._label(item) for item in items]
        columns = [
            *rr.Points3D.columns(positions=positions, labels=labels).partition(lengths),
            *rr.Scalars.columns(scalars=[item.score for item in items]).partition(lengths),
            *rr.Points3D.columns(radii=[_POINT_M] * len(steps), colors=_colours(_RECALLED, len(steps))),
        ]
        yield self._chunk(f"{EPISODE}/recalled", [step.index for step in steps], columns)

    def _label(self, item: RecordedItem) -> str:
        name = self._walked.category_name(item.category) or item.source
        return f"{name} {item.score:.2f}, {item.age_steps} steps ago"

    def _cameras(self) -> Iterator[Any]:
        """Where the camera was at each step, and its lens where that is another than before."""
        rr = self._rr
        cameras = {step.index: self._walked.camera(step.index) for step in self._walked.steps}
        known = {step: camera for step, camera in cameras.items() if camera is not None}
        if not known:
            return
        yield self._chunk(CAMERA, list(known), self._transforms([T for _, T in known.values()]))
        lenses: dict[int, Pinhole] = {}
        for step, (lens, _) in known.items():
            if not lenses or lens != lenses[max(lenses)]:
                lenses[step] = lens
        matrices = [[[c.fx, 0, c.cx], [0, c.fy, c.cy], [0, 0, 1]] for c in lenses.values()]
        columns = rr.Pinhole.columns(
            image_from_camera=np.array(matrices, np.float32),
            resolution=[[c.width, c.height] for c in lenses.values()],
            camera_xyz=[rr.components.ViewCoordinates.RDF] * len(lenses),
        )
        yield self._chunk(CAMERA, list(lenses), columns)

    def _images(self) -> Iterator[Any]:
        rr, framed = self._rr, self._walked.framed
        for start in range(0, len(framed), _IMAGES_A_CHUNK):
            frames = {step: self._walked.recording.frame(step) for step in framed[start:][:_IMAGES_A_CHUNK]}
            depths = [frame.depth.astype(np.float32) for frame in frames.values()]
            formats = [
                rr.components.ImageFormat(width=d.shape[1], height=d.shape[0], channel_datatype="F32")
                for d in depths
            ]
            buffers = [d.view(np.uint8).ravel() for d in depths]
            columns = rr.DepthImage.columns(buffer=buffers, format=formats, meter=[1.0] * len(depths))
            yield self._chunk(f"{CAMERA}/depth", list(frames), columns)
            pngs = {step: png_of(frame.rgb) for step, frame in frames.items() if frame.rgb is not None}
            if pngs:
                columns = rr.EncodedImage.columns(
                    blob=list(pngs.values()), media_type=["image/png"] * len(pngs)
                )
                yield self._chunk(f"{CAMERA}/rgb", list(pngs), columns)

    def _map(self) -> Iterator[Any]:
        """One entity a block: what stands in it is said again only when it changes."""
        blocks: dict[tuple[int, ...], _Block] = {}
        cell_m = 1.0
        for step, growth in self._walked.growths():
            cell_m = growth.cell_m
            _follow(blocks, step, growth)
        for block, history in blocks.items():
            lengths = [len(cells) for cells in history.cells]
            if not sum(lengths):
                continue
            points = middles(np.concatenate(history.cells), cell_m).astype(np.float32)
            ids = np.concatenate(history.labels)
            columns = [
                *self._rr.Points3D.columns(positions=points, class_ids=ids).partition(lengths),
                *self._rr.Points3D.columns(radii=[cell_m / 2] * len(lengths)),
            ]
            name = "_".join(str(index) for index in block)
            yield self._chunk(f"{EPISODE}/map/{name}", history.steps, columns)

    def _scalars(self) -> Iterator[Any]:
        steps = self._walked.steps
        names = dict.fromkeys(name for step in steps for name in step.measures)
        for name in names:
            path = f"/measures/{self._rr.escape_entity_path_part(name)}"
            yield from self._series(path, lambda step, name=name: step.measures.get(name), after=1)
        for name in ("bytes", "items"):
            yield from self._series(f"/memory/{name}", lambda step, name=name: step.memory.get(name), after=0)
        yield from self._series("/collided", lambda step: step.collided, after=1)
        yield from self._series("/goal_in_view", lambda step: step.goal_in_view, after=1)

    def _series(
        self, path: str, value_of: Callable[[RecordedStep], float | None], *, after: int
    ) -> Iterator[Any]:
        """What is finite of a number at each step, at its own moment or at the one ``after`` it."""
        values: Mapping[int, float] = {
            step.index + after: float(value)
            for step in self._walked.steps
            if (value := value_of(step)) is not None and math.isfinite(value)
        }
        if values:
            columns = self._rr.Scalars.columns(scalars=list(values.values()))
            yield self._chunk(path, list(values), columns)

    def _decisions(self) -> Iterator[Any]:
        walked = self._walked
        texts = [
            f"{walked.action_name(step.action)}: {json.dumps(dict(step.trace))}" for step in walked.steps
        ]
        columns = self._rr.TextLog.columns(text=texts, level=["INFO"] * len(texts))
        yield self._chunk("/decision", [step.index for step in walked.steps], columns)


@dataclass
class _Block:
    """What stood in a block of the memory's map, from which step on."""

    steps: list[int] = field(default_factory=list)
    cells: list[np.ndarray] = field(default_factory=list)
    labels: list[np.ndarray] = field(default_factory=list)

    def stands(self, step: int, cells: np.ndarray, labels: np.ndarray) -> None:
        self.steps.append(step)
        self.cells.append(cells)
        self.labels.append(labels)


def _follow(blocks: dict[tuple[int, ...], _Block], step: int, growth: Growth) -> None:
    """Takes over what a growth says of every block that is known or new."""
    told = dict(blocks_of(growth))
    if growth.restart:
        gone = slice(0, 0)
        told |= {block: gone for block in blocks if block not in told}
    for block, rows in told.items():
        blocks.setdefault(block, _Block()).stands(step, growth.cells[rows], growth.labels[rows])


def _colours(colour: int, count: int) -> np.ndarray:
    """0xRRGGBBAA, as often; in a type that Rerun doesn't take for red, green and blue."""
    return np.full(count, colour, np.uint32)
