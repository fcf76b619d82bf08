"""Habitat's PointNav files: frames, the round trip, the layouts, and what can be wrong with a file."""

import gzip
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placecell.envs.episode import Episode, Goal, read_habitat_pointnav, write_habitat_pointnav
from placecell.errors import EpisodeError, OutputError
from placecell.geometry import Pose, wrap_angle

HALF = math.sqrt(0.5)


def habitat_episode(number=0, **changes):
    """An episode as Habitat writes it: y up, forward -z, quaternion x y z w."""
    return {
        "episode_id": str(number),
        "scene_id": "data/scene_datasets/gibson/Denmark.glb",
        "start_position": [1.0, 0.5, -3.0],
        "start_rotation": [0.0, 0.0, 0.0, 1.0],
        "info": {"geodesic_distance": 4.5, "difficulty": "easy"},
        "goals": [{"position": [2.0, 0.25, 4.0], "radius": 0.2}],
        "start_room": None,
        "shortest_paths": None,
    } | changes


def saved(path, *episodes, **more):
    path.write_bytes(gzip.compress(json.dumps({"episodes": list(episodes), **more}).encode()))
    return path


def test_a_habitat_episode_in_our_frame(tmp_path):
    (episode,) = read_habitat_pointnav(saved(tmp_path / "val.json.gz", habitat_episode()))
    assert episode == Episode(
        episode_id="0",
        scene_id="data/scene_datasets/gibson/Denmark.glb",
        start=Pose(1.0, 3.0, 0.5, episode.start.yaw_rad),
        goals=(Goal((2.0, -4.0, 0.25), 0.2),),
        info={"geodesic_distance": 4.5, "difficulty": "easy"},
    )
    assert episode.start.yaw_rad == pytest.approx(math.pi / 2)  # forward -z is our north


@pytest.mark.parametrize(
    ("rotation", "yaw_rad"),
    [
        ([0, HALF, 0, HALF], math.pi),  # a left turn of 90 degrees from north: west
        ([0, -HALF, 0, HALF], 0.0),
        ([0, -HALF, 0, -HALF], math.pi),  # the same rotation, all signs turned
        ([0, 1, 0, 0], -math.pi / 2),
        ([1e-5, HALF, -1e-5, HALF], math.pi),  # float noise of a simulator
    ],
)
def test_start_rotations(tmp_path, rotation, yaw_rad):
    (episode,) = read_habitat_pointnav(
        saved(tmp_path / "a.json.gz", habitat_episode(start_rotation=rotation))
    )
    assert wrap_angle(episode.start.yaw_rad - yaw_rad) == pytest.approx(0, abs=1e-4)


coordinate = st.floats(-1e4, 1e4)
point = st.tuples(coordinate, coordinate, coordinate)
plain = st.none() | st.booleans() | st.integers(-99, 99) | st.floats(-9, 9) | st.text(max_size=5)
entries = st.fixed_dictionaries(
    {
        "episode_id": st.text(max_size=6),
        "scene_id": st.text(max_size=6),
        "start": st.tuples(coordinate, coordinate, coordinate, st.floats(-math.pi, math.pi)),
        "goals": st.lists(st.tuples(point, st.none() | st.floats(0, 9)), min_size=1, max_size=3),
        "info": st.dictionaries(st.text(max_size=4), plain | st.lists(plain, max_size=2), max_size=3),
    }
)


@settings(max_examples=30, deadline=None)  # each one waits for the disk
@given(st.lists(entries, min_size=1, max_size=4, unique_by=lambda e: (e["scene_id"], e["episode_id"])))
def test_writing_and_reading_gives_the_same_episodes(tmp_path_factory, drawn):
    written = [
        Episode(**e | {"start": Pose(*e["start"]), "goals": tuple(Goal(*goal) for goal in e["goals"])})
        for e in drawn
    ]
    path = tmp_path_factory.getbasetemp() / "round" / "trip.json.gz"
    write_habitat_pointnav(path, written)
    read = read_habitat_pointnav(path)
    assert len(read) == len(written)
    for ours, theirs in zip(written, read, strict=True):
        same = ("episode_id", "scene_id", "goals", "info")
        assert [getattr(ours, name) for name in same] == [getattr(theirs, name) for name in same]
        np.testing.assert_array_equal(ours.start.position, theirs.start.position)
        assert wrap_angle(ours.start.yaw_rad - theirs.start.yaw_rad) == pytest.approx(0, abs=1e-12)


