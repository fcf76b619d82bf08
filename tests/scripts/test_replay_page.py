import json
import re

import pytest
from paged_runs import record_episode, result, write_results
from recorded import plodder

from placecell import arrays
from placecell.agent.replay.page import links as page_links
from placecell.scripts.replay import main


@pytest.fixture
def run(tmp_path):
    agent = plodder()
    for index, name in enumerate(("a", "b", "c")):
        record_episode(tmp_path / "run", index, name, agent, level="light", steps=3)
    return write_results(tmp_path / "run", [result(n, name, 0.5) for n, name in enumerate("abc")])


def call(capsys, *arguments):
    code = main(["page", *map(str, arguments)])
    said = capsys.readouterr()
    return code, said.out, said.err


def links(run, index):
    (page,) = (run / "episodes").glob(f"{index:05d}-*/page.html")
    return dict(re.findall(r'<a rel="(prev|next)" href="\.\./([^"]*)"', page.read_text()))


def test_all_pages_and_the_index_are_written(run, capsys):
    code, said, complaint = call(capsys, run)
    assert (code, complaint) == (0, "")
    assert said == f"3 pages; open {run / 'index.html'}\n"
    assert links(run, 1) == {"prev": "00000-a/page.html", "next": "00002-c/page.html"}
    index = (run / "index.html").read_text()
    pages = re.findall(r'href="(episodes/[^"]*)"', index)
    assert pages == [f"episodes/0000{n}-{name}/page.html" for n, name in enumerate("abc")]


def test_an_episode_without_a_page_links_nowhere_until_it_has_one(run, capsys):
    call(capsys, run, "a")
    assert links(run, 0) == {}
    assert '<span class="nowhere">b</span>' in (run / "index.html").read_text()
    call(capsys, run, "2")
    assert links(run, 0) == {"next": "00002-c/page.html"}
    call(capsys, run, "00001-b")
    assert links(run, 0) == {"next": "00001-b/page.html"}
    assert links(run, 2) == {"prev": "00001-b/page.html"}


def test_a_damaged_recording_is_left_out_of_a_whole_run_and_told(run, capsys):
    (run / "episodes" / "00001-b" / "header.json").write_text("{")
    (run / "episodes" / "00002-c" / "steps.jsonl").write_text("")
    code, said, complaint = call(capsys, run)
    assert code == 1
    assert said.startswith("1 page; ")
    assert "left out 00002-c: it ended before its first step" in complaint
    assert "left out 00001-b: expected a recorded episode in" in complaint
    assert links(run, 0) == {}
    code, _, complaint = call(capsys, run, "b")
    assert code == 1
    assert complaint.count("\n") == 1


def test_a_recording_without_a_step_that_was_named_is_one_line(run, capsys):
    (run / "episodes" / "00002-c" / "steps.jsonl").write_text("")
    code, said, complaint = call(capsys, run, "c")
    assert (code, said) == (1, "")
    assert "got an episode that ended before its first step" in complaint


def test_an_unknown_episode_is_a_mistake_and_near_ones_are_offered(run, capsys):
    record_episode(run, 7, "house-9", plodder(), level="light")
    code, _, complaint = call(capsys, run, "house-8")
    assert code == 2
    assert complaint.endswith("did you mean house-9?\n")


def test_a_folder_that_is_no_run_is_a_mistake(tmp_path, capsys):
    code, _, complaint = call(capsys, tmp_path)
    assert code == 2
    assert "expected the folder of a run" in complaint


def test_an_episode_that_was_cut_off_is_in_the_index(run, capsys):
    record_episode(run, 9, "cut", plodder(), level="light", ends=False)
    assert call(capsys, run)[0] == 0
    index = (run / "index.html").read_text()
    assert index.index(">cut<") < index.index(">a<")
    assert '<span class="pill broken">cut off</span>' in index


def test_a_run_without_recordings_is_a_mistake(tmp_path, capsys):
    run = write_results(tmp_path / "run", [result(0, "a", 0.5)])
    code, _, complaint = call(capsys, run)
    assert code == 2
    assert "run with record=light" in complaint


def test_a_run_of_a_newer_version_is_one_line(run, capsys):
    (run / "provenance.json").write_text(json.dumps({"layout": 99}))
    code, said, complaint = call(capsys, run)
    assert (code, said) == (1, "")
    assert "got layout 99, written by a newer placecell; upgrade placecell to read it\n" in complaint
    assert complaint.count("\n") == 1


def test_a_recording_of_a_newer_version_is_one_line(run, capsys):
    header = run / "episodes" / "00001-b" / "header.json"
    header.write_text(json.dumps({**json.loads(header.read_text()), "version": 9}))
    code, said, complaint = call(capsys, run, "b")
    assert (code, said) == (1, "")
    assert complaint.endswith("got version 9; read it with a newer placecell\n")
    assert complaint.count("\n") == 1


@pytest.mark.parametrize("blocked", ["index.html", "episodes/00001-b/page.html"])
def test_a_place_that_cannot_be_written_is_a_mistake(run, capsys, blocked):
    (run / blocked / "something").mkdir(parents=True)
    code, said, complaint = call(capsys, run)
    assert (code, said) == (2, "")
    assert f"expected a folder that can be written: {(run / blocked).parent}, got Is a directory" in complaint
    assert complaint.count("\n") == 1
    assert not list(run.rglob(".*"))


def test_links_are_right_at_once_so_that_no_page_is_written_twice(run, capsys, monkeypatch):
    written, write = [], arrays.atomic_write

    def watched(path, content):
        written.append(path.name)
        write(path, content)

    monkeypatch.setattr(arrays, "atomic_write", watched)
    monkeypatch.setattr(page_links, "atomic_write", watched)
    assert call(capsys, run)[0] == 0
    assert sorted(written) == ["index.html", "page.html", "page.html", "page.html"]
