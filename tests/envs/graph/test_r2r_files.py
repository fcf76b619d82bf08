import pytest
from instructed_worlds import r2r_entry, write_json

from placecell.envs.graph.datasets import read_dataset
from placecell.envs.graph.r2r_files import read_r2r
from placecell.errors import EpisodeError


def test_each_instruction_is_an_episode(tmp_path):
    file = write_json(tmp_path / "R2R_val_seen.json", [r2r_entry(), r2r_entry("be", 12, ["turn"])])
    episodes = read_r2r(file)
    assert [e.episode_id for e in episodes] == ["7_0", "7_1", "7_2", "12_0"]
    assert [e.path_id for e in episodes] == ["7", "7", "7", "12"]
    assert episodes[1].instruction == "go to the end"
    assert episodes[3].path == ("b", "e")
    assert episodes[0].goal == "d"
    assert episodes[0].start_yaw_rad == pytest.approx(0)  # a heading of 90 degrees looks east


def test_the_test_split_keeps_its_goals(tmp_path):
    entry = r2r_entry("a")
    del entry["distance"]
    episodes = read_r2r(write_json(tmp_path / "R2R_test.json", [entry]))
    assert [(e.start, e.path, e.goal) for e in episodes] == [("a", ("a",), None)] * 3


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"instructions": ["walk", ""]}, r"1 to 1000 words in episode '7_1', got 0 words"),
        ({"instructions": ["walk " * 2000]}, r"in episode '7_0', got 2000 words"),
        ({"instructions": [5]}, r"texts as 'instructions' of entry 0 in .*, got a whole number \(5\)"),
        ({"path": []}, r"one or more names as 'path' of entry 0 in .*, got a list \(\[\]\)"),
        ({"path": ["a", None]}, r"one or more names as 'path' of entry 0 in .*, got null"),
        ({"heading": "north"}, r"a whole number or a number as 'heading' of entry 0"),
        ({"heading": float("nan")}, r"finite number as 'heading' of entry 0 in .*, got a number \(NaN\)"),
        ({"heading": 10**400}, r"finite number as 'heading' of entry 0 in .*, got a whole number"),
        ({"scan": None}, r"a string as 'scan' of entry 0"),
    ],
)
def test_a_wrong_entry_is_one_clear_line(tmp_path, changes, complaint):
    with pytest.raises(EpisodeError, match=complaint) as told:
        read_r2r(write_json(tmp_path / "R2R_x.json", [r2r_entry(**changes)]))
    assert "\n" not in str(told.value)


def test_a_wrong_file_is_one_clear_line(tmp_path):
    with pytest.raises(EpisodeError, match=r"instructions at .*none.json, got No such file"):
        read_r2r(tmp_path / "none.json")
    (tmp_path / "cut.json").write_text('[{"path_id": 1,\n"scan"')
    with pytest.raises(EpisodeError, match=r"cut.json to be JSON, got .*line 2"):
        read_r2r(tmp_path / "cut.json")
    with pytest.raises(EpisodeError, match=r"a JSON list in .*, got an object"):
        read_r2r(write_json(tmp_path / "object.json", {}))
    with pytest.raises(EpisodeError, match=r"each episode of .* once, got episode '7_0' twice"):
        read_r2r(write_json(tmp_path / "twice.json", [r2r_entry(), r2r_entry()]))
    with pytest.raises(EpisodeError, match=r"episodes in .*, got none"):
        read_r2r(write_json(tmp_path / "empty.json", []))


def test_an_unknown_split_names_the_known_ones(tmp_path):
    write_json(tmp_path / "R2R_val_seen.json", [r2r_entry()])
    write_json(tmp_path / "R2R_train.json", [r2r_entry()])
    assert len(read_dataset("r2r", "train", folder=tmp_path)) == 3
    with pytest.raises(EpisodeError, match=r"split of r2r in .*: train, val_seen, got 'val'; choose"):
        read_dataset("r2r", "val", folder=tmp_path)


@pytest.mark.real_data
def test_the_real_files_have_the_published_counts():
    train, seen = read_dataset("r2r", "train"), read_dataset("r2r", "val_seen")
    assert (len(train), len({e.path_id for e in train})) == (14_039, 4_675)
    assert (len(seen), len({e.path_id for e in seen})) == (1_021, 340)
