import json

import pytest
from rounds import Diary, Rounds, walker

from placecell.agent import runner
from placecell.agent.attempt import Walker
from placecell.agent.plan import Leg, Plan
from placecell.agent.results import read_results
from placecell.agent.runner import run
from placecell.agent.tours import ARMS
from placecell.errors import ArchiveError, ConfigError, OutputError
from placecell.memory import FrameList, NoMemory, SpatialMemory, archive


def lines(out):
    return [{**json.loads(line), "seconds": 0} for line in (out / "results.jsonl").read_text().splitlines()]


def walk(out, arm, *, stop=None, memory=None, episodes=6, **options):
    """A run in a process of its own, so to speak: nothing is kept but the folder."""
    env, agent = Rounds(**options), walker(memory=memory)
    step = env.step

    def interrupted(action):
        if env.episode == stop and env.steps == 1:
            raise KeyboardInterrupt
        return step(action)

    env.step = interrupted
    if stop is not None:
        with pytest.raises(KeyboardInterrupt):
            run(env, agent, episodes=episodes, seed=0, out=out, config={}, arm=arm)
    else:
        run(env, agent, episodes=episodes, seed=0, out=out, config={}, arm=arm)
    return env, agent


@pytest.mark.parametrize("memory", [Diary, SpatialMemory, FrameList, NoMemory])
@pytest.mark.parametrize("arm", ARMS)
def test_a_tour_that_was_cut_off_anywhere_comes_to_the_same_end(tmp_path, arm, memory):
    walk(tmp_path / "calm", arm, memory=memory())
    for stop in range(6):
        out = tmp_path / f"{stop}"
        walk(out, arm, memory=memory(), stop=stop)
        walk(out, arm, memory=memory())
        assert lines(out) == lines(tmp_path / "calm")
        assert not (out / "tours").exists()


def test_a_house_is_not_surveyed_again(tmp_path):
    walk(tmp_path / "run", "known", stop=2)
    env, agent = walk(tmp_path / "run", "known", episodes=3 + 3)
    assert env.surveys == ["same"]  # of the second tour
    assert agent.memory.log[1:3] == ["unpack", "warm"]


def test_a_visit_whose_line_was_never_written_is_walked_again(tmp_path):
    walk(tmp_path / "calm", "warm")
    walk(tmp_path / "run", "warm", stop=2)
    path = tmp_path / "run" / "results.jsonl"
    path.write_text(path.read_text().splitlines(keepends=True)[0])  # killed between checkpoint and line
    walk(tmp_path / "run", "warm")
    assert lines(tmp_path / "run") == lines(tmp_path / "calm")


def test_without_its_checkpoint_a_tour_is_rebuilt_by_walking(tmp_path):
    walk(tmp_path / "calm", "warm")
    walk(tmp_path / "run", "warm", stop=5)
    for path in (tmp_path / "run" / "tours" / "00003").iterdir():
        path.unlink()
    walk(tmp_path / "run", "warm")
    assert lines(tmp_path / "run") == lines(tmp_path / "calm")


def test_a_crash_before_the_cut_is_remembered(tmp_path):
    walk(tmp_path / "calm", "warm", break_at=(0, 2))
    walk(tmp_path / "run", "warm", break_at=(0, 2), stop=2)
    walk(tmp_path / "run", "warm", break_at=(0, 2))
    assert lines(tmp_path / "run") == lines(tmp_path / "calm")
    assert [r.tags.get("after_crash") for r in read_results(tmp_path / "run")[1:3]] == [True, True]


def test_a_visit_that_was_lost_is_not_walked_again_and_those_after_it_say_so(tmp_path):
    agent = walker()
    walker_ = Walker(Rounds(), agent, Plan(0, "warm"), tmp_path)
    results = list(walker_.walk(Leg(0, (2,), lost=(1,))))
    assert [r.episode for r in results] == [2]
    assert results[0].tags["after_crash"] is True
    assert agent.memory.cells == [0.0, 1.0, 2.0, 3.0] * 2  # of visits 0, walked again, and 2


def test_no_more_than_two_checkpoints_of_a_tour_are_kept(tmp_path):
    Rounds.visits_per_tour, before = 6, Rounds.visits_per_tour
    try:
        walk(tmp_path, "warm", stop=5)
    finally:
        Rounds.visits_per_tour = before
    assert sorted(p.name for p in (tmp_path / "tours" / "00000").iterdir()) == [
        "00004.json", "00004.memory", "00005.json", "00005.memory",
    ]  # fmt: skip


def test_a_damaged_checkpoint_is_one_line(tmp_path):
    walk(tmp_path, "warm", stop=2)
    (tmp_path / "tours" / "00000" / "00002.json").write_text("{")
    with pytest.raises(
        ArchiveError, match=r"checkpoint of version 1 in .*00002.json, got JSONDecodeError.*remove"
    ):
        run(Rounds(), walker(), episodes=6, seed=0, out=tmp_path, config={}, arm="warm")
    assert len(read_results(tmp_path)) == 2


def test_a_memory_of_another_kind_is_one_line(tmp_path):
    walk(tmp_path, "warm", stop=2)
    with pytest.raises(ArchiveError, match="SpatialMemory"):
        run(Rounds(), walker(memory=SpatialMemory()), episodes=6, seed=0, out=tmp_path, config={}, arm="warm")


def test_an_environment_with_tours_has_to_give_them_away(tmp_path):
    class Bare(Rounds):
        def __getattribute__(self, name):
            if name == "go_on_with":
                raise AttributeError(name)
            return super().__getattribute__(name)

    with pytest.raises(
        ConfigError, match="has tour_so_far, go_on_with, got Bare without go_on_with; add them"
    ):
        run(Bare(), walker(), episodes=6, seed=0, out=tmp_path / "x", config={}, arm="warm")
    assert not (tmp_path / "x").exists()


def test_what_a_kill_leaves_of_a_finished_tour_is_cleared_away(tmp_path, monkeypatch):
    def killed(out, first):
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "forget_tour", killed)
    with pytest.raises(KeyboardInterrupt):
        walk(tmp_path / "run", "warm")
    monkeypatch.undo()
    assert (tmp_path / "run" / "tours" / "00000").exists()
    walk(tmp_path / "run", "warm")
    assert not (tmp_path / "run" / "tours").exists()


def test_a_disk_that_has_no_room_for_a_memory_is_told_as_any_other_is(tmp_path, monkeypatch):
    def full(path, header, arrays):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archive, "write_whole", full)
    with pytest.raises(
        OutputError, match=r"got No space left on device .*make room, .* run the same command"
    ):
        walk(tmp_path / "run", "warm")
