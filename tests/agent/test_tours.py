from dataclasses import replace
from importlib import import_module

import gymnasium
import pytest
from rounds import Rounds, walker

from placecell.agent.loop import Agent
from placecell.agent.results import read_results
from placecell.agent.runner import run
from placecell.agent.tours import ARMS, Arm
from placecell.errors import ConfigError, EnvironmentUseError
from placecell.memory import FrameList, NoMemory, SpatialMemory

VISITED = [0.0, 1.0, 2.0, 3.0]


@pytest.fixture
def tour(tmp_path):
    """Walks two tours in an arm: the environment, the agent, what the memory held as each visit began."""

    def go(arm, episodes=6, **options):
        env, agent, held = Rounds(**options), walker(), []
        begin = agent.policy.begin_episode

        def note(rng):
            held.append((list(agent.memory.cells), agent.memory.labels))
            begin(rng)

        agent.policy.begin_episode = note
        run(env, agent, episodes=episodes, seed=0, out=tmp_path / arm, config={}, arm=arm)
        return env, agent, held

    return go


@pytest.mark.parametrize(
    ("arm", "begins", "keeps"),
    [
        ("cold", [], False),
        ("warm", [], True),
        ("known", [10.0, 11.0], True),
        ("foreign", [20.0, 21.0], False),
        ("geometry", [], True),
        ("stale", [30.0, 31.0], True),
    ],
)
def test_what_the_memory_holds_when_a_visit_begins(tour, arm, begins, keeps):
    _, _, held = tour(arm)
    one_tour = [begins + keeps * visit * VISITED for visit in range(3)]
    assert [cells for cells, _ in held] == one_tour * 2  # nothing of the first house reaches the second
    assert all(labels == (arm != "geometry") for _, labels in held)


@pytest.mark.parametrize(
    ("arm", "log"),
    [
        ("cold", ["cold"] * 3),
        ("warm", ["cold", *["pack", "warm"] * 2]),
        ("known", ["cold", "warm", *["pack", "warm"] * 2]),
        ("foreign", ["cold", "pack", "warm", "unpack", "warm", "unpack", "warm"]),
        ("geometry", ["cold", "forget labels", *["pack", "warm", "forget labels"] * 2]),
    ],
)
def test_the_memory_is_told_in_order(tour, arm, log):
    header, *told = tour(arm)[1].memory.log
    assert header == "pack"  # what the recordings' headers say of the memory
    assert told == log * 2


def test_a_house_is_surveyed_once_a_tour(tour):
    assert tour("known")[0].surveys == ["same"] * 2
    assert tour("warm")[0].surveys == []
    assert tour("foreign")[0].surveys == ["foreign"] * 3  # and once before the run, to know that it can be


def test_a_survey_is_written_in_steps_from_zero_through_the_agents_perception():
    env, agent = Rounds(), walker()
    steps, shown = [], []
    agent.memory.write = lambda frame: steps.append(frame.step)
    perceive = agent.perception

    def watched(observation, step):
        shown.append(float(observation["cell"][0]))
        return perceive(observation, step)

    arm = Arm("known", env, Agent(watched, agent.memory, agent.policy))
    _, info = env.reset(options={"episode": 0})
    arm.prepare(info)
    assert (steps, shown) == ([0, 1], [10.0, 11.0])


@pytest.mark.parametrize("memory", [SpatialMemory, FrameList])
def test_a_real_memory_is_brought_back_to_the_foreign_house_before_every_visit(tmp_path, memory):
    agent, found = walker(memory=memory()), []
    agent.policy.begin_episode = lambda rng: found.append(agent.memory.stats()["items"])
    for arm in ("foreign", "warm", "cold"):
        run(Rounds(), agent, episodes=3, seed=0, out=tmp_path / arm, config={}, arm=arm)
    foreign, warm, cold = found[:3], found[3:6], found[6:]
    assert foreign[0] == foreign[1] == foreign[2] > 0
    assert warm[0] == 0 < warm[1] <= warm[2]
    assert cold == [0, 0, 0]


def test_the_arms_walk_the_same_episodes(tour, tmp_path):
    for arm in ARMS:
        tour(arm)
    names = {tuple((r.scene_id, r.episode_id) for r in read_results(tmp_path / arm)) for arm in ARMS}
    assert len(names) == 1


def test_tags_reach_the_results_with_the_memorys_size(tour, tmp_path):
    tour("warm")
    results = read_results(tmp_path / "warm")
    assert results[2].tags == {
        "kind": "object", "tour": 0, "visit": 2, "seen_before": True, "memory_bytes": 96, "memory_items": 12,
    }  # fmt: skip
    assert [r.tags["memory_items"] for r in results] == [4, 8, 12] * 2


