"""Habitat's ObjectNav files: the form of habitat-lab, the round trip, the layouts, and what can be wrong."""

import gzip
import json
import math
from dataclasses import replace

import pytest

from placecell.envs.episode import Episode, Goal
from placecell.envs.habitat_objectnav import read_habitat_objectnav, write_habitat_objectnav
from placecell.errors import EpisodeError, OutputError
from placecell.geometry import Pose

KEY = "Xb4GskR9cbf.basis.glb_chair"


def habitat_episode(**changes):
    """As habitat-lab writes it: y up, quaternions x y z w, goals by category."""
    return {
        "episode_id": "5", "scene_id": "hm3d/val/00800/Xb4GskR9cbf.basis.glb",
        "start_position": [1.0, 0.5, -3.0], "start_rotation": [0.0, 0.0, 0.0, 1.0],
        "info": {"geodesic_distance": 4.5, "closest_goal_object_id": 7}, "goals": [], "start_room": None,
        "shortest_paths": None, "object_category": "chair",
    } | changes  # fmt: skip


def habitat_goal(**changes):
    view = {"agent_state": {"position": [2.5, 0.5, 4.0], "rotation": [0, 0.1, 0, 0.99]}, "iou": 0.12}
    return {
        "position": [2.0, 1.0, 4.0], "radius": None, "object_id": 7, "object_name": "chair_7",
        "object_name_id": None, "object_category": "chair", "room_id": None, "room_name": None,
        "view_points": [view],
    } | changes  # fmt: skip


def document(episodes=None, goals=None, **more):
    return {
        "episodes": [habitat_episode()] if episodes is None else episodes,
        "goals_by_category": {KEY: [habitat_goal()]} if goals is None else goals,
        "category_to_task_category_id": {"chair": 0},
        "category_to_scene_annotation_category_id": {"chair": 3},
    } | more  # fmt: skip


def saved(path, content):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(json.dumps(content).encode()))
    return path


GOAL = Goal((2.0, -4.0, 1.0), None, 7, "chair", ((2.5, -4.0, 0.5),))


def test_a_habitat_episode_in_our_frame(tmp_path):
    (episode,) = read_habitat_objectnav(saved(tmp_path / "val.json.gz", document()))
    assert episode == Episode(
        "5", "hm3d/val/00800/Xb4GskR9cbf.basis.glb", Pose(1.0, 3.0, 0.5, episode.start.yaw_rad), (GOAL,),
        {"geodesic_distance": 4.5, "closest_goal_object_id": 7},
    )  # fmt: skip
    assert episode.start.yaw_rad == pytest.approx(math.pi / 2)


def test_older_forms_and_other_ids(tmp_path):
    goals = [habitat_goal(object_id="12"), habitat_goal(object_id="a|b"), habitat_goal(object_id=None)]
    old = {"episodes": [habitat_episode(goals=goals)]}
    (episode,) = read_habitat_objectnav(saved(tmp_path / "old.json.gz", old))
    assert [goal.object_id for goal in episode.goals] == [12, None, None]
    bare = {"position": [0, 0, 0], "object_category": "chair"}
    (episode,) = read_habitat_objectnav(saved(tmp_path / "a.json.gz", document(goals={KEY: [bare]})))
    assert episode.goals == (Goal((0.0, 0.0, 0.0), None, None, "chair"),)
    assert episode.goals[0].stands == ((0.0, 0.0, 0.0),)


def episodes():
    sofa = Goal((5.0, 1.0, 0.4), 0.1, 9, "sofa", ((5.0, 2.0, 0.0), (6.0, 1.0, 0.0)))
    first = Episode("0", "a/one.glb", Pose(1.0, 2.0, 0.0, 0.5), (replace(GOAL, radius_m=0.1),), {"d": 1.5})
    return [
        first,
        replace(first, episode_id="1", start=Pose(2.0, 2.0, 0.0, -3.0)),
        replace(first, episode_id="2", goals=(sofa, replace(sofa, object_id=10))),
        replace(first, episode_id="3", scene_id="b/two.glb", goals=(sofa,)),
    ]


def same(a, b):
    assert (a.episode_id, a.scene_id, a.info) == (b.episode_id, b.scene_id, b.info)
    assert a.start.position == pytest.approx(b.start.position)
    assert a.start.yaw_rad == pytest.approx(b.start.yaw_rad)
    assert a.goals == b.goals


@pytest.mark.parametrize("file_per_scene", [False, True])
def test_writing_and_reading_gives_the_same_episodes(tmp_path, file_per_scene):
    path = tmp_path / "split" / "val.json.gz"
    write_habitat_objectnav(path, episodes(), {"chair": 4, "sofa": 2}, file_per_scene=file_per_scene)
    for again, once in zip(read_habitat_objectnav(path), episodes(), strict=True):
        same(again, once)
    first = path.read_bytes()
    write_habitat_objectnav(path, episodes(), {"chair": 4, "sofa": 2}, file_per_scene=file_per_scene)
    assert path.read_bytes() == first
    contents = sorted(part.name for part in path.parent.glob("content/*"))
    assert contents == (["one.json.gz", "two.json.gz"] if file_per_scene else [])


