import json

import pytest

from placecell.agent import run_folder
from placecell.agent.results import Result, read_results
from placecell.agent.run_folder import RunFolder, episode_folder
from placecell.arrays import atomic_write
from placecell.errors import OutputError

SAID = {"started": "now", "command": "x", "commit": None, "modified": None, "world": {"a": 1}, "oracle": []}
CONFIG = {"seed": 0, "env": {"width": 64, "noise": {"depth": "low"}}, "workers": 1, "out": "a"}


def result(episode):
    return Result(episode, f"e{episode}", "s", "done", False, 3, {"success": 1.0})


@pytest.fixture
def begun(tmp_path):
    """A folder with two results."""
    with RunFolder(tmp_path / "run", CONFIG) as folder:
        folder.begin(SAID)
        folder.append(result(1))
        folder.append(result(0))
    return tmp_path / "run"


def refused(folder, match, config=CONFIG):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(OutputError, match=match) as caught:
        RunFolder(folder, config)
    assert "\n" not in str(caught.value)
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_nothing_is_written_before_the_run_begins(tmp_path):
    RunFolder(tmp_path / "run", CONFIG).close()
    assert not (tmp_path / "run").exists()


def test_what_is_there_is_known_and_the_session_noted(begun):
    with RunFolder(begun, CONFIG) as folder:
        assert list(folder.statuses) == [1, 0]
        assert [r.episode for r in folder.results()] == [0, 1]
        folder.begin({**SAID, "command": "again"})
        folder.sort()
    assert [r.episode for r in read_results(begun)] == [0, 1]
    said = json.loads((begun / "provenance.json").read_text())
    assert [(s["command"], s["episodes_before"]) for s in said["sessions"]] == [("x", 0), ("again", 2)]
    assert (said["layout"], said["command"]) == (2, "x")


def test_keys_that_say_nothing_of_the_results_may_differ(begun):
    other = {**CONFIG, "workers": 7, "out": "b", "progress": False, "max_failures": 3}
    RunFolder(begun, other).close()


def test_a_config_that_differs_is_refused_by_its_keys(begun):
    other = {**CONFIG, "env": {"width": 32, "noise": "none"}, "extra": [1]}
    refused(
        begun,
        r"run was begun with, got another env.width \(64 there, 32 here\), env.noise.depth \(\"low\" there, "
        r"none here\), env.noise \(none there, \"none\" here\), extra \(none there, \[1\] here\); go on with",
        other,
    )


def test_another_world_is_refused(begun):
    with RunFolder(begun, CONFIG) as folder:
        with pytest.raises(
            OutputError, match=r"the data that .* was begun with, got another world.a: 1 there, 2"
        ):
            folder.begin({**SAID, "world": {"a": 2}})
        with pytest.raises(OutputError, match=r"another oracle: \[\] there, \[\"labels\"\] here"):
            folder.begin({**SAID, "oracle": ["labels"]})


@pytest.mark.parametrize("name", ["config.yaml", "provenance.json"])
def test_a_kill_before_the_first_result_can_be_gone_on_with(tmp_path, monkeypatch, name):
    def killed(path, content):
        if path.name == name:
            raise KeyboardInterrupt
        atomic_write(path, content)

    monkeypatch.setattr(run_folder, "atomic_write", killed)
    with pytest.raises(KeyboardInterrupt), RunFolder(tmp_path / "run", CONFIG) as folder:
        folder.begin(SAID)
    monkeypatch.undo()
    with RunFolder(tmp_path / "run", CONFIG) as folder:
        folder.begin(SAID)
        folder.append(result(0))
    with RunFolder(tmp_path / "run", CONFIG) as folder:
        assert folder.statuses == {0: "done"}


def test_what_a_kill_leaves_of_a_file_is_cleared_away(begun):
    (begun / ".provenance.json.x1").write_text("{")
    (begun / ".results.jsonl.x2").write_text("{")
    (begun / ".mine").write_text("kept")
    RunFolder(begun, CONFIG).close()
    assert sorted(path.name for path in begun.glob(".*")) == [".mine"]


def test_two_processes_do_not_write_into_one_folder(begun, tmp_path):
    with RunFolder(begun, CONFIG):
        refused(begun, "no other process is writing into: .*run, got one that a run under way holds; wait")
    RunFolder(begun, CONFIG).close()
    with RunFolder(tmp_path / "new", CONFIG) as first, RunFolder(tmp_path / "new", CONFIG) as second:
        first.begin(SAID)
        with pytest.raises(OutputError, match="a run under way holds"):
            second.begin(SAID)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.yaml", None, r"configuration of the run under way in .*config.yaml, got FileNotFoundError"),
        ("config.yaml", "[1, 2]", r"got ValueError: list instead of keys and values; put the file back"),
        ("config.yaml", "a: [", r"got ParserError"),
        ("provenance.json", None, r"a run of layout 2 to go on with in .*provenance.json, got FileNotFound"),
        ("provenance.json", '{"layout": 3}', r"got layout 3; go on with the version of placecell that wrote"),
        ("provenance.json", "{}", r"got layout 1; go on with the version"),
        ("provenance.json", "{", r"got JSONDecodeError"),
        ("provenance.json", "7", r"got int"),
        ("provenance.json", '{"layout": 2}', r"got no list of sessions"),
        ("results.jsonl", "hello\n", r"results.jsonl, line 1"),
    ],
)
def test_a_folder_that_was_changed_by_hand_is_one_line(begun, name, content, message):
    if content is None:
        (begun / name).unlink()
    else:
        (begun / name).write_text(content)
    refused(begun, message)


def test_a_torn_last_line_is_cut_off(begun):
    whole = (begun / "results.jsonl").read_bytes()
    for torn in (b"{", b'{"episode": 2, "scene', b"\xff\xfe", whole.splitlines()[0]):
        (begun / "results.jsonl").write_bytes(whole + torn)
        with RunFolder(begun, CONFIG) as folder:
            assert folder.torn
            assert sorted(folder.statuses) == [0, 1]
        assert (begun / "results.jsonl").read_bytes() == whole


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with (
        RunFolder(tmp_path / "file" / "x", CONFIG) as folder,
        pytest.raises(OutputError, match=r"can be written: .*file/x, got Not a directory .*; make room"),
    ):
        folder.begin(SAID)


def test_an_episode_s_folder_depends_on_nothing_but_the_episode(tmp_path):
    names = {episode_folder(tmp_path, n, name).name for n in (0, 1) for name in ("../a/b:1", "a", "")}
    assert len(names) == 6
    assert all(episode_folder(tmp_path, 0, n).parent == tmp_path / "episodes" for n in ("../a/b:1", "/"))
    assert sorted(episode_folder(tmp_path, n, "x").name for n in (10, 9)) == ["00009-x", "00010-x"]


def test_a_folder_with_somebody_else_s_config_is_left_as_it_is(tmp_path):
    (tmp_path / "config.yaml").write_text("name: my project\n")
    refused(tmp_path, r"got another name \(\"my project\" there, none here\), seed \(none there, 0 here\)")


def test_results_that_cannot_be_read_are_one_line(begun):
    (begun / "results.jsonl").unlink()
    (begun / "results.jsonl").mkdir()
    refused(
        begun, r"a file of results that can be read: .*results.jsonl, got Is a directory; grant the right"
    )
