import json
import os
import sys
from types import ModuleType

import pytest

from placecell.errors import MissingPartError
from placecell.scripts import bench
from placecell.scripts.bench import main, pin_threads, write
from placecell.scripts.bench.row import Row


@pytest.fixture
def suite(monkeypatch):
    """A suite by the name of ``toy`` that measures nothing."""
    module = ModuleType("placecell.scripts.bench.toy")
    module.SUITE_HELP = "a toy"
    module.add_arguments = lambda parser: parser.add_argument("--size", type=int, default=1)
    module.run = lambda args: [
        Row("size", float(args.size), "m", target="> 5", passed=args.size > 5),
        Row("speed", 4.0, "1/s", peer="plain", peer_value=2.0, ratio=2.0),
        Row("quick", float(args.quick), "1", peer="plain", peer_value=1.0, delegates=True),
    ]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(bench, "SUITES", ("toy",))
    return module


def test_a_suite_leaves_its_rows_and_a_table(suite, tmp_path, capsys):
    assert main(["toy", "--out", str(tmp_path / "a" / "b"), "--size", "9", "--quick"]) == 0
    rows = json.loads((tmp_path / "a" / "b" / "bench.json").read_text())
    assert rows[0] == {
        "name": "size", "value": 9.0, "unit": "m", "peer": None, "peer_value": None, "ratio": None,
        "target": "> 5", "passed": True, "delegates": False,
    }  # fmt: skip
    assert rows[1]["ratio"] == 2.0
    assert rows[2]["value"] == 1.0
    printed = capsys.readouterr().out
    assert "delegates" in printed
    assert f"toy: 1 of 1 targets met; rows in {tmp_path / 'a' / 'b' / 'bench.json'}" in printed


def test_a_target_that_is_missed_is_a_result(suite, tmp_path, capsys):
    assert main(["toy", "--out", str(tmp_path)]) == 0
    assert json.loads((tmp_path / "bench.json").read_text())[0]["passed"] is False
    assert "toy: 0 of 1 targets met" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["tiy", "--out", "x"], "expected a suite: toy, got tiy; run placecell-bench SUITE --out DIR"),
        (
            ["toy"],
            "expected options of placecell-bench toy: --help, --out, --quick, --size, got the following",
        ),
        (
            ["toy", "--out", "x", "--size", "many"],
            "got argument --size: invalid int value: 'many'; see --help",
        ),
        (["toy", "--out", "x", "--colour"], "got unrecognized arguments: --colour; see --help"),
    ],
)
def test_a_mistake_is_one_line(suite, capsys, arguments, line):
    assert main(arguments) == 2
    complaint = capsys.readouterr().err
    assert line in complaint
    assert complaint.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_known_before_anything_is_measured(suite, tmp_path, capsys):
    suite.run = lambda args: pytest.fail("measured")
    (tmp_path / "file").touch()
    assert main(["toy", "--out", str(tmp_path / "file" / "x")]) == 2
    assert "expected a folder that can be written: " in capsys.readouterr().err


def test_a_suite_that_breaks_leaves_the_last_rows(suite, tmp_path, capsys):
    def lacking(args):
        raise MissingPartError(expected="faiss", came="none", fix="pip install placecell[bench]")

    main(["toy", "--out", str(tmp_path), "--size", "7"])
    suite.run = lacking
    assert main(["toy", "--out", str(tmp_path)]) == 2
    assert "expected faiss, got none; pip install placecell[bench]" in capsys.readouterr().err
    assert json.loads((tmp_path / "bench.json").read_text())[0]["value"] == 7.0
    assert [p.name for p in tmp_path.iterdir()] == ["bench.json"]


def test_the_suites_are_listed_with_what_they_measure(suite, capsys):
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    assert "toy              a toy" in capsys.readouterr().out


def test_threads_are_pinned_unless_the_user_said_otherwise(monkeypatch):
    for name in bench.THREADS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    pin_threads()
    assert os.environ["OMP_NUM_THREADS"] == "2"
    assert os.environ["NUMBA_NUM_THREADS"] == "1"


def test_a_figure_that_is_not_finite_is_null(tmp_path):
    path = write([Row("x", float("inf"), "m", peer="p", peer_value=float("nan"), ratio=0.0)], tmp_path)
    (row,) = json.loads(path.read_text())
    assert (row["value"], row["peer_value"], row["ratio"]) == (None, None, 0.0)


def test_rows_that_say_nothing_sure_are_refused(tmp_path):
    with pytest.raises(ValueError, match="a target needs a verdict"):
        Row("x", 1.0, "m", target="< 2")
    with pytest.raises(ValueError, match="only wraps its peer has no ratio"):
        Row("x", 1.0, "m", ratio=2.0, delegates=True)
    with pytest.raises(ValueError, match=r"rows of one name: \['x'\]"):
        write([Row("x", 1.0, "m"), Row("x", 2.0, "m")], tmp_path)
