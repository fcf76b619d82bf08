"""A batch of walks in one process: the same numbers as single environments, stacked."""

import gymnasium
import numpy as np
import pytest

import placecell.envs  # noqa: F401
from placecell.envs.graph.vector import GraphNavVectorEnv, make_graph_vector_env, random_walks
from placecell.errors import ConfigError, EnvironmentUseError, EpisodeError

ID = "placecell/GraphNav-v0"
HOUSES, TOWN = {"world": "r2r"}, {"world": "streets", "dataset": "made_streets"}


@pytest.fixture
def batch(data):
    return make_graph_vector_env(3, **HOUSES)


def assert_same_observations(came, expected):
    assert came.keys() == expected.keys()
    for key, value in expected.items():
        if key == "instruction":
            assert came[key] == value
        else:
            assert came[key].dtype == value.dtype
            np.testing.assert_allclose(came[key], value, rtol=0, atol=1e-5, err_msg=key)


def assert_same_measures(came, expected, ended):
    """What both tell of the walks that have ended."""
    assert came["_measures"].tolist() == ended.tolist()
    told, known = came["measures"], expected["measures"]
    names = [name for name in known if not name.startswith("_")]
    assert names
    for name in names:
        assert (told[f"_{name}"] & ended).tolist() == (known[f"_{name}"] & ended).tolist()
        assert told[name][ended].tolist() == known[name][ended].tolist()


def walk_both(number, steps, seed, **options):
    """Walks a batch and Gymnasium's stack of single environments by the same actions; how many ended how."""
    many = gymnasium.make_vec(ID, num_envs=number, vectorization_mode="vector_entry_point", **options)
    single = gymnasium.make_vec(ID, num_envs=number, vectorization_mode="sync", **options)
    rng = np.random.default_rng(seed)
    (seen, told), (expected, known) = many.reset(seed=seed), single.reset(seed=seed)
    ends = np.zeros(4, int)
    for step in range(steps):
        assert_same_observations(seen, expected)
        assert told["episode_id"].tolist() == known["episode_id"].tolist()
        assert many.observation_space.contains(seen)
        actions = rng.integers(many.single_action_space.n, size=number)
        actions[(actions == 0) & (step % 3 > 0)] = 1
        seen, rewards, terminated, truncated, told = many.step(actions)
        expected, known_rewards, known_terminated, known_truncated, known = single.step(actions)
        assert terminated.tolist() == known_terminated.tolist()
        assert truncated.tolist() == known_truncated.tolist()
        assert rewards == pytest.approx(known_rewards, abs=1e-12)
        ended = terminated | truncated
        if ended.any():
            assert_same_measures(told, known, ended)
        ends += [terminated.sum(), truncated.sum(), (ended & (rewards >= 1)).sum(), seen["collided"].sum()]
    many.close()
    single.close()
    return ends.tolist()


@pytest.mark.parametrize(
    "options",
    [
        {**HOUSES, "max_steps": 6},
        {**HOUSES, "split": "test", "max_steps": 6},
        *({**TOWN, "actions": actions, "max_steps": 9} for actions in ("local", "orar", "velma")),
    ],
)
def test_a_batch_goes_as_a_stack_of_single_environments_goes(data, options):
    stopped, truncated, won, collided = walk_both(5, 120, 3, **options)
    assert min(stopped, truncated, collided) > 5
    assert (won > 0) == (options.get("split") != "test")


@pytest.mark.real_data
def test_a_batch_of_real_walks_goes_so_too():
    stopped, truncated, _, collided = walk_both(4, 90, 1, **HOUSES)
    assert min(stopped + truncated, collided) > 5


def test_gymnasium_takes_the_batch_unasked(data):
    many = gymnasium.make_vec(ID, num_envs=2, **HOUSES)
    assert isinstance(many, GraphNavVectorEnv)
    assert many.metadata["autoreset_mode"] is gymnasium.vector.AutoresetMode.NEXT_STEP
    assert many.action_names[:2] == ("stop", "candidate_0")
    assert gymnasium.wrappers.vector.RecordEpisodeStatistics(many).reset(seed=1)[0].keys()


