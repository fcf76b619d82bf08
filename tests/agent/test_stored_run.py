import json

import pytest

from placecell.agent.results import Result
from placecell.agent.run_folder import LAYOUT
from placecell.agent.stored_run import is_run, read_run, require_run
from placecell.errors import OutputError


def run_folder(path, n=3, **files):
    path.mkdir(parents=True, exist_ok=True)
    results = [Result(i, f"e{i}", "s", "done", False, 5, {"spl": 0.5}, ("pose",)) for i in range(n)]
    contents = {
        "config.yaml": "episodes: 3\nseed: 1\n",
        "provenance.json": json.dumps({"layout": LAYOUT, "commit": "c"}),
        "results.jsonl": "".join(result.to_line() for result in results),
        **files,
    }
    for name, content in contents.items():
        if content is not None:
            (path / name).write_text(content)
    return path


def test_a_run_is_what_its_files_say(tmp_path):
    run = read_run(run_folder(tmp_path))
    assert (run.wanted, run.complete, run.oracle) == (3, True, ("pose",))
    assert run.config["seed"] == 1
    assert run.provenance["commit"] == "c"
    assert [result.episode_id for result in run.results] == ["e0", "e1", "e2"]


def test_a_run_that_was_killed_is_one_that_is_not_at_its_end(tmp_path):
    run = read_run(run_folder(tmp_path, n=1))
    assert (run.wanted, run.complete) == (3, False)
    bare = read_run(run_folder(tmp_path / "bare", **{"config.yaml": None, "provenance.json": None}))
    assert (bare.wanted, bare.complete, bare.config, bare.provenance) == (None, True, {}, {})


def test_a_run_of_the_first_layout_is_read(tmp_path):
    assert len(read_run(run_folder(tmp_path, **{"provenance.json": '{"commit": null}'})).results) == 3


@pytest.mark.parametrize(
    ("files", "line"),
    [
        (
            {"provenance.json": '{"layout": 3}'},
            r"layout 2 or older, .* layout 3, written by a newer placecell; upg",
        ),
        (
            {"provenance.json": '{"layout": "two"}'},
            r"provenance in .*, got no JSON object with a layout's number",
        ),
        (
            {"provenance.json": "[]"},
            r"provenance in .*, got no JSON object with a layout's number; take that",
        ),
        ({"provenance.json": "{"}, r"provenance in .*provenance.json, got JSONDecodeError: "),
        ({"config.yaml": "a: ["}, r"configuration in .*config.yaml, got ParserError: "),
        ({"config.yaml": "- a"}, r"configuration in .*config.yaml, got list; take that folder out"),
        ({"results.jsonl": "{}\n"}, r"results.jsonl, line 1, got a result that lacks episode, episode_id"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path, files, line):
    with pytest.raises(OutputError, match=line) as caught:
        read_run(run_folder(tmp_path, **files))
    assert "\n" not in str(caught.value)


def test_what_is_no_run_is_told_from_one(tmp_path):
    assert is_run(run_folder(tmp_path / "run"))
    require_run(tmp_path / "run")
    with pytest.raises(
        OutputError, match=r"with its results.jsonl, got .*nowhere: no such folder; name a folder"
    ):
        require_run(tmp_path / "nowhere")
    with pytest.raises(
        OutputError, match=r"got .*, which holds none; name a folder that placecell-run wrote"
    ):
        require_run(tmp_path)


def test_the_episodes_that_have_a_folder_are_known_by_its_name(tmp_path):
    run = read_run(run_folder(tmp_path))
    assert run.recorded() == ()
    for name in ("00002-..%2Fa-b", "00000-e0", "e9", ".00001-e1.x"):
        (tmp_path / "episodes" / name).mkdir(parents=True)
    (tmp_path / "episodes" / "00001-e1").write_text("no folder")
    assert [(e.episode, e.episode_id) for e in run.recorded()] == [(0, "e0"), (2, "../a-b")]
    assert run.folder_of(2, "../a-b") == tmp_path / "episodes" / "00002-..%2Fa-b"
    assert run.folder_of(1, "e1") is None
