"""The agent that comes with placecell, in the built-in home."""

import numpy as np
import pytest

from placecell.agent.loop import run_episode
from placecell.agent.make import modular
from placecell.agent.recording import Recording, RecordOptions, make_recorder
from placecell.memory import GrowingMap, SpatialMemory


@pytest.fixture(scope="module")
def recorded(home, tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    agent = modular(home, SpatialMemory(), k=4)
    recorder = make_recorder(RecordOptions("full"), home, agent)
    steps = []

    class EnoughError(Exception):
        pass

    def stop(step):
        steps.append(step)
        if step.index == 11:
            raise EnoughError

    def prepare(info):
        agent.memory.begin_episode("cold")
        recorder.begin(folder, {"episode": 0, "start": info["pose"]})

    with pytest.raises(EnoughError):
        run_episode(
            home, agent, seed=3, episode=0, rng=np.random.default_rng(0), on_step=(recorder.add, stop),
            prepare=prepare,
        )  # fmt: skip
    return Recording.read(folder), steps, agent


def test_all_that_the_agent_says_can_be_kept(recorded):
    recording, steps, _ = recorded
    assert len(recording.steps) == 12
    assert not recording.complete
    assert [step.trace for step in recording.steps] == [step.decision.trace for step in steps]


def test_another_memory_that_is_shown_the_recording_becomes_this_one(recorded):
    recording, _, agent = recorded
    other, copy = SpatialMemory(), GrowingMap()
    for step in recording.steps:
        other.write(recording.frame(step.index))
        copy.apply(recording.growth(step.index))
    want = agent.memory.growth()
    assert len(want.cells) > 100
    for cells, labels in ((copy.cells, copy.labels), (other.growth().cells, other.growth().labels)):
        assert (cells == want.cells).all()
        assert (labels == want.labels).all()
