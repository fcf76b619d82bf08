"""An episode as a video: what was seen, how far away it was, the map as it grew, and why."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from placecell.errors import ConfigError

from ..exports.lerobot_video import Part
from ..exports.output import whole_file
from ..exports.walked import Walked
from ..recording import RecordedStep, points_of
from .page.gather import STRUCTURE
from .page.images import farthest, has_pictures, samples, shades
from .seen_from_above import Extent, SeenFromAbove

Picture = UInt8[np.ndarray, "_ _ 3"]

_VIEW, _MAP, _GAP, _LINE = 320, 320, 8, 20
_PAPER, _INK, _PALE = (246, 246, 242), (32, 36, 44), (110, 114, 122)
_SHOWN = ("success", "spl", "distance_to_goal", "path_length", "collisions")


def write_video(folder: Path, out: Path, fps: int = 10) -> int:
    """Writes an episode as H.264 in an MP4: a picture for each step that was recorded with its images.

    Args:
        folder: of the recorded episode.
        out: the file, ``.mp4``; written whole or not at all.
        fps: pictures a second, 1 to 60.

    Returns:
        how many pictures.

    Raises:
        ConfigError: a recording without images, another kind of file, or a rate that is none.
        ArchiveError: the recording cannot be read.
        OutputError: the file cannot be written or encoded.
        MissingPartError: no ffmpeg is to be found.
    """
    if out.suffix != ".mp4":
        raise ConfigError(expected="an .mp4 file to write", came=str(out), fix="name one: --out FILE.mp4")
    if not 1 <= fps <= 60:
        raise ConfigError(expected="1 to 60 pictures a second", came=str(fps), fix="set --fps 10")
    walked = Walked.read(folder)
    if not walked.framed:
        raise ConfigError(
            expected=f"a recording with images in {folder}",
            came=f"one with record.level={walked.recording.header['level']}",
            fix="run with record=full",
        )
    if not has_pictures(walked.recording):
        raise ConfigError(
            expected=f"a recording with images in {folder}",
            came="one of panoramas, of which no image was recorded",
            fix="look at its page: placecell-replay page RUN",
        )
    count = 0
    with whole_file(out) as beside, contextlib.ExitStack() as open_video:
        video: Part | None = None
        for picture in pictures(walked):
            if video is None:
                video = open_video.enter_context(Part(beside, picture.shape[:2], fps))
            video.add(picture)
            count += 1
    return count


def pictures(walked: Walked) -> Iterator[Picture]:
    """The video's pictures, all of one size with even sides."""
    recording, poses = walked.recording, [step.pose for step in walked.steps]
    shortest = points_of(recording.header.get("shortest_path") or [])
    places = [walked.believed_path, walked.goals, shortest]
    names = recording.header.get("categories") or []
    structure = frozenset(n for n, name in enumerate(names) if name in STRUCTURE)
    extent = Extent.around(np.concatenate(places), _MAP)
    above = SeenFromAbove(extent, walked.goals, shortest, structure)
    far_m = farthest(recording.frame(index).depth for index in samples(walked.framed))
    for index in walked.framed:
        frame, growth, step = recording.frame(index), recording.growth(index), recording.steps[index]
        if growth is not None:
            above.grow(growth)
        views = [shades(frame.depth, far_m)]
        if frame.rgb is not None:
            views.insert(0, frame.rgb)
        views = [_scaled(view) for view in views]
        views.append(above.picture(poses[: index + 1], step.recalled))
        yield _page(views, _words(walked, step))


def _scaled(view: Picture) -> Picture:
    """The view, as high as the map."""
    width = max(1, round(view.shape[1] * _VIEW / view.shape[0]))
    return np.asarray(Image.fromarray(view).resize((width, _VIEW), Image.Resampling.NEAREST))


def _page(views: list[Picture], lines: list[str]) -> Picture:
    """The views beside each other, the words below."""
    width = sum(view.shape[1] for view in views) + _GAP * (len(views) + 1)
    height = _VIEW + 2 * _GAP + _LINE * len(lines) + _GAP
    page = Image.new("RGB", (width + width % 2, height + height % 2), _PAPER)
    x = _GAP
    for view in views:
        page.paste(Image.fromarray(view), (x, _GAP))
        x += view.shape[1] + _GAP
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(14)
    for row, line in enumerate(lines):
        y = _VIEW + 2 * _GAP + row * _LINE
        draw.text((_GAP, y), line, fill=_PALE if row == 2 else _INK, font=font)
    return np.asarray(page)


def _words(walked: Walked, step: RecordedStep) -> list[str]:
    """Three lines: what the episode is and where it stands, what was decided on what, and the measures."""
    header, recalled = walked.recording.header, step.recalled
    sought = walked.category_name(step.query.category) or "a place"
    where = f"{header.get('scene_id')}  {header.get('episode_id')}"
    first = f"{where}  to {sought}  step {step.index + 1}/{len(walked.steps)}"
    best = f", best {recalled[0].score:.2f}" if recalled else ""
    mode = step.trace.get("mode")
    done = f"{'' if mode is None else f'{mode}: '}{walked.action_name(step.action)}"
    second = f"{done}    recalled {len(recalled)}{best}"
    third = "  ".join(f"{name} {step.measures[name]:.3g}" for name in _SHOWN if name in step.measures)
    return [first, second, third]
