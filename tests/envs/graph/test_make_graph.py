"""From the names in a config to an environment; what is wrong is told in one line."""

import pytest
from graph_data import write_data
from instructed_worlds import r2r_entry, write_json

from placecell.envs.graph import make_r2r_env, make_streets_env
from placecell.envs.graph.folds import fold_of
from placecell.envs.graph.make import listed_scans
from placecell.errors import ConfigError, DataError, EpisodeError


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (
            {"task": {"name": "pointnav", "max_steps": 5}},
            r"got 'pointnav'; set task=instruction \(or task=tour\)$",
        ),
        ({"task": {"name": "instruction", "arm": "warm"}}, r"task=instruction without further keys, got arm"),
        ({"dataset": "reverie"}, r"expected env.dataset of r2r, r4r, rxr, got 'reverie'"),
        ({"actions": "orar"}, r"expected env.actions of local, global, got 'orar'"),
        ({"scans": ["house", "barn"]}, r"env.scans of the 2 that r2r val_seen has.*unknown scan 'barn'"),
        ({"scans": []}, r"got an empty list; correct the list, or set env.scans=null"),
        ({"max_steps": 0}, r"expected env.max_steps of 1 or more, or null, got 0"),
        ({"episodes": 0}, r"expected episodes of 1 or more, or null, got 0"),
        ({"fold": "holdout"}, r"expected fold to be null or one of train, development, selection, report"),
    ],
)
def test_a_mistake_is_one_clear_line(data, options, line):
    with pytest.raises(ConfigError, match=line):
        make_r2r_env(**options)


def test_scans_are_a_name_or_a_list_of_names():
    assert listed_scans("hut") == listed_scans(["hut"]) == ["hut"]
    for odd in (3, ["hut", 3], {"hut": 1}):
        with pytest.raises(ConfigError, match=r"expected env.scans to be a list of names, or null, got "):
            listed_scans(odd)


def test_shuffling_without_landmarks_is_refused_and_provenance_tells_them_apart(data, tmp_path):
    with pytest.raises(
        ConfigError, match=r"expected env.points_of_interest, for env.permute_points to shuffle"
    ):
        make_streets_env("made_streets", permute_points=True)
    shops, other = data / "made_streets" / "shops.txt", tmp_path / "other.txt"
    other.write_text(shops.read_text().replace("bank", "pub"))
    told = [
        make_streets_env(
            "made_streets", points_of_interest=str(path), permute_points=shuffled, seed=4
        ).provenance()
        for path, shuffled in ((shops, False), (other, False), (shops, True))
    ]
    assert told[0]["points_of_interest"] != told[1]["points_of_interest"]
    assert [one["permuted_by"] for one in told] == [None, None, 4]
    assert make_r2r_env(semantics=True).provenance()["semantics"] is True


def test_missing_data_are_told_with_what_is_there(data, monkeypatch):
    with pytest.raises(EpisodeError, match=r"a split of r2r in .*: test, val_seen, got 'val_unseen'"):
        make_r2r_env(split="val_unseen")
    with pytest.raises(DataError, match=r"nowhere, which does not exist"):
        make_streets_env("nowhere")
    monkeypatch.delenv("PLACECELL_DATA")
    with pytest.raises(DataError, match=r"got no PLACECELL_DATA; export PLACECELL_DATA=DIR"):
        make_r2r_env()


def test_parts_of_a_dataset_are_chosen_by_scan_fold_and_half(data):
    whole = {episode.episode_id for episode in make_r2r_env().episodes}
    halves = [{e.episode_id for e in make_r2r_env(half=half).episodes} for half in ("even", "odd")]
    assert halves[0] | halves[1] == whole
    assert not halves[0] & halves[1]
    assert {e.scene_id for e in make_r2r_env(scans=["hut"]).episodes} == {"hut"}
    kept = make_r2r_env(fold=fold_of("house")).episodes
    assert {fold_of(e.scene_id) for e in kept} == {fold_of("house")}


def test_the_ids_of_r4r_do_not_hang_on_the_scans_kept(data):
    hut = r2r_entry("ihg", 6, ["go south"], scan="hut")
    write_json(
        data / "r2r" / "R2R_two.json",
        [r2r_entry("eb", 9), r2r_entry("ba", 4), hut, {**hut, "path": list("ghi"), "path_id": 5}],
    )
    whole = {e.episode_id: e for e in make_r2r_env("r4r", "two").episodes if e.scene_id == "hut"}
    kept = make_r2r_env("r4r", "two", scans=["hut"]).episodes
    assert {e.episode_id: e for e in kept} == whole
    assert len(whole) == 2
    assert "0_0" not in whole
    with pytest.raises(ConfigError, match=r"episodes of r4r val_seen in the scans hut, got none, for no two"):
        make_r2r_env("r4r", scans=["hut"])


def test_the_number_of_episodes_is_the_datasets_own(data):
    assert make_r2r_env(episodes=3).number_of_episodes == make_r2r_env(episodes=None).number_of_episodes == 8


def test_what_a_user_adds_is_found(tmp_path, monkeypatch):
    folder = write_data(tmp_path / "data")
    (folder / "r2r" / "R2R_mine.json").write_bytes((folder / "r2r" / "R2R_test.json").read_bytes())
    (folder / "made_streets").rename(folder / "my_streets")
    monkeypatch.setenv("PLACECELL_DATA", str(folder))
    assert make_r2r_env(split="mine").number_of_episodes == 1
    assert make_streets_env("my_streets").number_of_episodes == 3
