import numpy as np
import pytest

from placecell.errors import ArchiveError, ConfigError, FrameError, PlacecellError
from placecell.geometry import Pose, invert, transform
from placecell.memory.short_term import POINTS, ShortTermMemory, agent_frame

ORIGIN = np.zeros(3)


def at(*position):
    return np.array([position], float)


def test_no_more_than_its_capacity_and_the_oldest_go_first():
    memory = ShortTermMemory(capacity=4)
    for step in range(10):
        memory.add(at(step, 0, 0), step, category=1)
    assert len(memory) == 4
    assert [entry.last_step for entry in memory.entries()] == [6, 7, 8, 9]


@pytest.mark.parametrize(("lam", "gone"), [(0.0, 0), (0.5, 1), (1.0, 1)])
def test_what_is_retrieved_stays(lam, gone):
    """Frequency 6 at age 4 against frequency 1 at age 3: by age alone the first would go."""
    memory = ShortTermMemory(capacity=2, lam=lam, radius_m=100.0)
    memory.add(at(0, 0, 0), 0, category=1)
    memory.add(at(5, 0, 0), 1, category=2)
    for _ in range(5):
        (entry,) = memory.recall(ORIGIN, 3, category=1)
    assert entry.frequency == 5  # as it was when it was asked for
    memory.add(at(9, 0, 0), 4, category=3)
    assert [entry.category for entry in memory.entries()] == [c for c in (1, 2, 3) if c != gone + 1]


def test_asking_for_candidates_does_not_count_as_use():
    memory = ShortTermMemory()
    memory.add(at(1, 0, 0), 0, category=1)
    memory.candidates(ORIGIN)
    assert memory.entries()[0].frequency == 1
    memory.recall(ORIGIN, 1)
    assert memory.entries()[0].frequency == 2


def test_entries_keep_their_places_in_the_world_as_the_agent_moves():
    rng = np.random.default_rng(3)
    memory, world = ShortTermMemory(radius_m=1e3), rng.uniform(-5, 5, (6, 3))
    stands = [Pose(*rng.uniform(-9, 9, 3), rng.uniform(-3, 3)) for _ in range(50)]
    poses = [agent_frame(stand.T_world_camera(1.0)) for stand in stands]
    for n, T_world_agent in enumerate(poses):
        memory.move_to(T_world_agent)
        if n < len(world):
            memory.add(transform(invert(T_world_agent), world[n][None]), n, category=n + 1)
    entries = memory.entries()
    relative = np.array([entry.position for entry in entries])
    np.testing.assert_allclose(transform(poses[-1], relative), world, atol=1e-9)
    np.testing.assert_allclose(relative, transform(invert(poses[-1]), world), atol=1e-9)
    np.testing.assert_allclose([entry.points[0] for entry in entries], relative, atol=1e-9)


def test_one_step_ahead_brings_what_is_ahead_nearer():
    memory = ShortTermMemory()
    memory.add(at(2, 0, 0), 0, category=1)
    T_new_old = np.eye(4)
    T_new_old[0, 3] = -0.25
    memory.rebase(T_new_old)
    np.testing.assert_allclose(memory.entries()[0].position, [1.75, 0, 0])
    np.testing.assert_allclose(memory.T_world_agent[:3, 3], [0.25, 0, 0])
    with pytest.raises(FrameError, match="T_new_old to be a rigid"):
        memory.rebase(2 * np.eye(4))


def test_a_thing_seen_again_is_the_same_entry_and_young_again():
    memory = ShortTermMemory()
    number = memory.add(at(1, 0, 0), 0, category=4, votes=10)
    assert memory.add(at(1.4, 0, 0), 5, category=4, votes=10) == number
    (entry,) = memory.entries()
    assert (entry.last_step, entry.frequency, entry.votes) == (5, 1, 20)
    np.testing.assert_allclose(entry.position, [1.4, 0, 0])
    assert memory.add(at(1.4, 0, 0), 5, category=5) != number
    assert memory.add(at(2.4, 0, 0), 5, category=4) != number


def test_views_are_one_only_if_they_look_alike():
    memory = ShortTermMemory()
    for angle in (0.0, 0.1, 1.0):
        memory.add(at(0, 0, 0), 0, embedding=np.array([np.cos(angle), np.sin(angle)]))
    assert len(memory) == 2


