"""What happened in an episode, in files that survive a kill, and the way back: ``docs/recording.md``.

>>> from placecell.agent.recording import RecordOptions
>>> RecordOptions.of({"level": "full"})
RecordOptions(level='full', every=1)
"""

from .hashes import observation_hash
from .options import RecordOptions
from .reader import Recording
from .recorder import NoRecorder, Recorder, make_recorder
from .steps import RecordedItem, RecordedStep

__all__ = [
    "NoRecorder",
    "RecordOptions",
    "RecordedItem",
    "RecordedStep",
    "Recorder",
    "Recording",
    "make_recorder",
    "observation_hash",
]
