"""An episode as a Rerun recording, to be looked at with ``rerun FILE.rrd``.

The file is written with Rerun's chunk writer, which raises where a disk is full. Its recording stream would
only log that, from a thread of its own.
"""

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .output import missing_part, targets, whole_file
from .rerun_chunks import Chunks
from .walked import Walked


def export(recordings: Path | Sequence[Path], out: Path) -> Path:
    """Writes recorded episodes as Rerun recordings.

    On the timeline ``step``, with moments as :class:`~.walked.Walked` counts them:

    - ``/world`` (z up): ``body`` where it truly was; ``true_path`` and ``collisions`` of the whole episode.
    - ``/world/episode``, the frame that the agent believes in: ``camera`` with its ``rgb`` and ``depth``
      (float32, metres), ``path``, ``goals``, ``recalled`` (points, with their scores as scalars), and
      ``map/X_Y_Z``: each a block of the memory's occupied cells, given anew when it changes.
    - ``/measures/*``, ``/memory/*``, ``/collided``, ``/goal_in_view``: scalars. ``/decision``: the traces as
      text. ``/about``, ``/header``, ``/end``: what the recording is of, and how the episode went.

    What a recording doesn't have (the images and the map of a light one) is left out; ``/about`` says so.

    Args:
        recordings: an episode's folder, or several.
        out: a ``.rrd`` file for one episode, else a folder.

    Returns:
        ``out``.

    Raises:
        MissingPartError: rerun-sdk is not installed.
        ArchiveError: no recording, or a damaged one.
        ConfigError: several episodes for one file.
        OutputError: ``out`` cannot be written.
    """
    try:
        from rerun.chunk import LazyChunkStream
        from rerun.error_utils import RerunWarning
    except ImportError as error:
        raise missing_part("rerun-sdk", "rerun") from error
    for folder, path in targets(recordings, out, ".rrd"):
        walked = Walked.read(folder)
        chunks = _Kept(Chunks(walked).all())
        # What Rerun cannot take it leaves out with a warning: nothing is to be left out.
        with whole_file(path) as beside, warnings.catch_warnings():
            warnings.simplefilter("error", RerunWarning)
            try:
                LazyChunkStream.from_iter(chunks).write_rrd(
                    beside, application_id="placecell", recording_id=walked.identity
                )
            except RuntimeError as error:
                # Rerun gives every error one class: what our side raised comes out as it was.
                raise (chunks.raised or OSError(str(error))) from error
    return out


class _Kept:
    """An iterator that keeps the error that it ended with."""

    def __init__(self, chunks: Iterator[Any]) -> None:
        self._chunks = chunks
        self.raised: Exception | None = None

    def __iter__(self) -> "_Kept":
        return self

    def __next__(self) -> Any:
        try:
            return next(self._chunks)
        except StopIteration:
            raise
        except Exception as error:
            self.raised = error
            raise
