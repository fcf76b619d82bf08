import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
import yaml

from placecell.agent.results import read_results
from placecell.errors import ConfigError
from placecell.scripts.replay import main
from placecell.scripts.replay.memory_choices import compose_memory
from placecell.scripts.run import main as walk


@pytest.fixture(scope="session")
def walked(tmp_path_factory):
    """A warm tour of two visits in a generated house, with a small camera, recorded in full."""
    out = tmp_path_factory.mktemp("runs") / "warm"
    code = walk(
        ["env=houses", "env.split=val", "task=tour", "task.arm=warm", "task.goals=2", "task.places=0",
         "task.repeats=1", "task.max_steps=60", "perception=oracle", "env.width=48", "env.height=48",
         "episodes=2", "record=full", "workers=0", "progress=false", f"out={out}"]
    )  # fmt: skip
    assert code == 0
    return out


@pytest.fixture
def run(walked, tmp_path):
    return shutil.copytree(walked, tmp_path / "run")


def call(capsys, *arguments):
    capsys.readouterr()
    code = main(["recall", *map(str, arguments)])
    said = capsys.readouterr()
    return code, said.out, said.err


def rows(text):
    """The cells of each memory's row."""
    found = [
        [cell.strip() for cell in line.strip("│").split("│")] for line in text.splitlines() if "│" in line
    ]
    return {cells[0]: cells[1:] for cells in found}


def test_several_memories_are_asked_at_once_and_the_runs_own_reproduces_the_recording(run, capsys, tmp_path):
    out = tmp_path / "numbers" / "recall.json"
    code, shown, complaint = call(
        capsys, run, "--memory", "full", "grid:width=16,cell_m=0.5", "none", "--out", out
    )
    assert (code, complaint) == (0, "")
    table = rows(shown)
    assert list(table) == ["as recorded", "full", "grid:width=16,cell_m=0.5", "none"]
    assert table["full"][:5] == table["as recorded"][:5]
    assert table["none"][:2] == ["-", "-"]
    assert float(table["full"][5]) > float(table["none"][5]) == 0.0
    steps = json.loads(out.read_text())["steps"]
    assert f"full: the run's own memory, reproduces the recording ({steps} steps, every item)" in shown
    assert "2 episodes" in shown
    assert "within 0.5 m (horizontally)" in shown
    numbers = json.loads(out.read_text())["memories"]
    assert numbers["full"]["precision_at_1"] == numbers["as recorded"]["precision_at_1"]
    assert numbers["full"]["precision_at_1"]["steps"] > 0


def test_an_own_memory_that_gives_something_else_is_exit_1(run, capsys):
    steps = next((run / "episodes").glob("00001-*")) / "steps.jsonl"
    lines = steps.read_text().splitlines()
    told = json.loads(lines[3])
    item = {"position": [0, 0, 0], "score": 0.1, "source": "x", "age_steps": 0, "category": 1}
    told["recalled"] = [*told["recalled"], item]
    steps.write_text("\n".join([*lines[:3], json.dumps(told), *lines[4:]]) + "\n")
    code, shown, _ = call(capsys, run, "--memory", "full")
    assert code == 1
    assert f"does not reproduce the recording; first in {steps.parent.name}, step 3" in shown


def test_steps_are_shown_one_by_one(run, capsys):
    _, shown, _ = call(capsys, run, "1", "--memory", "full", "none", "--steps", "--k", "2")
    name = next((run / "episodes").glob("00001-*")).name
    asked = re.findall(rf"^{name} step (\d+): asked for \w+", shown, re.M)
    assert asked == [str(n) for n in range(len(asked))]
    assert len(asked) > 5
    assert shown.count("    none         nothing") == len(asked)
    assert re.search(r"    full         [\d.]+ at \(.*\), \d+ steps old (right|wrong)", shown)
    assert "1 episodes" in shown
    assert "reproduces" not in shown  # another k than the run's
    assert "none of these is the run's own memory, asked for as many items" in shown


