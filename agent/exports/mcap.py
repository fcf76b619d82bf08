"""An episode as an MCAP file, to be opened with Foxglove or any reader of MCAP."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from placecell.errors import ConfigError

from ..recording.plain import to_line
from .foxglove import SCHEMAS
from .mcap_messages import CHANNELS, Messages
from .output import missing_part, targets, whole_file
from .walked import Walked

_CHUNK_BYTES = 4 << 20


def export(recordings: Path | Sequence[Path], out: Path, *, step_s: float = 1.0, map_every: int = 1) -> Path:
    """Writes recorded episodes as MCAP files: JSON messages in chunks compressed with zstd.

    A recording has no clock: its moments, as :class:`~.walked.Walked` counts them, are ``step_s`` apart, the
    first at 0; log time and publish time are the same.

    - ``/tf``: ``world`` (z up) to ``body``, where it truly was, and to ``episode``, the frame that the agent
      believes in; ``episode`` to ``camera`` (x right, y down, z forward).
    - ``/camera/rgb`` PNG, ``/camera/depth`` float32 metres, nothing rounded; ``/camera/calibration`` where it
      changes; ``/map`` the memory's occupied cells (``x``, ``y``, ``z``, ``label``) where they changed.
    - ``/path``, ``/true_path``, ``/goals`` once, at the first moment; ``/recalled_points`` with ``score``.
    - ``/decision`` (action, trace, the memory's size), ``/recalled``, ``/outcome`` (measures, collision) in
      schemas of our own, and ``/log``, the same to read.

    The recording's header and end are attached as ``header.json`` and ``end.json``; what a recording doesn't
    have (the images and the map of a light one) is left out, and the metadata ``placecell`` says so.

    Args:
        recordings: an episode's folder, or several.
        out: a ``.mcap`` file for one episode, else a folder.
        step_s: seconds between two moments.
        map_every: the map, which is whole each time, at every so-manieth step and at the last one; for long
            walks through large places, of which it is most of the file.

    Returns:
        ``out``.

    Raises:
        MissingPartError: mcap is not installed.
        ArchiveError: no recording, or a damaged one.
        ConfigError: several episodes for one file, or a ``step_s`` or ``map_every`` out of range.
        OutputError: ``out`` cannot be written.
    """
    try:
        from mcap.writer import Writer
    except ImportError as error:
        raise missing_part("mcap", "mcap") from error
    if not 1e-9 <= step_s <= 1e6:
        raise ConfigError(
            expected="step_s of a nanosecond to 1e6 seconds", came=f"{step_s}", fix="leave it at 1.0"
        )
    if map_every < 1:
        raise ConfigError(expected="map_every of 1 or more steps", came=f"{map_every}", fix="leave it at 1")
    for folder, path in targets(recordings, out, ".mcap"):
        walked = Walked.read(folder)
        with whole_file(path) as beside, beside.open("wb") as file:
            writer = Writer(file, chunk_size=_CHUNK_BYTES)
            writer.start(profile="", library="placecell")
            _attach(writer, walked, step_s)
            _write(writer, Messages(walked, round(step_s * 1e9), map_every))
            writer.finish()
    return out


def _attach(writer: Any, walked: Walked, step_s: float) -> None:
    about = {"about": "\n".join(walked.notes), "step_s": str(step_s)}
    writer.add_metadata("placecell", about)
    for name, value in (("header", walked.recording.header), ("end", walked.recording.end)):
        if value is not None:
            content = json.dumps(dict(value), indent=1).encode()
            writer.add_attachment(0, 0, f"{name}.json", "application/json", content)


def _write(writer: Any, messages: Messages) -> None:
    schemas: dict[str, int] = {}
    channels: dict[str, int] = {}
    counts = dict.fromkeys(CHANNELS, 0)
    for time_ns, topic, message in messages.all():
        schema = CHANNELS[topic]
        if schema not in schemas:
            content = {"title": schema, **SCHEMAS[schema]}
            schemas[schema] = writer.register_schema(schema, "jsonschema", json.dumps(content).encode())
        if topic not in channels:
            channels[topic] = writer.register_channel(topic, "json", schemas[schema])
        writer.add_message(channels[topic], time_ns, to_line(message, {}), time_ns, counts[topic])
        counts[topic] += 1