def test_the_file_has_habitats_keys_and_equal_bytes(tmp_path):
    original = habitat_episode(start_rotation=[0.0, HALF, 0.0, HALF])
    read = read_habitat_pointnav(saved(tmp_path / "a.json.gz", original))
    for name in ("b.json.gz", "c.json.gz"):
        write_habitat_pointnav(tmp_path / "made" / name, read)
    first, second = (tmp_path / "made" / name for name in ("b.json.gz", "c.json.gz"))
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes()[4:8] == bytes(4)  # no time of writing in the gzip header
    (entry,) = json.loads(gzip.decompress(first.read_bytes()))["episodes"]
    same_turn = abs(np.dot(entry.pop("start_rotation"), original.pop("start_rotation")))
    assert same_turn == pytest.approx(1)  # q and -q are one rotation
    assert entry == original
    assert sorted(file.name for file in first.parent.iterdir()) == ["b.json.gz", "c.json.gz"]


def test_plain_json_reads_and_writes(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"episodes": [habitat_episode()]}))
    read = read_habitat_pointnav(tmp_path / "a.json")
    write_habitat_pointnav(tmp_path / "b.json", read)
    assert json.loads((tmp_path / "b.json").read_text())["episodes"][0]["episode_id"] == "0"


def test_keys_that_may_be_absent(tmp_path):
    entry = habitat_episode(7)
    for key in ("info", "start_room", "shortest_paths"):
        del entry[key]
    entry |= {"episode_id": 7, "goals": [{"position": [0, 0, 0]}], "instruction": {"text": "go"}}
    (episode,) = read_habitat_pointnav(saved(tmp_path / "a.json.gz", entry))
    assert (episode.episode_id, episode.info, episode.goals[0].radius_m) == ("7", {}, None)


@pytest.mark.parametrize(
    ("folder", "more"),
    [("content", {}), ("scenes", {"content_scenes_path": "{data_path}/scenes/{scene}.json.gz"})],
)
def test_one_file_a_scene(tmp_path, folder, more):
    split = saved(tmp_path / "train.json.gz", **more)
    (tmp_path / folder).mkdir()
    for scene in ("b", "d", "a", "e", "c"):
        entries = [habitat_episode(number, scene_id=f"{scene}.glb") for number in range(2)]
        saved(tmp_path / folder / f"{scene}.json.gz", *entries)
    (tmp_path / folder / "notes.txt").write_text("not a dataset")
    read = read_habitat_pointnav(split)
    expected = [(f"{scene}.glb", number) for scene in "abcde" for number in "01"]
    assert [(episode.scene_id, episode.episode_id) for episode in read] == expected