def test_what_habitat_lab_asks_of_a_file(tmp_path):
    """The keys that ObjectNavDatasetV1.from_json reads, and the constructors' arguments that it passes on."""
    path = tmp_path / "val.json.gz"
    write_habitat_objectnav(path, episodes(), {"chair": 4, "sofa": 2})
    written = json.loads(gzip.decompress(path.read_bytes()))
    assert written["category_to_task_category_id"] == {"chair": 0, "sofa": 1}
    assert written["category_to_scene_annotation_category_id"] == {"chair": 4, "sofa": 2}
    assert set(written["goals_by_category"]) == {"one.glb_chair", "one.glb_sofa", "two.glb_sofa"}
    for episode in written["episodes"]:
        assert episode["goals"] == []
        key = f"{episode['scene_id'].split('/')[-1]}_{episode['object_category']}"
        for goal in written["goals_by_category"][key]:
            assert set(goal) == set(habitat_goal())
            assert goal["object_category"] == episode["object_category"]
            for view in goal["view_points"]:
                assert set(view) == {"agent_state", "iou"}
                assert set(view["agent_state"]) == {"position", "rotation"}
                assert len(view["agent_state"]["rotation"]) == 4
        assert set(episode) == set(habitat_episode())
    # A view looks at its object: the sofa is south of its first view point, so +z for Habitat.
    view = written["goals_by_category"]["two.glb_sofa"][0]["view_points"][0]["agent_state"]
    assert view["position"] == [5.0, 0.0, -2.0]
    assert [abs(c) for c in view["rotation"]] == pytest.approx([0, 1, 0, 0], abs=1e-9)


def test_content_files_are_found_where_the_file_says(tmp_path):
    saved(tmp_path / "parts" / "one.json.gz", document())
    whole = document([], {}, content_scenes_path="{data_path}/parts/{scene}.json.gz")
    (episode,) = read_habitat_objectnav(saved(tmp_path / "val.json.gz", whole))
    assert episode.goals == (GOAL,)


@pytest.mark.parametrize(
    ("content", "text"),
    [({}, r"a key 'episodes' of .*, got no keys; pass a dataset of Habitat's ObjectNav form"),
     (document([3]), r"an object as entry of episode 0 in .*, got a whole number \(3\)"),
     (document([habitat_episode(object_category=None)]), r"a string as 'object_category' of episode 0"),
     (document([habitat_episode(object_category="bed")]),
      r"goals of episode 0 in .*goals_by_category\['Xb4.*_bed'\], got Xb4.*_chair; check the"),
     (document(goals={}), r"goals_by_category\['Xb4.*_chair'\], got none"),
     (document(goals={KEY: []}), r"goals of episode 0"),
     (document(goals={KEY: 3}), rf"a list as '{KEY}' of goals_by_category in .*, got a whole number"),
     (document(goals={KEY: [3]}), rf"an object as goal 0 of '{KEY}' of goals_by_category"),
     (document(goals={KEY: [habitat_goal(position=[0, 1])]}), r"3 finite numbers as 'position' of goal 0"),
     (document(goals={KEY: [habitat_goal(view_points=[{"iou": 1}])]}),
      r"a key 'agent_state' of view point 0 of goal 0 of"),
     (document(goals={KEY: [habitat_goal(view_points=[{"agent_state": {"position": [0, 0, math.inf]}}])]}),
      r"3 finite numbers as 'position' of agent_state of view point 0 of goal 0"),
     (document(goals={KEY: [{"position": [0, 0, 0]}]}), r"a key 'object_category' of goal 0"),
     (document([habitat_episode(), habitat_episode()]), r"each episode of .* once, got episode '5'"),
     (document([]), r"episodes in .*, or in .*content/\*\.json\.gz, got none")],
)  # fmt: skip
def test_another_shape_is_one_clear_line(tmp_path, content, text):
    with pytest.raises(EpisodeError, match=text) as error:
        read_habitat_objectnav(saved(tmp_path / "val.json.gz", content))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "text"),
    [({"goals": (Goal((1.0, 1.0, 1.0)),)}, r"goals of one category with an id in episode '0', got None"),
     ({"goals": (GOAL, replace(GOAL, category="sofa"))}, r"got chair, sofa; write ObjectNav episodes only"),
     ({"goals": (replace(GOAL, category="bed"),)}, r"with an id in episode '0', got bed"),
     ({"goals": (replace(GOAL, object_id=8),)}, r"same goals in every episode of one\.glb_chair, got others"),
     ({"start": Pose(0.0, 0.0, 0.0, 0.0, 0.5)}, r"a level start of episode '0'"),
     ({"info": {"d": math.nan}}, r"info of episode '0' to be plain finite JSON")],
)  # fmt: skip
def test_what_habitats_form_cannot_hold_is_not_written(tmp_path, change, text):
    broken = [replace(episodes()[0], **change), *episodes()[1:]]
    with pytest.raises(EpisodeError, match=text):
        write_habitat_objectnav(tmp_path / "a.json.gz", broken, {"chair": 0, "sofa": 1})
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written(tmp_path):
    (tmp_path / "taken").write_text("a file where a folder should be")
    with pytest.raises(OutputError, match=r"a\.json\.gz to be writable, got .*; choose another file"):
        write_habitat_objectnav(tmp_path / "taken" / "a.json.gz", episodes(), {"chair": 0, "sofa": 1})
