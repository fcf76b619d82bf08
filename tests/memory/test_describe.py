import numpy as np
import pytest

from placecell.errors import ConfigError
from placecell.geometry import Pose
from placecell.memory import MemoryItem, Retrieval
from placecell.memory.describe import NOTHING, bearing, describe, estimated_tokens, height

NAMES = ("void", "chair", "bed")


def item(x, y, z=0.5, category=1, score=0.5, age=3, source="octree"):
    return MemoryItem(np.array([x, y, z]), score, source, age, category=category)


def words(text):
    return len(text.split())


def test_a_line_says_what_where_how_high_when_how_sure_and_whence():
    pose = Pose(1.0, 1.0, 0.0, np.pi / 2)
    found = Retrieval((item(0.0, 3.0, 1.2, 2, 0.834, 0, "topology"), item(3.0, 1.0, category=1, age=1)))
    assert describe(found, pose, NAMES).splitlines() == [
        "bed, 2.2 m, ahead left 27 deg, chest high, now, 0.83 (topology)",
        "chair, 2.0 m, right 90 deg, low, seen 1 step ago, 0.50 (octree)",
    ]


@pytest.mark.parametrize(
    ("direction_deg", "words"),
    [
        (0, "ahead 0 deg"),
        (22, "ahead 22 deg"),
        (23, "ahead left 23 deg"),
        (90, "left 90 deg"),
        (-90, "right 90 deg"),
        (-135, "behind right 135 deg"),
        (179, "behind 179 deg"),
        (-179, "behind 179 deg"),
        (-40, "ahead right 40 deg"),
        (140, "behind left 140 deg"),
    ],
)
@pytest.mark.parametrize("yaw", [0.0, 2.5, -3.1])
def test_bearings_are_from_the_agents_heading(yaw, direction_deg, words):
    angle = yaw + np.deg2rad(direction_deg)
    assert bearing(np.array([np.cos(angle), np.sin(angle), 7.0]), yaw) == words


def test_heights_in_words():
    told = [height(z) for z in (-3.0, 0.0, 0.5, 1.2, 2.0, 3.0)]
    outside = ("below, another storey", "above, another storey")
    assert told == [outside[0], "on the floor", "low", "chest high", "high", outside[1]]


def test_names_that_are_missing():
    found = Retrieval(
        (item(1, 0, category=9), item(1, 0, category=None), item(1, 0, category=None, source="topology"))
    )
    lines = describe(found, Pose(0.0, 0.0, 0.0, 0.0), NAMES).splitlines()
    assert [line.split(",")[0] for line in lines] == ["category 9", "surface", "place"]
    assert "here" in describe(Retrieval((item(0, 0),)), Pose(0.0, 0.0, 0.0, 0.0))


@pytest.mark.parametrize("count", [estimated_tokens, words, lambda text: 3 * len(text) + 1])
def test_never_over_the_budget_and_as_much_as_fits(count):
    found = Retrieval(tuple(item(n, 1, score=1 - n / 20) for n in range(12)))
    pose, shown = Pose(0.0, 0.0, 0.0, 0.0), []
    whole = describe(found, pose, NAMES, max_tokens=10**6, count=count)
    for budget in range(0, count(whole) + 2):
        text = describe(found, pose, NAMES, max_tokens=budget, count=count)
        assert text == "" or count(text) <= budget
        lines = text.splitlines()
        shown.append(sum("chair" in line for line in lines))
        if 0 < shown[-1] < 12:
            assert lines[-1] == f"and {12 - shown[-1]} more"
            assert lines[:-1] == whole.splitlines()[: shown[-1]]
    assert shown == sorted(shown)
    assert set(shown) == set(range(13))


def test_thousands_of_items_are_counted_a_few_times():
    found, counted = Retrieval(tuple(item(n, 1) for n in range(4000))), []

    def count(text):
        counted.append(text)
        return len(text)

    text = describe(found, Pose(0.0, 0.0, 0.0, 0.0), NAMES, max_tokens=900, count=count)
    assert 800 < len(text) <= 900
    assert len(counted) < 20


def test_a_budget_for_no_line_still_says_how_many_there_are():
    found = Retrieval((item(1, 0), item(2, 0)))
    assert describe(found, Pose(0.0, 0.0, 0.0, 0.0), max_tokens=20) == "2 items remembered"
    assert describe(found, Pose(0.0, 0.0, 0.0, 0.0), max_tokens=5) == ""


def test_nothing_recalled():
    assert describe(Retrieval(), Pose(0.0, 0.0, 0.0, 0.0)) == NOTHING
    assert describe(Retrieval(), Pose(0.0, 0.0, 0.0, 0.0), max_tokens=3) == ""
    with pytest.raises(ConfigError, match="a max_tokens of 0 or more, got -1"):
        describe(Retrieval(), Pose(0.0, 0.0, 0.0, 0.0), max_tokens=-1)