def without(key):
    entry = habitat_episode()
    del entry[key]
    return entry


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], r"expected a JSON object in .*a\.json, got a list \(\[\]\); pass a dataset of Habitat's"),
        ({"scenes": 1}, r"expected a key 'episodes' of .*a\.json, got the keys scenes"),
        ({"episodes": {}}, r"expected a list as 'episodes' of .*got an object"),
        ({"episodes": []}, r"expected episodes in .*a\.json, or in .*content/.*got none; name another split"),
        ({"episodes": [], "content_scenes_path": "x"}, r"hold \{scene\} once, got 'x'; write"),
        ([habitat_episode(), 3], r"an object as entry of episode 1 in .*got a whole number \(3\)"),
        (
            [without("start_position")],
            "a key 'start_position' of episode 0 in .*got the keys episode_id, scene",
        ),
        ([without("goals")], "a key 'goals' of episode 0"),
        ([habitat_episode(goals=[])], "expected episode '0' to have a goal, got none"),
        ([habitat_episode(goals=["x"])], r"an object as goal 0 of episode 0 .*got a string \(\"x\"\)"),
        ([habitat_episode(goals=[{"radius": 1}])], "a key 'position' of goal 0 of episode 0"),
        (
            [habitat_episode(goals=[{"position": [0, 0, 0], "radius": "1"}])],
            "a whole number or a number or null as 'radius' of goal 0 of episode 0",
        ),
        ([habitat_episode(start_position=[0, 0])], r"3 finite numbers as 'start_position' of .*got \[0, 0\]"),
        (
            [habitat_episode(start_position=[0, math.nan, 0])],
            r"3 finite numbers as .*got \[0, NaN, 0\]; repair",
        ),
        ([habitat_episode(start_position=[0, "1", True])], "3 finite numbers as 'start_position'"),
        (
            [habitat_episode(goals=[{"position": [0, math.inf, 0]}])],
            "3 finite numbers as 'position' of goal 0",
        ),
        ([habitat_episode(episode_id=True)], "a string or a whole number as 'episode_id' of episode 0"),
        ([habitat_episode(scene_id=None)], "a string as 'scene_id' of episode 0 in .*got null"),
        ([habitat_episode(info=[1])], "an object or null as 'info' of episode 0"),
        (
            [habitat_episode(start_rotation=[HALF, 0, 0, HALF])],
            r"start_rotation of episode 0 in .*about the vertical axis, got \[0.70.*write it as x, y, z, w",
        ),
        ([habitat_episode(start_rotation=[0, 0, 0, 0])], "unit quaternion"),
        (
            [habitat_episode(), habitat_episode()],
            "each episode of .* once, got episode '0' of scene .* twice",
        ),
    ],
)
def test_another_shape_is_one_clear_line(tmp_path, content, message):
    wrapped = {"episodes": content} if isinstance(content, list) and content else content
    (tmp_path / "a.json").write_text(json.dumps(wrapped))
    with pytest.raises(EpisodeError, match=message) as caught:
        read_habitat_pointnav(tmp_path / "a.json")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_missing(tmp_path):
    with pytest.raises(
        EpisodeError, match=r"a dataset of episodes at .*gone\.json\.gz, got No such file.*check"
    ):
        read_habitat_pointnav(tmp_path / "gone.json.gz")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:-9], "a whole gzip file, got .*; copy or download it again"),
        (lambda data: data[:40] + b"????" + data[44:], "a whole gzip file"),
        (lambda data: gzip.decompress(data)[:-3], "to be JSON, got .*; copy or download it again"),
        (lambda data: b"", "to be JSON"),
        (lambda data: b"\xff\xfe\x00binary", "to be JSON"),
        (lambda data: b"[" * 200_000, "to be JSON"),
    ],
)
def test_a_damaged_file(tmp_path, damage, message):
    path = saved(tmp_path / "a.json.gz", habitat_episode())
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(EpisodeError, match=message) as caught:
        read_habitat_pointnav(path)
    assert "\n" not in str(caught.value)


def an_episode(**changes):
    fields = {
        "episode_id": "0",
        "scene_id": "s",
        "start": Pose(0, 0, 0, 0),
        "goals": (Goal((1.0, 2.0, 3.0)),),
    }
    return Episode(**fields | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"goals": ()}, "episode '0' to have a goal, got none"),
        ({"start": Pose(0, math.nan, 0, 0)}, "a finite start of episode '0', got 0, nan, 0"),
        ({"start": Pose(0, 0, 0, math.inf)}, "a finite start"),
        ({"goals": (Goal((1.0, 2.0, math.nan)),)}, "a finite goal of episode '0', got 1, 2, nan; repair"),
    ],
)
def test_an_episode_that_does_not_hold_together(changes, message):
    with pytest.raises(EpisodeError, match=message):
        an_episode(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"start": Pose(0, 0, 0, 0, 0.5)},
            "a level start of episode '0', got a pitch of 28.6.*set pitch_rad",
        ),
        ({"info": {"path": {1, 2}}}, "info of episode '0' to be plain finite JSON, got .*set"),
        ({"info": {"geodesic_distance": math.inf}}, "plain finite JSON, got Out of range"),
    ],
)
def test_what_habitats_form_cannot_hold_is_not_written(tmp_path, changes, message):
    with pytest.raises(EpisodeError, match=message):
        write_habitat_pointnav(tmp_path / "a.json.gz", [an_episode(**changes)])
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written(tmp_path):
    (tmp_path / "taken").write_text("a file where a folder should be")
    with pytest.raises(OutputError, match=r"taken/a\.json\.gz to be writable, got .*; choose another file"):
        write_habitat_pointnav(tmp_path / "taken" / "a.json.gz", [an_episode()])


def test_a_write_that_fails_half_way_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.json.gz"
    write_habitat_pointnav(path, [an_episode()])
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OutputError, match="got No space left on device"):
        write_habitat_pointnav(path, [an_episode(scene_id="other")])
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [before]