def test_the_step_after_an_end_resets_and_ignores_its_action(batch):
    batch.reset(seed=2)
    first = [generator_draw(2 + walk, 2) for walk in range(3)]
    _, _, terminated, _, told = batch.step(np.array([0, 1, 1]))
    assert terminated.tolist() == [True, False, False]
    assert told["episode"].tolist() == [one[0] for one in first]
    seen, rewards, terminated, truncated, told = batch.step(np.array([0, 1, 1]))
    assert not terminated[0]
    assert not truncated[0]
    assert rewards[0] == 0
    assert told["episode"].tolist() == [first[0][1], first[1][0], first[2][0]]
    assert seen["gps"][0].tolist() == [0, 0, 0]


def generator_draw(seed, count):
    """The episodes that a single environment of this seed would draw one after another."""
    rng = gymnasium.utils.seeding.np_random(seed)[0]
    return [int(rng.integers(8)) for _ in range(count)]


def test_episodes_can_be_chosen_for_all_and_one_by_one(batch):
    assert batch.number_of_episodes == 8
    assert batch.reset(options={"episode": 4})[1]["episode"].tolist() == [4, 4, 4]
    assert batch.reset(options={"episode": [7, 0, 3]})[1]["episode"].tolist() == [7, 0, 3]


def test_a_seed_gives_the_same_walks_and_another_goes_on(batch):
    one, again = [batch.reset(seed=5)[1]["episode"].tolist() for _ in range(2)]
    assert one == again
    drawn = [tuple(batch.reset()[1]["episode"]) for _ in range(20)]
    assert len(set(drawn)) > 3


def test_arrays_are_the_receivers_own(batch):
    untouched = make_graph_vector_env(3, **HOUSES)
    batch.reset(seed=1), untouched.reset(seed=1)
    for actions in np.random.default_rng(0).integers(1, 3, (8, 3)):
        came, expected = batch.step(actions), untouched.step(actions)
        assert_same_observations(came[0], expected[0])
        assert came[1].tolist() == expected[1].tolist()
        arrays = [came[0][key] for key in came[0] if key != "instruction"]
        for array in (*arrays, *came[1:4], came[4]["episode"]):
            array[...] = 1


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"actions": "global"}, "got env.actions=global; take single environments"),
        ({"semantics": True}, "got the observation object_box; take single environments"),
        ({"task": {"name": "tour"}}, "got task=tour; take single environments"),
    ],
)
def test_what_a_batch_has_not_is_one_line(data, options, complaint):
    with pytest.raises(ConfigError, match=f"expected a batch of single instructions.*{complaint}"):
        make_graph_vector_env(2, **HOUSES, **options)


def test_a_batch_of_none_is_refused(data):
    with pytest.raises(ConfigError, match="num_envs of 1 or more, got 0"):
        make_graph_vector_env(0, **HOUSES)


@pytest.mark.parametrize(
    ("actions", "came"),
    [
        ([0, 1], r"got int64 \(2,\): \[0 1\]"),
        ([0, 1, 99], r"got int64 \(3,\): \[ 0 1 99\]"),
        ([0, 1, -1], r"got .*-1\]"),
        ([0.5, 1, 1], "got float64"),
    ],
)
def test_actions_that_do_not_exist_are_one_line(batch, actions, came):
    batch.reset(seed=0)
    with pytest.raises(
        EnvironmentUseError, match=f"expected 3 actions from 0 to 3, an integer for each walk, {came}"
    ):
        batch.step(np.array(actions))


def test_calls_out_of_turn_are_one_line(batch):
    with pytest.raises(EnvironmentUseError, match=r"reset\(\) before step\(\)"):
        batch.step(np.zeros(3, int))
    with pytest.raises(EpisodeError, match="an episode from 0 to 7, got 9"):
        batch.reset(options={"episode": 9})
    with pytest.raises(EpisodeError, match="an episode from 0 to 7, got '1'"):
        batch.reset(options={"episode": ["1", 1, 1]})
    with pytest.raises(EnvironmentUseError, match="one episode for each of 3 walks, got 2"):
        batch.reset(options={"episode": [1, 2]})
    with pytest.raises(EnvironmentUseError, match="one seed for each of 3 walks, got 1"):
        batch.reset(seed=[1])


def test_random_walks_tell_how_many_steps_were_taken(batch):
    assert random_walks(batch, 40) == 120
