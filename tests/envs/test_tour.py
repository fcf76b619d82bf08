"""Tours: which goals in which order, from which starts; and tours that no house has, in one line."""

import pytest
from furnished import Furnished
from solids import area, floor

from placecell.envs.task import make_task
from placecell.envs.tour import ARMS, Tour
from placecell.errors import ConfigError, EpisodeError

GROUND = area(floor(0.0, 0.0, 8.0, 8.0))
NAMES = ("bed", "chair", "desk", "lamp", "oven", "sofa")
HALL = Furnished(GROUND, {name: [(1.0 + i, 1.0, 0.0), (1.0 + i, 6.0, 0.0)] for i, name in enumerate(NAMES)})


def stops(tour):
    return [(e.goals[0].category or e.goals[0].position, e.tour.repeat) for e in tour]


@pytest.mark.parametrize("number", range(12))
def test_a_tour_of_six(number):
    tour = Tour().draw(HALL, number, 3)
    assert tour == Tour().draw(HALL, number, 3)
    assert stops(tour) != stops(Tour().draw(HALL, number + 1, 3))
    names = [stop for stop, _ in stops(tour)]
    assert len(tour) == 6
    assert len(set(names)) == 5
    assert sum(not isinstance(name, str) for name in names) == 1
    (again,) = (index for index, (_, repeat) in enumerate(stops(tour)) if repeat)
    first = names.index(names[again])
    assert isinstance(names[again], str)
    assert first < again - 1 or again == 5
    assert tour[first].goals == tour[again].goals
    assert tour[first].start != tour[again].start
    for visit, episode in enumerate(tour):
        assert (episode.tour.tour, episode.tour.visit) == (f"hall:{number}", visit)
        assert episode.origin == tour[0].start
        assert 1 <= episode.info["geodesic_distance"] <= 30
        place = episode.goals[0].category is None
        assert Tour().radius_m(episode) == episode.goals[0].radius_m == (0.2 if place else 0.1)


def test_arms_walk_the_same_tours():
    cold = Tour().draw(HALL, 0, 3)
    assert all(Tour(arm=arm).draw(HALL, 0, 3) == cold for arm in ARMS)


@pytest.mark.parametrize(
    ("goals", "places", "repeats"), [(1, 1, 0), (1, 0, 0), (2, 0, 1), (9, 0, 3), (4, 3, 0), (5, 0, 4)]
)
def test_tours_of_other_kinds(goals, places, repeats):
    tour = Tour(goals=goals, places=places, repeats=repeats).draw(HALL, 0, 0)
    names = [stop for stop, _ in stops(tour)]
    assert len(tour) == goals
    assert sum(not isinstance(name, str) for name in names) == places
    assert sum(repeat for _, repeat in stops(tour)) == repeats
    assert len(set(names)) == goals - repeats
    for index, (name, repeat) in enumerate(stops(tour)):
        assert repeat == (name in names[:index])


def test_a_tour_longer_than_the_objects_allow_names_the_house_and_what_it_has():
    with pytest.raises(EpisodeError) as error:
        Tour(goals=9).draw(HALL, 0, 0)
    assert str(error.value) == (
        "expected a house with 7 categories to go to, for a tour of 9 goals (1 places, 1 repeats), got hall "
        "with 6 (bed, chair, desk, lamp, oven, sofa); shorten the tour (task.goals), ask for other "
        "categories, or choose another house"
    )
    with pytest.raises(EpisodeError, match=r"got hall with 1 \(bed\)"):
        Tour(categories=("bed", "piano")).draw(HALL, 0, 0)
    with pytest.raises(EpisodeError, match=r"starts 25 to 30 m from the goals of a tour, got hall without"):
        Tour(goals=1, repeats=0, closest_m=25.0).draw(HALL, 0, 0)


def test_keys_of_a_config_become_the_task():
    assert make_task({"name": "tour"}) == Tour()
    options = {"name": "tour", "arm": "stale", "goals": 8, "places": 2, "repeats": 2, "categories": ["bed"]}
    assert make_task(options) == Tour(arm="stale", goals=8, places=2, repeats=2, categories=("bed",))


@pytest.mark.parametrize(
    ("options", "text"),
    [({"arm": "hot"}, r"task\.arm of cold, warm, known, foreign, geometry, stale, got 'hot'; choose one"),
     ({"goals": 0}, r"task\.goals above 0, got 0"),
     ({"goals": 2, "places": 2}, r"task\.goals of at least .*, got goals 2, places 2, repeats 1; set task"),
     ({"goals": 3, "places": 2, "repeats": 1}, r"and an object to repeat, got goals 3, places 2, repeats 1"),
     ({"repeats": -1}, r"got goals 6, places 1, repeats -1"),
     ({"dataset": "x"}, r"keys of task: .*, got dataset; correct the spelling"),
     ({"object_distance_m": 0}, r"task\.object_distance_m above 0, got 0")],
)  # fmt: skip
def test_what_is_no_tour_is_told_in_one_line(options, text):
    with pytest.raises(ConfigError, match=text) as error:
        make_task({"name": "tour", **options})
    assert "\n" not in str(error.value)