def test_candidates_lie_within_the_radius_and_come_by_cosine_or_by_distance():
    memory = ShortTermMemory(radius_m=3.0)
    for x, vector in ((2.9, [1, 0]), (1.0, [0, 1]), (3.6, [1, 0]), (2.0, [1, 1])):
        memory.add(at(x, 0, 0), 0, category=7, embedding=np.array(vector, float))
    memory.add(at(0.5, 0, 0), 0, category=8)
    by_distance = memory.candidates(ORIGIN, category=7)
    assert [round(entry.position[0], 1) for entry in by_distance] == [1.0, 2.0, 2.9]
    assert by_distance[0].cosine is None
    by_cosine = memory.candidates(ORIGIN, embedding=np.array([1.0, 0.0]))
    assert [round(entry.position[0], 1) for entry in by_cosine] == [2.9, 2.0, 1.0, 0.5]
    np.testing.assert_allclose([e.cosine for e in by_cosine[:3]], [1, 0.5**0.5, 0], atol=1e-6)
    assert by_cosine[3].cosine is None
    assert len(memory.candidates(ORIGIN, radius_m=1.5)) == 2
    assert len(memory.candidates(ORIGIN, radius_m=50.0)) == 4
    assert len(memory.candidates(np.array([4.0, 0, 0]), category=7)) == 4


def test_points_are_thinned_and_the_middle_is_theirs():
    memory = ShortTermMemory()
    memory.add(np.random.default_rng(0).uniform(0, 1, (500, 3)), 0, category=1)
    (entry,) = memory.entries()
    assert entry.points.shape == (POINTS, 3)
    np.testing.assert_allclose(entry.points.mean(0), entry.position)


def filled():
    memory, rng = ShortTermMemory(capacity=5), np.random.default_rng(1)
    for step in range(9):
        vector = None if step % 3 == 0 else rng.normal(size=4)
        memory.add(rng.uniform(-2, 2, (3, 3)), step, category=step % 4, embedding=vector)
        memory.recall(ORIGIN, 1)
    return memory


def test_packed_and_unpacked_it_goes_on_as_it_would_have():
    memory, other = filled(), ShortTermMemory(capacity=5)
    other.unpack(memory.pack())
    for each in (memory, other):
        for step in range(9, 14):
            each.add(at(step, 0, 0), step, category=9)
            each.recall(ORIGIN, 2)
    one, two = memory.pack(), other.pack()
    assert one.keys() == two.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(array, two[name])
    assert memory.nbytes == other.nbytes


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"points": None}, r"a short-term points of float64 \(5, 24, 3\), got none"),
        ({"number": np.arange(6)}, "at most 5 entries, got 6"),
        ({"number": np.zeros(5, np.int64)}, "entries by rising number"),
        ({"embeddings": np.zeros(1, np.float32)}, "a short-term embeddings of float32"),
        ({"T_world_agent": np.zeros((4, 4))}, "the pose of the agent"),
    ],
)
def test_an_archive_that_does_not_hold_together(change, match):
    memory = filled()
    before, arrays = memory.pack(), {**memory.pack(), **change}
    with pytest.raises(ArchiveError, match=match):
        memory.unpack({name: array for name, array in arrays.items() if array is not None})
    np.testing.assert_array_equal(memory.pack()["points"], before["points"])


@pytest.mark.parametrize(
    "wrong", [{"capacity": 0}, {"lam": 1.5}, {"radius_m": 0.0}, {"radius_m": float("inf")}]
)
def test_settings_must_make_sense(wrong):
    with pytest.raises(ConfigError, match="a capacity of 1 to 65536, a lam from 0 to 1"):
        ShortTermMemory(**wrong)


def test_what_has_no_position_is_refused():
    memory = ShortTermMemory()
    for points in (np.zeros((0, 3)), np.full((1, 3), np.nan)):
        with pytest.raises(PlacecellError, match="one or more finite points"):
            memory.add(points, 0)
    assert len(memory) == 0


@pytest.mark.parametrize("pitch", [0.0, 0.7, -np.pi / 2, np.pi / 2])
def test_the_agents_frame_is_upright_and_looks_where_the_camera_does(pitch):
    pose = Pose(1.0, 2.0, 3.0, 0.6, pitch)
    expected = Pose(1.0, 2.0, 4.0, 0.6).T_world_body()
    np.testing.assert_allclose(agent_frame(pose.T_world_camera(1.0)), expected, atol=1e-9)
