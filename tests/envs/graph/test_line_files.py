"""RxR's and the streets' files: one JSON object a line."""

import gzip
import math

import pytest
from instructed_worlds import rxr_entry, street_entry, write_lines

from placecell.envs.graph.datasets import read_dataset
from placecell.envs.graph.rxr_files import read_rxr
from placecell.envs.graph.street_files import read_streets
from placecell.errors import EpisodeError


@pytest.mark.parametrize("packed", [False, True])
def test_rxr_plain_and_packed(tmp_path, packed):
    file = write_lines(tmp_path / "rxr_val_seen_guide.jsonl", [rxr_entry(), rxr_entry(27, language="hi-IN")])
    if packed:
        data = file.read_bytes()
        file.unlink()
        file = file.with_suffix(".jsonl.gz")
        file.write_bytes(gzip.compress(data))
    one, other = read_rxr(file)
    assert (one.episode_id, one.path_id, one.scene_id, one.goal) == ("26", "11", "house", "c")
    assert (one.language, other.language) == ("en-IN", "hi-IN")
    assert one.start_yaw_rad == pytest.approx(-math.pi / 2)  # a heading of 180 degrees looks south
    assert read_rxr(file, language="hi") == (other,)
    assert read_dataset("rxr", "val_seen", folder=tmp_path) == (one, other)


def test_a_language_that_nobody_speaks_here(tmp_path):
    with pytest.raises(EpisodeError, match=r"episodes in .*, got none"):
        read_rxr(write_lines(tmp_path / "a.jsonl", [rxr_entry()]), language="te")


def test_streets_keep_their_headings(tmp_path):
    touchdown = street_entry(route_id=9, start_heading=0.0)
    del touchdown["id"]
    one, other = read_streets(write_lines(tmp_path / "dev.json", [street_entry(), touchdown]))
    assert (one.episode_id, one.scene_id, one.start, one.goal) == ("3", "manhattan", "p0", "p1")
    assert one.start_yaw_rad == pytest.approx(0)
    assert (other.episode_id, other.start_yaw_rad) == ("9", pytest.approx(math.pi / 2))


def test_a_line_separator_within_an_instruction_ends_no_line(tmp_path):
    line = '{"id": 1, "route_panoids": ["p0"], "navigation_text": "go\u2028on", "start_heading": 0}\n'
    (tmp_path / "dev.json").write_text(line, encoding="utf-8")
    assert read_streets(tmp_path / "dev.json")[0].instruction == "go\u2028on"


def test_a_malformed_line_is_named_by_its_number(tmp_path):
    file = write_lines(tmp_path / "dev.json", [street_entry(), street_entry(4)])
    file.write_text(file.read_text() + "\n{'id': 5}\n")
    with pytest.raises(EpisodeError, match=r"a JSON object in line 4 of .*dev.json, got .*property name"):
        read_streets(file)
    file.write_text("[1, 2]\n")
    with pytest.raises(EpisodeError, match=r"an object as line 1 of .*dev.json, got a list"):
        read_streets(file)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"navigation_text": ""}, "in episode '3', got 0 words"),
        ({"navigation_text": "left " * 2000}, "in episode '3', got 2000 words"),
        ({"route_panoids": "p0"}, r"a list as 'route_panoids' of line 1 of .*, got a string"),
        ({"start_heading": None}, "'start_heading' of line 1 of .*, got null"),
        ({"start_heading": float("inf")}, r"finite number as 'start_heading' of line 1 of .*, got a number"),
        ({"id": 1.5}, r"a whole number or a string as 'id' of line 1"),
    ],
)
def test_a_wrong_street_line_is_one_clear_line(tmp_path, changes, complaint):
    with pytest.raises(EpisodeError, match=complaint):
        read_streets(write_lines(tmp_path / "dev.json", [street_entry(**changes)]))


def test_a_cut_gzip_file(tmp_path):
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b"{}\n" * 99)[:-9])
    with pytest.raises(EpisodeError, match="to be a whole gzip file"):
        read_rxr(tmp_path / "a.jsonl.gz")


@pytest.mark.real_data
def test_the_real_streets():
    map2seq, touchdown = read_dataset("map2seq_unseen", "dev"), read_dataset("touchdown_unseen", "dev")
    assert (len(map2seq), len(touchdown)) == (800, 800)
    assert {e.start_yaw_rad for e in touchdown} == {math.pi / 2}
    assert map2seq[0].start_yaw_rad == pytest.approx(math.radians(90 - 22))
