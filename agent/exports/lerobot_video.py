"""Video files of a LeRobot dataset: one H.264 part an episode, joined without encoding again.

The ffmpeg that comes with imageio-ffmpeg does the work. A frame's time is its number over the frames a
second, exactly: no B-frames, a time base that the rate divides, and every finished file is looked at again.
"""

import contextlib
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

import numpy as np
from jaxtyping import Float

from placecell.arrays import Rgb
from placecell.errors import ArchiveError, MissingPartError, OutputError

from .lerobot_layout import MIB, VIDEO_PATH, FileNumber, FileSizes

QUALITY = 18
"""x264's constant rate factor: 18 is taken for visually lossless."""
KEY_EVERY = 2
"""A key frame every so many frames, as LeRobot's own writer sets it: training reads frames in any order."""


class Part:
    """The video of one episode, written frame by frame: a context manager."""

    def __init__(self, path: Path, size: tuple[int, int], fps: int) -> None:
        """``size`` is (height, width), both even; ``fps`` frames a second."""
        self._path, self._size = path, size
        rate = [
            "-f",
            "rawvideo",
            "-pix_fmt",
            "rgb24",
            "-s",
            f"{size[1]}x{size[0]}",
            "-r",
            str(fps),
            "-i",
            "pipe:0",
        ]
        codec = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", str(QUALITY), "-g", str(KEY_EVERY)]
        exact = [
            "-bf",
            "0",
            "-video_track_timescale",
            str(fps * 1000),
            "-threads",
            "1",
            "-fflags",
            "+bitexact",
        ]
        command = [_ffmpeg(), *_QUIET, "-y", *rate, *codec, *exact, str(path)]
        self._log: IO[bytes] = path.with_suffix(".log").open("w+b")
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._log
        )

    def add(self, image: Rgb) -> None:
        """One frame more.

        Raises:
            OutputError: the encoder ended before its video did.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(np.ascontiguousarray(image).data)
        except BrokenPipeError:
            self._process.wait()
            raise self._failed() from None

    def __enter__(self) -> "Part":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._process.kill()
        assert self._process.stdin is not None
        # an encoder that has ended leaves what is still buffered for it with nowhere to go
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        code = self._process.wait()
        try:
            if kind is None and code != 0:
                raise self._failed()
        finally:
            self._log.close()
            self._path.with_suffix(".log").unlink(missing_ok=True)

    def _failed(self) -> OutputError:
        self._log.seek(0)
        return OutputError(
            expected=f"ffmpeg to encode the video {self._path.name}",
            came=self._log.read().decode(errors="replace") or f"exit code {self._process.returncode}",
            fix="make room on the disk, or install an imageio-ffmpeg whose ffmpeg has libx264",
        )


class VideoFiles:
    """The files of one video key: parts are gathered until a file is full, then joined."""

    def __init__(self, root: Path, scratch: Path, key: str, fps: int, sizes: FileSizes) -> None:
        """``root`` is the dataset's folder; ``scratch`` holds the parts of the file under way."""
        self._root, self._scratch, self._key, self._fps, self._sizes = root, scratch, key, fps, sizes
        self._number = FileNumber()
        self._parts: list[Path] = []
        self._bytes = self._frames = self._made = 0

    def part_path(self) -> Path:
        """Where to write the next episode's part."""
        self._made += 1
        return self._scratch / f"part-{self._made:06d}.mp4"

    def place(self, part: Path, frames: int) -> dict[str, int | float]:
        """Takes a finished part in; where it lies now, as columns of ``meta/episodes``."""
        size = part.stat().st_size
        if self._parts and self._bytes + size >= self._sizes.video_mb * MIB:
            self.close()
            self._number = self._number.following(self._sizes.files_a_chunk)
        begin = self._frames
        self._parts.append(part)
        self._bytes += size
        self._frames += frames
        column = f"videos/{self._key}/"
        return {
            f"{column}chunk_index": self._number.chunk,
            f"{column}file_index": self._number.file,
            f"{column}from_timestamp": begin / self._fps,
            f"{column}to_timestamp": (begin + frames) / self._fps,
        }

    def close(self) -> None:
        """Joins the parts of the file under way, and looks at the result.

        Raises:
            OutputError: ffmpeg failed, or a frame is not at its time.
        """
        if not self._parts:
            return
        path = self._root / self._number.path(VIDEO_PATH, video_key=self._key)
        path.parent.mkdir(parents=True, exist_ok=True)
        listing = self._scratch / "parts.txt"
        listing.write_text("".join(f"file {part.name}\n" for part in self._parts))
        scale = [
            "-video_track_timescale",
            str(self._fps * 1000),
            "-movflags",
            "+faststart",
            "-fflags",
            "+bitexact",
        ]
        command = ["-y", "-f", "concat", "-i", str(listing), "-c", "copy", *scale, str(path)]
        done = subprocess.run([_ffmpeg(), *_QUIET, *command], capture_output=True, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise OutputError(
                expected=f"ffmpeg to join {len(self._parts)} videos into {path.name}",
                came=done.stderr.decode(errors="replace") or f"exit code {done.returncode}",
                fix="make room on the disk",
            )
        require_times(path, self._frames, self._fps)
        for part in self._parts:
            part.unlink()
        self._parts, self._bytes, self._frames = [], 0, 0


def frame_times(path: Path) -> Float[np.ndarray, " n"]:
    """The presentation time of every frame of a video, seconds, in order; nothing is decoded.

    Raises:
        ArchiveError: no video that ffmpeg reads.
    """
    command = ["-i", str(path), "-map", "0:v:0", "-c", "copy", "-copyts", "-f", "framecrc", "-"]
    lines = _read(path, command).decode().splitlines()
    base = next(line.split(":")[1] for line in lines if line.startswith("#tb 0"))
    numerator, denominator = (int(part) for part in base.split("/"))
    stamps = [int(line.split(",")[2]) for line in lines if not line.startswith("#")]
    return np.sort(np.array(stamps, np.float64)) * numerator / denominator


def require_times(path: Path, frames: int, fps: int, tolerance_s: float = 1e-4) -> None:
    """Raises :class:`OutputError` unless a video has ``frames`` frames, frame i at i / ``fps`` seconds."""
    times = frame_times(path)
    if len(times) == frames:
        worst = float(np.abs(times - np.arange(frames) / fps).max(initial=0.0))
        if worst < tolerance_s:
            return
        came = f"a frame {worst:g} s beside its time"
    else:
        came = f"{len(times)} frames"
    raise OutputError(
        expected=f"{frames} frames at {fps} a second in {path.name}", came=came, fix="export again"
    )


def decode(path: Path, first: int, count: int, size: tuple[int, int]) -> Sequence[Rgb]:
    """Frames ``first`` to ``first + count - 1`` of a video of (height, width) ``size``, as RGB.

    Raises:
        ArchiveError: no video that ffmpeg reads, or it ends before.
    """
    chosen = f"select=between(n\\,{first}\\,{first + count - 1}),setpts=N/FRAME_RATE/TB"
    command = [
        "-i",
        str(path),
        "-vf",
        chosen,
        "-frames:v",
        str(count),
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        "-",
    ]
    pixels = np.frombuffer(_read(path, command), np.uint8)
    if pixels.size != count * size[0] * size[1] * 3:
        raise ArchiveError(
            expected=f"frames {first} to {first + count - 1} of {size[0]} x {size[1]} pixels in {path.name}",
            came=f"{pixels.size} bytes",
            fix="export the dataset again",
        )
    return list(pixels.reshape(count, *size, 3))


def _read(path: Path, command: Sequence[str]) -> bytes:
    done = subprocess.run([_ffmpeg(), *_QUIET, *command], capture_output=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise ArchiveError(
            expected=f"a video at {path}",
            came=done.stderr.decode(errors="replace") or f"ffmpeg's exit code {done.returncode}",
            fix="export the dataset again",
        )
    return done.stdout


def _ffmpeg() -> str:
    import imageio_ffmpeg

    try:
        named = str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError:
        named = "none"
    program = shutil.which(named)
    if program is None:
        raise MissingPartError(
            expected="the ffmpeg that comes with imageio-ffmpeg",
            came=named,
            fix="pip install --force-reinstall imageio-ffmpeg, or point IMAGEIO_FFMPEG_EXE at an ffmpeg",
        )
    return program


_QUIET = ("-hide_banner", "-loglevel", "error")
