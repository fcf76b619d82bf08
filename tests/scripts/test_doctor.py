import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from placecell.errors import OutputError
from placecell.scripts.data.catalogue import SETS, ByHand, DataSet, Files, Listed
from placecell.scripts.doctor import main, packages, places, report
from placecell.scripts.doctor.check import Check, tried
from placecell.scripts.doctor.machine import machine_checks
from placecell.scripts.doctor.packages import parse_requirement, required_check

SOURCE = Path(__file__).parents[2] / "src"


def lines(text):
    """Each line by its name: (ok or no, what it says)."""
    found = re.findall(r"^(ok|no)  (\S+(?: \S+)*) +(.*)$", text, re.M)
    return {name.split("  ")[0]: (state, says) for state, name, says in found}


def test_here_all_that_is_required_works(capsys, monkeypatch, tmp_path):
    monkeypatch.delenv("PLACECELL_DATA", raising=False)
    assert main([]) == 0
    shown = capsys.readouterr().out
    found = lines(shown)
    for name in (
        "Python",
        "placecell",
        "torch",
        "pillow",
        "hydra-core",
        "Embree",
        "segmenter",
        "expectation",
    ):
        assert found[name][0] == "ok", shown
    assert found["Embree"][1] == "a ray hits a triangle 2 m away"
    assert "fix: export PLACECELL_DATA=DIR, then placecell-data fetch NAME" in found["PLACECELL_DATA"][1]
    assert shown.splitlines()[-1].startswith("all that is required works; ")


def test_every_no_names_a_fix_and_no_ok_does(capsys):
    main([])
    for line in capsys.readouterr().out.splitlines()[:-1]:
        assert ("; fix: " in line) == line.startswith("no"), line


def run_hidden(code, *options, flags=()):
    """The doctor in an interpreter of its own, after ``code`` has hidden what it hides."""
    call = f"import sys; sys.path.insert(0, {str(SOURCE)!r})\n{code}\n"
    call += f"from placecell.scripts.doctor import main\nsys.exit(main({list(options)!r}))"
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PLACECELL"))}
    done = subprocess.run([sys.executable, *flags, "-c", call], capture_output=True, text=True, env=env)
    assert done.stderr == ""
    return done.returncode, done.stdout


def hide(*modules):
    return f"for name in {modules!r}: sys.modules[name] = None"


def test_without_the_extras_it_is_well_and_says_how_to_get_them():
    code, shown = run_hidden(
        hide("rerun", "mcap", "pyarrow", "open3d", "transformers", "pytest", "playwright")
    )
    assert code == 0
    found = lines(shown)
    for extra, package in (("rerun", "rerun-sdk"), ("mcap", "mcap"), ("lerobot", "pyarrow")):
        expected = f"optional: placecell-replay export --to {extra}: {package} not installed; "
        assert found[f"[{extra}]"] == ("no", f"{expected}fix: pip install 'placecell[{extra}]'")
    assert found["[dev]"][0] == "no"
    assert "pytest not installed" in found["[dev]"][1]
    assert found["browser"][0] == "no"
    assert "all that is required works; " in shown


def test_a_required_package_that_is_missing_is_named_with_its_command(capsys, monkeypatch):
    for name in ("embreex", "safetensors"):
        monkeypatch.setitem(sys.modules, name, None)
    assert report(packages.package_checks(), as_json=False) == 1
    shown = capsys.readouterr().out
    found = lines(shown)
    assert found["safetensors"] == ("no", "not installed; fix: pip install 'safetensors>=0.4.3'")
    assert found["embreex"][0] == "no"
    assert found["torch"][0] == "ok"
    assert re.search(r"^2 required: embreex, safetensors; ", shown, re.M)


def test_with_nothing_installed_there_is_a_report_and_no_traceback(tmp_path):
    code, shown = run_hidden("", "--data", str(tmp_path), flags=("-I", "-S"))
    assert code == 1
    found = lines(shown)
    assert found["Python"][0] == "ok"
    assert found["placecell"][0] == "no"
    assert found["torch threads"] == ("no", "needs torch; fix: install torch first")
    for name in ("Embree", "segmenter", "Numba cache"):
        assert found[name][0] == "no"
    assert "fix: pip install -e . in the checkout" in shown


