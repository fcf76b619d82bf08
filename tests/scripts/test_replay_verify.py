import json
import shutil

import pytest
import yaml

from placecell.scripts.replay import main
from placecell.scripts.run import main as walk


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """Three short episodes of the built-in home, recorded lightly."""
    out = tmp_path_factory.mktemp("runs") / "random"
    code = walk(
        ["agent=random", "env.width=32", "env.height=32", "episodes=3", "task.max_steps=8", "workers=0",
         "progress=false", f"out={out}"]
    )  # fmt: skip
    assert code == 0
    return out


@pytest.fixture
def run(walked, tmp_path):
    return shutil.copytree(walked, tmp_path / "run")


def call(capsys, *arguments):
    capsys.readouterr()
    code = main(["verify", *map(str, arguments)])
    said = capsys.readouterr()
    return code, said.out.splitlines(), said.err


def test_a_run_is_the_same_again(run, capsys):
    code, lines, complaint = call(capsys, run)
    assert (code, complaint) == (0, "")
    assert lines == ["episodes: 3 verified (24 steps, the same to the last bit), 0 differ, 0 not recorded"]


def test_one_episode_may_be_named(run, capsys):
    code, lines, _ = call(capsys, run, "1")
    assert code == 0
    assert lines[-1].startswith("episodes: 1 verified (8 steps,")


def change(folder, line, **values):
    path = next((folder / "episodes").glob("00001-*")) / "steps.jsonl"
    lines = path.read_text().splitlines()
    lines[line] = json.dumps({**json.loads(lines[line]), **values})
    path.write_text("\n".join(lines) + "\n")
    return path.parent.name


def test_the_first_step_that_differs_is_named_and_the_exit_code_is_1(run, capsys):
    name = change(run, 4, observation="0" * 64)
    code, lines, _ = call(capsys, run)
    assert code == 1
    assert lines[0] == f"{name}: differs: step 4: another observation"
    assert lines[-2].startswith("recorded by placecell 0.1.0, commit ")
    assert lines[-1] == "episodes: 2 verified (16 steps, the same to the last bit), 1 differ, 0 not recorded"


def test_another_action_leads_to_another_pose(run, capsys):
    change(run, 2, action=2)
    change(run, 3, action=2)
    code, lines, _ = call(capsys, run, "1")
    assert code == 1
    assert "differs: step " in lines[0]
    assert "was recorded, now" in lines[0]


def test_what_was_cut_off_or_not_recorded_is_told_in_a_line_each(run, capsys):
    first, _, third = sorted((run / "episodes").iterdir())
    shutil.rmtree(third)
    steps = first / "steps.jsonl"
    steps.write_bytes(b"".join(steps.read_bytes().splitlines(keepends=True)[:5]))
    code, lines, _ = call(capsys, run)
    assert code == 1
    why = f"the end of {steps} is missing: it holds 5 of 8 steps of an episode that was done"
    assert lines[0] == f"{first.name}: damaged: {why}"
    results = run / "results.jsonl"  # as after a kill: the episode has no result yet
    results.write_bytes(b"".join(results.read_bytes().splitlines(keepends=True)[1:]))
    code, lines, _ = call(capsys, run)
    assert code == 0
    assert lines == [
        f"{first.name}: cut off after 5 steps, which are the same",
        "episodes: 2 verified (13 steps, the same to the last bit; 1 of them up to where they were cut off), "
        "0 differ, 1 not recorded",
    ]


def test_a_damaged_recording_is_told_and_the_exit_code_is_1(run, capsys):
    name = change(run, 2, step=7)
    code, lines, _ = call(capsys, run)
    assert code == 1
    assert lines[0].startswith(f"{name}: damaged: expected a recorded step in line 3 of ")
    assert lines[-1].endswith("0 differ, 0 not recorded, 1 not readable")


def test_other_data_is_refused_in_one_line(run, capsys):
    path = run / "provenance.json"
    document = json.loads(path.read_text())
    document["world"]["scene_hash"] = "f" * 8
    path.write_text(json.dumps(document))
    code, lines, complaint = call(capsys, run)
    assert (code, lines) == (2, [])
    assert complaint.startswith("placecell-replay: expected the data that ")
    assert 'another world.scene_hash: "ffffffff" there' in complaint
    assert complaint.count("\n") == 1


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (lambda path: path.unlink(), "got none"),
        (lambda path: path.write_text("seed: 0\ntask: {}\nepisodes: 3\n"), "got one without env"),
        (lambda path: path.write_text("seed: 0\ntask: {}\nepisodes: 3\nenv: 4\n"), "env and task as groups"),
        (lambda path: path.write_text("]"), "a run's configuration in"),
    ],
)  # fmt: skip
def test_a_configuration_that_makes_no_environment_is_told_in_one_line(run, capsys, edit, why):
    edit(run / "config.yaml")
    code, _, complaint = call(capsys, run)
    assert code in (1, 2)
    assert why in complaint
    assert complaint.count("\n") == 1


def test_a_configuration_that_nothing_reads_is_told_in_one_line(run, capsys):
    config = yaml.safe_load((run / "config.yaml").read_text())
    config["env"]["colour"] = "red"
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    code, _, complaint = call(capsys, run)
    assert code == 2
    assert "a key of env:" in complaint


def test_an_unknown_episode_gets_near_ones(run, capsys):
    code, _, complaint = call(capsys, run, "nowhere")
    assert code == 2
    assert "a recorded episode of" in complaint
    assert complaint.count("\n") == 1