def test_a_reader_that_has_gone_is_no_traceback(run):
    code = (
        "import os, sys; from placecell.scripts.replay import main; r, w = os.pipe(); os.close(r); "
        f"os.dup2(w, 1); sys.exit(main(['recall', {str(run)!r}, '0', '--memory', 'none', '--steps']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (141, "")


def test_no_world_is_built(run):
    code = (
        "import sys; from placecell.scripts.replay import main; "
        f"code = main(['recall', {str(run)!r}, '0', '--memory', 'full']); "
        "assert code == 0; assert not [m for m in sys.modules if m.startswith('placecell.envs.mesh')]"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_whether_recall_predicts_spl_is_told_with_the_number_of_points(run, capsys, tmp_path):
    others = []
    for number, choice in enumerate(("full", "none", "grid")):
        other = shutil.copytree(run, tmp_path / choice)
        config = yaml.safe_load((other / "config.yaml").read_text())
        config["memory"] = dict(compose_memory(choice))
        (other / "config.yaml").write_text(yaml.safe_dump(config))
        spl = 0.5 - 0.1 * number
        results = [replace(r, measures={**r.measures, "spl": spl}) for r in read_results(other)]
        (other / "results.jsonl").write_text("".join(result.to_line() for result in results))
        others.append(other)
    code, shown, complaint = call(capsys, run, "--memory", "full", "none", "grid", "--spl", *others)
    assert (code, complaint) == (0, "")
    assert re.search(
        r"right at 1 once seen / SPL of the memory's run: full [\d.]+ / 0.500, none 0.000 / 0.400", shown
    )
    assert re.search(r"rank correlation over 3 memories: Spearman [+-][\d.]+, Kendall [+-][\d.]+", shown)
    code, _, complaint = call(capsys, run, "--memory", "full", "--spl", others[1])
    assert code == 2
    assert "got " in complaint
    assert "placecell.memory.NoMemory" in complaint
    code, _, complaint = call(capsys, run, "--memory", "full", "--spl", others[0], run)
    assert "a second run of full" in complaint


def test_mistakes_are_one_line_each(run, capsys):
    for arguments, why in (
        (["--memory", "flaat"], "did you mean memory=flat?"),
        (["--memory", "flat:wide=3"], "a key of memory: max_bytes, width"),
        (["--memory", "flat:width=wide"], "memory.width to be a whole number"),
        (["--memory", "flat:width=0"], "width"),
        (["--memory", "flat:"], "--memory CHOICE or CHOICE:KEY=VALUE"),
        (["--memory", "flat", "flat"], "each --memory once"),
        (
            ["--memory", "flat,grid"],
            "got 'flat,grid'; write for example flat:max_bytes=1000000; a space parts",
        ),
        (["--memory", "flat:_target_=no.such"], "Error locating target 'no.such'"),
        (["--memory", "frames:colour=true", "--k", "0"], "--k of 1 or more"),
    ):
        code, shown, complaint = call(capsys, run, *arguments)
        assert (code, shown) == (2, ""), arguments
        assert why in complaint
        assert complaint.count("\n") == 1


def test_a_light_recording_is_refused_and_what_is_not_whole_is_left_out(run, capsys):
    header = next((run / "episodes").glob("00000-*")) / "header.json"
    steps = header.with_name("steps.jsonl")
    steps.write_bytes(b"".join(steps.read_bytes().splitlines(keepends=True)[:-1]))
    code, _, complaint = call(capsys, run, "--memory", "full")
    assert code == 1
    assert "can be asked of; 00000-" in complaint
    header.write_text(json.dumps({**json.loads(header.read_text()), "level": "light"}))
    code, _, complaint = call(capsys, run, "--memory", "full")
    assert code == 2
    assert "run with record=full record.every=1" in complaint


def test_a_value_may_be_a_list_and_defaults_stay():
    node = compose_memory("full:voxel_size_m=1")
    assert dict(node) == {
        "_target_": "placecell.memory.SpatialMemory", "voxel_size_m": 1.0, "max_depth_m": 10.0,
        "min_depth_m": 0.0, "octree": True, "topology": True, "short_term": True, "feature_width": 0,
        "short_term_capacity": 128, "long_term": True, "long_term_tokens": "flat",
        "leaf_level": 4, "gate": 0.9, "encoder": "", "max_bytes": None, "max_items": None,
        "max_prompt_tokens": None, "budget_policy": "oldest",
    }  # fmt: skip
    assert compose_memory("full:max_bytes=4000000").max_bytes == 4_000_000
    with pytest.raises(ConfigError, match=r"a number, as its default 0.1, got \[1, 2\]"):
        compose_memory("full:voxel_size_m=[1,2]")
