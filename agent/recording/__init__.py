"""What happened in an episode, in files that survive a kill, and the way back: ``docs/recording.md``.

>>> from placecell.agent.recording import RecordOptions
>>> RecordOptions.of({"level": "full"})
RecordOptions(level='full', every=1)
"""

from .hashes import observation_hash
from .header import HEADER_FILE
from .options import RecordOptions
from .plain import Entered, points_of, pose_of
from .reader import Recording
from .recorder import NoRecorder, Recorder, make_recorder
from .steps import RecordedItem, RecordedStep
from .surroundings import Surroundings

__all__ = [
    "HEADER_FILE",
    "Entered",
    "NoRecorder",
    "RecordOptions",
    "RecordedItem",
    "RecordedStep",
    "Recorder",
    "Recording",
    "Surroundings",
    "make_recorder",
    "observation_hash",
    "points_of",
    "pose_of",
]