@pytest.mark.parametrize(
    ("arm", "tagged"), [("warm", True), ("known", True), ("cold", False), ("foreign", False)]
)
def test_after_a_crash_the_tour_goes_on_and_says_that_the_memory_lacks_a_part(tour, tmp_path, arm, tagged):
    _, _, held = tour(arm, break_at=(0, 2))
    results = read_results(tmp_path / arm)
    assert [r.status for r in results] == ["crashed", *["done"] * 5]
    assert [r.tags.get("after_crash", False) for r in results] == [False, tagged, tagged, *[False] * 3]
    if arm == "warm":
        assert held[1][0] == VISITED[:3]


def test_a_reset_that_breaks_never_leaves_another_house_in_the_memory(tmp_path):
    env, agent, held = Rounds(), walker(), []
    reset = env.reset

    def refuse(*, seed=None, options=None):
        if options["episode"] == 3:
            raise ValueError("no floor")
        return reset(seed=seed, options=options)

    env.reset = refuse
    agent.policy.begin_episode = lambda rng: held.append(list(agent.memory.cells))
    run(env, agent, episodes=6, seed=0, out=tmp_path, config={}, arm="warm")
    assert held[3:] == [[], VISITED]
    assert [r.tags.get("after_crash") for r in read_results(tmp_path)[4:]] == [True, True]


def test_a_survey_that_breaks_is_begun_again_at_the_next_visit(tmp_path):
    env, agent, held = Rounds(), walker(), []
    survey = env.survey

    def break_once(house):
        for n, observation in enumerate(survey(house)):
            if n == 1 and len(env.surveys) == 1:
                raise RuntimeError("lights out")
            yield observation

    env.survey = break_once
    agent.policy.begin_episode = lambda rng: held.append(list(agent.memory.cells))
    run(env, agent, episodes=3, seed=0, out=tmp_path, config={}, arm="known")
    assert [r.status for r in read_results(tmp_path)] == ["crashed", "done", "done"]
    assert held == [[10.0, 11.0], [10.0, 11.0, *VISITED]]


def test_an_unknown_arm_is_one_line_with_the_known_ones(tmp_path):
    known = "cold, warm, known, foreign, geometry, stale"
    with pytest.raises(ConfigError, match=rf"an arm: {known}, got 'hot'; set task.arm to one of these"):
        run(Rounds(), walker(), episodes=1, seed=0, out=tmp_path / "x", config={}, arm="hot")
    assert not (tmp_path / "x").exists()


def test_an_arm_needs_tours(toybot, tmp_path):
    env = import_module("toybot.corridor").Corridor({}, 0, 3)
    agent = import_module("toybot.walker").walker(env, walker().memory)
    cases = {
        "warm": r"an environment with visits_per_tour, which the arm warm needs, got Corridor without;",
        "known": r"an environment with survey\('same'\), which the arm known needs, got Corridor without;",
    }
    for arm, message in cases.items():
        with pytest.raises(ConfigError, match=message):
            run(env, agent, episodes=3, seed=0, out=tmp_path / "x", config={}, arm=arm)
    env.visits_per_tour = 1
    with pytest.raises(ConfigError, match="whose tags name the tour and the visit, got the tags none; walk"):
        run(env, agent, episodes=3, seed=0, out=tmp_path / "x", config={}, arm="warm")
    assert not (tmp_path / "x").exists()
    assert run(env, agent, episodes=3, seed=0, out=tmp_path / "x", config={}).counts["done"] == 3


def test_a_world_without_another_house_is_told_before_the_run(tmp_path):
    class Alone(Rounds):
        def survey(self, house):
            raise EnvironmentUseError(expected="houses with neighbours", came="one scene", fix="none")
            yield

    with pytest.raises(ConfigError, match="the arm foreign needs: houses with neighbours, got one scene"):
        run(Alone(), walker(), episodes=1, seed=0, out=tmp_path / "x", config={}, arm="foreign")


def test_a_wrapped_environment_is_surveyed_too(tmp_path):
    env = gymnasium.wrappers.TimeLimit(Rounds(), 50)
    summary = run(env, walker(), episodes=6, seed=0, out=tmp_path / "x", config={}, arm="known")
    assert summary.counts["done"] == 6


def test_only_a_memory_that_keeps_something_recalls_earlier_visits():
    env = Rounds()
    kept, nothing = (replace(walker(), memory=memory) for memory in (SpatialMemory(), NoMemory()))
    recalls = {name: (Arm(name, env, kept).recalls, Arm(name, env, nothing).recalls) for name in ARMS}
    assert {name for name, (some, _) in recalls.items() if some} == {"warm", "known", "stale"}
    assert not any(none for _, none in recalls.values())