def test_json_says_the_same_for_programs(capsys, monkeypatch):
    monkeypatch.setattr("placecell.scripts.doctor.checks", lambda *_, **__: iter([A, B]))
    assert main(["--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is False
    assert document["checks"][1] == {
        "name": "b",
        "ok": False,
        "says": "it is not there",
        "fix": "get it",
        "required": True,
    }


A = Check("a", True, "fine")
B = Check("b", False, "it is not there", "get it")
C = Check("c", False, "it is not there", "get it", required=False)


def test_only_what_is_required_decides_the_exit_code(capsys):
    assert report(iter([A, C]), as_json=False) == 0
    assert report(iter([A, B, C]), as_json=False) == 1
    shown = capsys.readouterr().out
    assert "no  c                 optional: it is not there; fix: get it\n" in shown
    assert shown.endswith("1 required: b; 1 optional parts are not there\n")


def test_an_error_that_knows_its_fix_says_it():
    def fails():
        raise OutputError(expected="room", came="none", fix="make some")

    assert tried("disk", fails, "another") == Check("disk", False, "expected room, got none", "make some")
    assert tried("x", lambda: str(1 / 0), "do it") == Check(
        "x", False, "ZeroDivisionError: division by zero", "do it"
    )


@pytest.mark.parametrize(
    ("text", "name", "least", "extra"),
    [
        ("torch>=2.6", "torch", "2.6", ""),
        ("numpy", "numpy", "", ""),
        ('open3d-cpu>=0.18; extra == "recon"', "open3d-cpu", "0.18", "recon"),
        ('placecell[lerobot,mcap]; extra == "dev"', "placecell", "", "dev"),
        ("ruff>=0.8,<1 ; extra == 'dev'", "ruff", "0.8", "dev"),
    ],
)
def test_requirements_are_read_from_the_metadata(text, name, least, extra):
    found = parse_requirement(text)
    assert (found.name, found.least, found.extra) == (name, least, extra)


def test_a_package_that_is_too_old_or_does_not_import_is_told(monkeypatch):
    monkeypatch.setattr("importlib.metadata.version", lambda _: "1.26.4")
    assert required_check(parse_requirement("numpy>=2.0")).line() == (
        "no  numpy             1.26.4 is older than 2.0; fix: pip install 'numpy>=2.0'"
    )
    assert required_check(parse_requirement("numpy>=1.26.4.0")).ok

    def broken(name):
        raise ImportError("libnumpy.so: cannot open\nshared object file")

    monkeypatch.setattr(packages.importlib, "import_module", broken)
    found = required_check(parse_requirement("numpy>=1.0"))
    assert found.says == "does not import: ImportError: libnumpy.so: cannot open shared object file"
    assert found.fix == "pip install --force-reinstall 'numpy>=1.0'"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("raise RuntimeError('no')", "RuntimeError: no"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def (", "SyntaxE"),
    ],
)
def test_what_fails_for_a_broken_package_is_not_blamed_on_a_file(monkeypatch, tmp_path, source, words):
    (tmp_path / "safetensors").mkdir()
    (tmp_path / "safetensors" / "__init__.py").write_text(source)
    code, shown = run_hidden(f"sys.path.insert(0, {str(tmp_path)!r})")
    assert code == 1
    found = lines(shown)
    assert f"does not import: {words}" in found["safetensors"][1]
    assert "fix: pip install --force-reinstall 'safetensors>=0.4.3'" in found["safetensors"][1]
    assert f"something that it needs does not import: {words}" in found["segmenter"][1]
    assert found["segmenter"][1].endswith("; fix: repair the package that is broken first")
    assert re.search(r"^2 required: safetensors, segmenter; ", shown, re.M)


def test_kernels_that_cannot_be_kept_are_not_blamed_on_a_file_or_a_package():
    def fails():
        raise RuntimeError("cannot cache function 'push': no locator available")

    found = tried("segmenter", fails, "install placecell again")
    assert found.fix == "export NUMBA_CACHE_DIR=DIR, a folder that you may write to"
    assert found.says.startswith("RuntimeError: cannot cache function")


def test_a_damaged_checkpoint_an_encoder_and_a_browser_that_fail_are_told(monkeypatch, tmp_path):
    damaged = tmp_path / "segmenter.safetensors"
    damaged.write_bytes(b"nothing")
    monkeypatch.setattr("placecell.agent.perception.segmenter.SHIPPED", damaged)
    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", lambda: sys.executable)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    found = {check.name: check for check in machine_checks()}
    assert not found["segmenter"].ok
    assert "a file that cannot be read" in found["segmenter"].says
    assert not found["ffmpeg h264"].ok
    assert "IMAGEIO_FFMPEG_EXE" in found["ffmpeg h264"].fix
    assert not found["browser"].required
    assert "got none (the pages themselves open in any browser)" in found["browser"].says


def test_folders_that_cannot_be_written_or_are_full_are_told(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("PLACECELL_CACHE", str(tmp_path / "file"))
    monkeypatch.chdir(tmp_path)
    cache, here, *_ = places.place_checks(None, full=False)
    assert not cache.ok
    assert "Not a directory" in cache.says
    assert cache.fix == "export PLACECELL_CACHE=DIR, a folder that you may write to"
    assert here.ok
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]
    usage = shutil.disk_usage(tmp_path)._replace(free=5 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    _, here, *_ = places.place_checks(None, full=False)
    assert here.says == f"expected 1.0 GiB free in {tmp_path}, got 5.0 MiB"


def test_data_that_are_absent_in_part_or_changed_are_told(tmp_path, monkeypatch):
    content = "[]" * 427
    for name in ("r2r", "metrics"):
        (tmp_path / name).mkdir()
    (tmp_path / "r2r" / "LICENSE.FGR2R").write_text("x")
    (tmp_path / "metrics" / "r4r_doctest_cases.json").write_text(content)
    found = {check.name: check for check in places.data_checks(tmp_path, full=False)}
    assert set(found) == {"PLACECELL_DATA", *(name for name, one in SETS.items() if one.files)}
    assert found["r2r"].line().endswith("1 changed, 2 missing of 3 entries; fix: placecell-data verify r2r")
    assert found["octomap"].fix == "placecell-data fetch octomap"
    assert found["habitat_golden"].fix.startswith("https://github.com/facebookresearch/habitat-sim: it was")
    assert found["metrics"].ok
    assert "sizes; --full compares" in found["metrics"].says
    full = {check.name: check for check in places.data_checks(tmp_path, full=True)}
    assert full["metrics"].fix == "placecell-data verify metrics"


def test_of_a_set_that_is_there_in_part_the_rest_can_be_fetched(tmp_path, monkeypatch):
    listed = tuple(Listed(name, 1, "0" * 64) for name in ("a", "b"))
    for name, origin, fix in (
        ("streets", Files("https://example.org", "https://example.org/", frozenset()), "fetch streets"),
        ("forms", ByHand("https://example.org", "sign"), "verify forms"),
    ):
        monkeypatch.setitem(SETS, name, DataSet(name, "a graph", "MIT", origin, "all", listed))
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_text("x")
        found = {check.name: check for check in places.data_checks(tmp_path, full=False)}
        assert found[name].says == "0 changed, 1 missing of 2 entries"
        assert found[name].fix == f"placecell-data {fix}"


def test_a_reader_that_has_gone_is_no_traceback():
    code, shown = run_hidden("import os; r, w = os.pipe(); os.close(r); os.dup2(w, 1)", flags=("-I", "-S"))
    assert (code, shown) == (141, "")


def test_a_mistake_is_one_line(capsys):
    assert main(["--fast"]) == 2
    said = capsys.readouterr().err
    assert said == (
        "placecell-doctor: expected placecell-doctor as its --help shows it, "
        "got unrecognized arguments: --fast; see --help\n"
    )
