"""What labels, features and landmarks add to an observation of GraphNav."""

import math

import numpy as np
import pytest

from placecell.envs.graph import make_r2r_env, make_streets_env
from placecell.envs.graph.objects import ALONE_M
from placecell.errors import ConfigError, DataError, EpisodeError


@pytest.fixture
def features(data, tmp_path):
    """A vector of 36 views for each viewpoint of the house, but for f."""
    draw = np.random.default_rng(2)
    content = {f"house_{name}": draw.random((36, 5), np.float32) for name in "abcde"}
    np.savez(tmp_path / "clip.npz", **content)
    return tmp_path / "clip.npz", content


@pytest.fixture
def shops(data):
    return str(data / "made_streets" / "shops.txt")


def test_an_object_is_given_relative_to_where_the_body_looks(data):
    env = make_r2r_env(semantics=True)
    seen, _ = env.reset(seed=0, options={"episode": 0})
    assert env.categories[seen["object_category"][0]] == "lamp"
    assert (seen["object_id"][0], seen["object_view"][0]) == (4, 12)
    assert seen["object_box"][0].tolist() == [300, 200, 40, 40]
    # The body looks east, the box is in the middle of the view north and 20 pixels above it.
    assert seen["object_heading"][0] == pytest.approx(math.pi / 2)
    assert seen["object_elevation"][0] == pytest.approx(math.atan(20 / (240 / math.tan(math.pi / 6))))
    assert seen["object_distance"][0] == pytest.approx(ALONE_M)
    assert "oracle_semantics" in env.oracle


def test_an_instruction_that_names_something_on_its_path_is_tagged(data):
    env = make_r2r_env(semantics=True)
    tags = [env.reset(seed=0, options={"episode": n})[1]["tags"]["labelled"] for n in (0, 1)]
    assert tags == [True, False]  # "walk past the lamp", "go to the end"


def test_without_labels_nothing_is_seen_or_tagged(data):
    env = make_r2r_env()
    seen, info = env.reset(seed=0)
    assert not [key for key in seen if key.startswith("object")]
    assert "labelled" not in info["tags"]
    assert "oracle_semantics" not in env.oracle


def test_labels_that_a_scan_lacks_are_missed_before_the_first_episode(data, tmp_path, monkeypatch):
    for name in ("mp3d_connectivity", "r2r"):
        (tmp_path / name).symlink_to(data / name)
    (tmp_path / "reverie_bbox").mkdir()
    for path in (data / "reverie_bbox").glob("house_*"):
        (tmp_path / "reverie_bbox" / path.name).symlink_to(path)
    monkeypatch.setenv("PLACECELL_DATA", str(tmp_path))
    with pytest.raises(EpisodeError, match="got no labels for scan hut"):
        make_r2r_env(semantics=True)
    assert make_r2r_env(semantics=True, scans=["house"]).number_of_episodes == 7


def test_features_are_those_of_the_panorama_that_one_stands_at(features):
    path, content = features
    env = make_r2r_env(scans=["house"], features=str(path))
    seen, info = env.reset(seed=0, options={"episode": 0})
    for _ in range(3):
        np.testing.assert_array_equal(seen["features"], content[f"house_{info['viewpoint']}"])
        assert env.observation_space.contains(seen)
        seen, *_, info = env.step(env.gold_action())
    assert info["viewpoint"] == "d"


def test_a_panorama_without_features_ends_in_one_line(features):
    path, _ = features
    env = make_r2r_env(scans=["house"], features=str(path))
    with pytest.raises(EpisodeError, match=r"features of panorama house_f in .*clip\.npz"):
        env.reset(seed=0, options={"episode": 5})


def test_features_of_the_wrong_width_are_one_line(features, tmp_path):
    path = str(features[0])
    assert make_r2r_env(scans="house", features=path, features_width=5).number_of_episodes == 7
    with pytest.raises(DataError, match=r"width 6 in .*, got width 5; set env.features_width=5 or null"):
        make_r2r_env(features=path, features_width=6)
    with pytest.raises(ConfigError, match=r"expected env.features_width of 1 or more, or null, got 0"):
        make_r2r_env(features=path, features_width=0)
    with pytest.raises(ConfigError, match=r"expected env.features, for env.features_width to check"):
        make_streets_env("made_streets", features_width=5)


def test_provenance_tells_features_and_labels_apart(features, data):
    path, content = features
    told = [make_r2r_env(scans="house", semantics=True, features=str(path)).provenance()]
    content["house_e"][3, 2] += 1
    np.savez(path, **content)
    (label,) = (data / "reverie_bbox").glob("house_e.json")
    label.write_text(label.read_text().replace("[[300,", "[[301,"))
    told.append(make_r2r_env(scans="house", semantics=True, features=str(path)).provenance())
    assert [one["features"]["shape"] for one in told] == [[36, 5], [36, 5]]
    assert told[0]["features"]["sampled_hash"] != told[1]["features"]["sampled_hash"]
    assert told[0]["labels_hash"] != told[1]["labels_hash"]
    assert make_r2r_env().provenance()["labels_hash"] is None


def test_landmarks_are_given_near_first(data, shops):
    env = make_streets_env("made_streets", points_of_interest=shops)
    seen, _ = env.reset(seed=0, options={"episode": 2})
    assert [env.categories[n] for n in seen["poi_category"]] == ["bakery", "bank"]
    near, far = seen["poi_distance"]
    assert near == pytest.approx(5.56, abs=0.01)
    assert far > near
    assert "oracle_landmarks" in env.oracle


def test_shuffled_landmarks_stand_where_they_stood(data, shops):
    plain, mixed = (
        make_streets_env("made_streets", points_of_interest=shops, permute_points=permuted)
        for permuted in (False, True)
    )
    for episode in range(3):
        was, now = (env.reset(seed=0, options={"episode": episode})[0] for env in (plain, mixed))
        assert now["poi_category"].tolist() == was["poi_category"].tolist()[::-1]
        for key in ("poi_heading", "poi_distance"):
            np.testing.assert_array_equal(now[key], was[key])


def test_bad_sources_are_one_line(data, tmp_path):
    with pytest.raises(ConfigError, match=r"ends with \.hdf5, \.h5, \.npz, \.tsv, got clip\.txt"):
        make_r2r_env(features=str(tmp_path / "clip.txt"))
    with pytest.raises(DataError, match="got no file"):
        make_r2r_env(features=str(tmp_path / "clip.npz"))
    (tmp_path / "shops.txt").write_text("1,52.5,13.4,bank\n")
    with pytest.raises(DataError, match=r"near the panoramas of made_streets, in .*got none within reach"):
        make_streets_env("made_streets", points_of_interest=str(tmp_path / "shops.txt"))
    (tmp_path / "shops.txt").write_text("1,40.7,-74.0,bank\n2,40.7,bank\n")
    with pytest.raises(DataError, match=r"shops\.txt line 2, got '2,40\.7,bank'"):
        make_streets_env("made_streets", points_of_interest=str(tmp_path / "shops.txt"))
