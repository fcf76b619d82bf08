import json
import os
import signal
import subprocess
import sys
from importlib import import_module

import pytest

from placecell.scripts.run import main

TOY = ["env=corridor", "agent=walker", "task=stroll", "progress=false", "workers=0"]

MEMORIES = "flat, frames, full, grid, no_long_term, no_octree, no_short_term, no_topology, none, octree"


@pytest.fixture
def command(toybot, tmp_path, monkeypatch, capsys):
    """Calls placecell-run in an empty folder: the exit code, what it printed, its complaint."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, toy=True):
        code = main([*(TOY if toy else ()), *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


@pytest.fixture
def mistake(command, tmp_path):
    """A call that has to end with one line on stderr, exit code 2 and no files."""

    def call(*arguments, toy=True):
        code, _, complaint = command("out=made", *arguments, toy=toy)
        assert code == 2
        assert complaint.count("\n") == 1
        assert complaint.startswith("placecell-run: expected ")
        assert list(tmp_path.iterdir()) == []
        return complaint

    return call


def results(folder):
    return [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]


def test_a_strangers_package_runs_by_name_in_a_process_of_its_own(toybot_installed, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "placecell.scripts.run", *TOY, "episodes=3", "seed=5", "out=here"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(toybot_installed)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "3 of 3 episodes done; look into here: summary.json, results.jsonl" in done.stdout
    assert [r["episode_id"] for r in results(tmp_path / "here")] == ["walk 0", "walk 1", "walk 2"]


def test_the_strangers_choices_are_listed_beside_ours(command):
    code, printed, _ = command("--help")
    assert code == 0
    assert "env: corridor, houses, mesh" in printed
    assert f"memory: {MEMORIES}, slate" in printed


def test_the_closing_table_has_the_measures_the_denominators_and_the_oracle_inputs(command):
    code, printed, complaint = command("episodes=4", "out=here")
    assert (code, complaint) == (0, "")
    assert all(
        text in printed for text in ("success", "spl", "95 % interval (by scene)", "oracle inputs: cell")
    )
    assert "4 attempted, 4 done" in printed


def test_values_of_the_command_line_reach_the_config_and_the_objects(command, tmp_path):
    code, _, _ = command("episodes=1", "env.length=2", "env.slip=0", "env.name=1_2", "out=here")
    assert code == 0
    config = (tmp_path / "here" / "config.yaml").read_text()
    assert "length: 2" in config
    assert "slip: 0.0" in config  # its default is a float
    assert "name: '1_2'" in config  # its default is text: not the number 12
    assert "_target_: toybot.slate.Slate" in config  # the agent chose its memory
    assert results(tmp_path / "here")[0]["steps"] == 3


def test_a_memory_named_on_the_command_line_wins_over_the_agents(command, tmp_path):
    assert command("memory=none", "episodes=1", "out=here")[0] == 0
    assert "_target_: placecell.memory.NoMemory" in (tmp_path / "here" / "config.yaml").read_text()


@pytest.mark.parametrize("name", ["1_2", "a b (c), d=e", "it's", "sub/folder", "[x]", "007"])
def test_an_output_folder_is_what_was_typed(command, tmp_path, name):
    assert command("episodes=1", f"out={name}")[0] == 0
    assert len(results(tmp_path / name)) == 1


def test_flags_may_stand_between_overrides(command):
    code, printed, _ = command("--cfg", "job", "seed=4")
    assert code == 0
    assert "seed: 4" in printed


def test_a_sweep_gives_each_job_a_folder_named_by_its_overrides(command, tmp_path):
    code, _, _ = command("-m", "seed=1,2", "env.name=a/b", "episodes=1", "out=sweep")
    assert code == 0
    names = sorted(p.name for p in (tmp_path / "sweep").iterdir() if p.is_dir())
    assert [name.replace("agent=walker,env.name=a_b,env=corridor,episodes=1,", "") for name in names] == [
        "seed=1,task=stroll", "seed=2,task=stroll",
    ]  # fmt: skip
    assert all(len(results(tmp_path / "sweep" / name)) == 1 for name in names)


def test_a_sweep_goes_on_after_a_job_that_fails_and_says_so(command, tmp_path):
    code, _, complaint = command("-m", "env.break_at=0,null", "episodes=1", "out=sweep")
    assert code == 1
    assert complaint.count("\n") == 1
    statuses = [results(p)[0]["status"] for p in sorted((tmp_path / "sweep").glob("*/"))]
    assert statuses == ["crashed", "done"]


def test_an_episode_that_breaks_gives_exit_code_1_and_its_reason(command):
    code, printed, complaint = command("env.break_at=1", "episodes=3", "out=here")
    assert code == 1
    assert "3 attempted, 2 done, 1 crashed" in printed
    assert complaint == (
        "placecell-run: 1 of 3 episodes were not done; the first, 'walk 1', crashed: "
        "RuntimeError: the floor gave way\n"
    )


def test_an_error_of_the_code_keeps_its_traceback(command, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("our fault")

    monkeypatch.setattr(import_module("toybot.corridor").Corridor, "__init__", broken)
    code, _, complaint = command("out=here")
    assert code == 1
    assert "Traceback" in complaint
    assert "RuntimeError: our fault" in complaint


def test_an_interruption_says_how_to_go_on_and_the_same_command_does(command, monkeypatch, tmp_path):
    corridor = import_module("toybot.corridor").Corridor
    step = corridor.step

    def interrupt(env, action):
        if env.episode == 1:
            raise KeyboardInterrupt
        return step(env, action)

    monkeypatch.setattr(corridor, "step", interrupt)
    code, _, complaint = command("episodes=3", "out=it's here")
    same = "placecell-run env=corridor agent=walker task=stroll progress=false workers=0 episodes=3"
    assert (code, complaint) == (
        130,
        f"placecell-run: interrupted: 1 of 3 episodes are kept; go on with: {same} 'out=it'\"'\"'s here'\n",
    )
    monkeypatch.setattr(corridor, "step", step)
    code, printed, _ = command("episodes=3", "out=it's here")
    assert code == 0
    assert "3 of 3 episodes done" in printed
    assert [r["episode"] for r in results(tmp_path / "it's here")] == [0, 1, 2]


def test_an_interruption_ends_a_sweep(command, monkeypatch, tmp_path):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(import_module("toybot.corridor").Corridor, "step", interrupt)
    code, _, complaint = command("-m", "seed=1,2", "episodes=3", "out=sweep")
    assert code == 130
    assert " go on with: placecell-run env=corridor " in complaint
    assert complaint.endswith(f" -m seed=1,2 episodes=3 out={tmp_path}/sweep\n")
    assert len(list((tmp_path / "sweep").glob("*/"))) == 1


def test_sigterm_is_an_interruption(toybot_installed, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "placecell.scripts.run", *TOY, "episodes=3000", "out=here"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(toybot_installed)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    path = tmp_path / "here" / "results.jsonl"
    while not path.exists() or path.read_bytes().count(b"\n") < 3:
        assert process.poll() is None
    process.terminate()
    _, complaint = process.communicate()
    assert process.returncode == 130
    assert "placecell-run: interrupted: " in complaint
    assert " of 3000 episodes are kept; go on with: placecell-run " in complaint
    assert complaint.count("\n") == 1
    assert all(r["status"] == "done" for r in results(tmp_path / "here"))


def test_a_sweep_goes_on_where_it_was_cut_off(command, tmp_path, monkeypatch):
    corridor = import_module("toybot.corridor").Corridor
    made = []
    init = corridor.__init__

    def count(env, *arguments, **options):
        made.append(options.get("length", 4))
        init(env, *arguments, **options)

    monkeypatch.setattr(corridor, "__init__", count)
    assert command("-m", "seed=1,2", "episodes=3", "out=sweep")[0] == 0
    assert len(made) == 2
    first = sorted((tmp_path / "sweep").glob("*/"))[0] / "results.jsonl"
    whole = first.read_text()
    first.write_text("".join(whole.splitlines(keepends=True)[:2]))
    assert command("-m", "seed=1,2", "episodes=3", "out=sweep")[0] == 0
    assert [{**json.loads(line), "seconds": 0} for line in first.read_text().splitlines()] == [
        {**json.loads(line), "seconds": 0} for line in whole.splitlines()
    ]


def test_the_process_is_left_as_it_was_found(command, monkeypatch):
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    arguments = list(sys.argv)
    command("episodes=1", "out=here")
    assert "HYDRA_FULL_ERROR" not in os.environ
    assert sys.argv == arguments


def test_an_unknown_key_lists_the_known_ones(mistake):
    keys = "env, memory, perception, task, agent, record, episodes, seed, out, progress, workers, "
    keys += "max_failures, limits"
    assert f"a key of the configuration: {keys}, got episdes; did you mean episodes?" in mistake("episdes=3")
    assert f"a key of the configuration: {keys}, got colour;" in mistake("+colour=red")
    assert "a key of env: length, slip, name, break_at, got env.lenght; did you mean env.length?" in mistake(
        "env.lenght=3"
    )
    assert "a key of task: name, got task.colour;" in mistake("+task.colour=red")
    assert (
        "a key of env: length, slip, name, break_at, limit, got toybot.corridor.Corridor, which was given an "
        "unexpected keyword argument 'colour'" in mistake("+env.colour=red")
    )


def test_an_unknown_choice_lists_the_known_ones(mistake):
    envs, memories = "corridor, houses, mesh, r2r, streets", f"{MEMORIES}, slate"
    assert f"a choice of env: {envs}, got corridr; did you mean env=corridor?" in mistake("env=corridr")
    assert f"a choice of memory: {memories}, got slat; did you mean memory=slate?" in mistake("memory=slat")
    assert "did you mean agent=walker?" in mistake("agent=walkre")


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("episodes=abc", "episodes to be a whole number, as its default 10, got 'abc'; set episodes=10"),
        ("episodes=2.5", "episodes to be a whole number, as its default 10, got 2.5"),
        ("seed=null", "seed to be a whole number, as its default 0, got None"),
        ("out=null", "out to be text"),
        ("seed=true", "seed to be a whole number, as its default 0, got True"),
        ("progress=1", "progress to be true or false, as its default True, got 1"),
        ("env.slip=[1]", "env.slip to be a number, as its default 0.25, got [1]"),
        ("episodes=0", "episodes of 1 or more, got 0"),
        ("seed=-1", "a seed of 0 or more, got -1"),
        ("seed=1,2", "one value of seed, got 1,2; add -m to run each of them, or write seed=[1,2]"),
        ("env.name=[1", "overrides of the form key=value, got env.name=[1; a value with commas"),
        ("nonsense", "overrides of the form key=value, got nonsense"),
        ("env=7", "a configuration that can be composed, got Config group override must be a string"),
        ("env.name=${nope}", "a configuration that can be composed, got Interpolation key 'nope' not found"),
        (
            "env._target_=nope.nope",
            "a configuration that can be composed, got Error locating target 'nope.nope'",
        ),
        ("~env._target_", "env to have a _target_, the callable that makes it, got the keys length"),
        ("--colour", "overrides key=value, or a flag: --cfg"),
        ("hydra.searchpath=[pkg://nope]", "path=nope is not available"),
    ],
)
def test_a_value_that_cannot_be_meant_is_one_line(mistake, override, line):
    assert line in mistake(override)


def test_a_folder_of_another_configuration_is_refused_and_kept(command, tmp_path):
    command("episodes=1", "out=here")
    before = (tmp_path / "here" / "results.jsonl").read_bytes()
    code, _, complaint = command("episodes=2", "env.length=3", "out=here")
    assert code == 2
    assert complaint == (
        "placecell-run: expected the configuration that here was begun with, got another "
        "env.length (4 there, 3 here), episodes (1 there, 2 here); go on with the same command, or name "
        "another folder: out=DIR\n"
    )
    assert (tmp_path / "here" / "results.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("workers=-1", "workers of 0 or more, got -1; set workers=N; 0 walks in this process"),
        ("max_failures=0", "max_failures of 1 or more, got 0"),
        ("max_failures=x", "max_failures of 1 or more, got 'x'"),
        ("limits.step_seconds=0", "limits.step_seconds"),
        ("limits.step_seconds=soon", "limits.step_seconds"),
        ("limits.episode_steps=-3", "limits.episode_steps"),
        ("limits.memory_gib=much", "limits.memory_gib"),
        ("record=most", "a choice of record: full, light, off, got most"),
        ("record.level=most", "record.level"),
        ("record.every=0", "record.every"),
    ],
)
def test_a_way_of_running_that_cannot_be_meant_is_one_line(mistake, override, line):
    assert line in mistake(override)


def test_a_folder_that_cannot_be_written_is_one_line(command, tmp_path):
    (tmp_path / "file").write_text("in the way")
    for arguments in (["out=file/x"], ["-m", "seed=1,2", "out=file/x"]):
        code, _, complaint = command("episodes=1", *arguments)
        assert code == 2
        assert complaint.count("\n") == 1
        assert "Not a directory" in complaint


def test_entry_points_that_lead_nowhere_name_the_package(mistake, tmp_path_factory, monkeypatch):
    info = tmp_path_factory.mktemp("broken") / "ghost-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ghost\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[placecell.configs]\nghost = ghost.conf\n")
    monkeypatch.syspath_prepend(str(info.parent))
    line = mistake()
    assert "configs 'ghost' of placecell.configs to be a package" in line
    assert "got ghost.conf, which is none; repair or uninstall ghost" in line


def test_an_environment_that_cannot_be_closed_does_not_void_what_was_walked(command, monkeypatch, tmp_path):
    def jam(env):
        raise ValueError("the door\njams")

    monkeypatch.setattr(import_module("toybot.corridor").Corridor, "close", jam)
    code, printed, complaint = command("episodes=3", "out=here")
    assert (code, "3 of 3 episodes done" in printed) == (0, True)
    assert complaint == "placecell-run: the environment could not be closed (ValueError: the door jams)\n"
    assert len(results(tmp_path / "here")) == 3


def test_what_a_library_makes_of_an_interruption_is_one(command, monkeypatch, tmp_path):
    def mangle(env, *arguments, **options):
        try:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt as stop:
            raise SystemError("returned a result with an exception set") from stop

    monkeypatch.setattr(import_module("toybot.corridor").Corridor, "__init__", mangle)
    code, _, complaint = command("episodes=3", "out=here")
    assert (code, complaint) == (130, "placecell-run: interrupted\n")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_fraction_of_a_second_is_a_limit(command):
    assert command("episodes=1", "limits.step_seconds=0.5", "out=here")[0] == 0
