import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from crooked_server import crooked_server

from placecell.scripts.data import catalogue, main
from placecell.scripts.data.catalogue import SETS, Archive, ByHand, DataSet, Files, Listed

SOURCE = Path(__file__).parents[2] / "src"
FILES = {"nodes.txt": b"a,1\n" * 3000, "deep/links.txt": b"a,2,b\n" * 2000, "LICENSE": b"take it"}


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with crooked_server() as running:
        running.files = {f"/graph/{name}": content for name, content in FILES.items()}
        running.files["/LICENSE"] = running.files.pop("/graph/LICENSE")
        yield running


@pytest.fixture
def streets(server, monkeypatch):
    """A set on loopback, in the catalogue."""
    listed = tuple(Listed(name, len(it), hashlib.sha256(it).hexdigest()) for name, it in FILES.items())
    elsewhere = {"LICENSE": server.url("/LICENSE")}
    origin = Files("https://example.org", server.url("/graph/"), frozenset({server.host}), elsewhere)
    dataset = DataSet("streets", "a graph", "MIT", origin, "all", listed)
    monkeypatch.setitem(catalogue.SETS, "streets", dataset)
    return dataset


@pytest.fixture
def call(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("PLACECELL_DATA", str(tmp_path / "data"))

    def called(*arguments):
        code = main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return called


def test_fetch_brings_the_files_and_verify_finds_them(streets, call, tmp_path):
    code, said, complaint = call("fetch", "streets")
    assert (code, complaint) == (0, "")
    assert "nodes.txt  11.7 KiB\n" in said
    assert said.endswith("streets: 3 files fetched and verified (MIT)\n")
    for name, content in FILES.items():
        assert (tmp_path / "data" / "streets" / name).read_bytes() == content
    code, said, _ = call("verify", "streets")
    assert code == 0
    assert "ok      streets/deep/links.txt\n" in said
    assert said.endswith("3 ok, 0 changed, 0 missing\n")


def test_what_is_verified_is_not_asked_for_again(server, streets, call):
    call("fetch", "streets")
    asked = len(server.asked)
    assert call("fetch", "streets")[:2] == (0, "streets: all there and verified, nothing fetched (MIT)\n")
    assert len(server.asked) == asked


def test_a_fetch_that_broke_off_goes_on_with_the_same_command(server, streets, call, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    server.plan["/graph/nodes.txt"] = [("break", 5000), *[("break", 0)] * 4]
    code, said, complaint = call("fetch", "streets")
    assert (code, said) == (1, "")
    assert complaint.startswith("placecell-data: expected the whole of http://")
    assert complaint.count("\n") == 1
    code, said, _ = call("fetch", "streets")
    assert code == 0
    assert "nodes.txt  11.7 KiB, went on after 4.9 KiB\n" in said


def test_verify_names_what_is_changed_and_what_is_missing(streets, call, tmp_path):
    call("fetch", "streets")
    folder = tmp_path / "data" / "streets"
    content = bytearray(FILES["nodes.txt"])
    content[7] ^= 1
    (folder / "nodes.txt").write_bytes(content)
    (folder / "LICENSE").write_bytes(b"take it all")
    (folder / "deep" / "links.txt").unlink()
    (folder / "mine.txt").touch()
    code, said, _ = call("verify", "streets")
    assert code == 1
    assert "changed streets/nodes.txt  (SHA-256 " in said
    assert "changed streets/LICENSE  (11 bytes, expected 7)\n" in said
    assert "missing streets/deep/links.txt\n" in said
    assert "mine.txt" not in said
    assert said.endswith("0 ok, 2 changed, 1 missing\n")


def test_a_changed_file_stops_a_fetch(server, streets, call, tmp_path):
    mine = tmp_path / "data" / "streets" / "LICENSE"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    code, _, complaint = call("fetch", "streets")
    assert code == 2
    assert "got LICENSE (4 bytes, expected 7); move them away first: nothing is overwritten" in complaint
    assert mine.read_text() == "mine"
    assert server.asked == []


def test_wrong_bytes_and_a_strange_host_leave_code_1_and_one_line(server, streets, call):
    server.plan["/graph/nodes.txt"] = [("redirect", "http://example.org/nodes.txt")]
    code, _, complaint = call("fetch", "streets")
    assert code == 1
    assert "got a redirect to http://example.org; " in complaint
    server.files["/graph/nodes.txt"] = bytes(len(FILES["nodes.txt"]))
    code, _, complaint = call("fetch", "streets")
    assert code == 1
    assert "placecell-data: expected SHA-256 " in complaint
    assert complaint.count("\n") == 1


def test_the_list_shows_every_set_and_whether_it_is_there(streets, call, tmp_path):
    call("fetch", "streets")
    code, said, _ = call("list")
    assert code == 0
    rows = {cells[0]: cells for cells in (re.split("  +", line) for line in said.splitlines()) if cells[0]}
    assert rows["streets"][1:] == ["23.4 KiB", "3", "yes", "MIT"]
    assert rows["r2r"][3] == "no"
    assert set(SETS) <= set(rows)
    assert "\n  a graph; https://example.org\n" in said
    assert "\n  Habitat-Matterport 3D scenes; by hand, https://matterport.com" in said
    (tmp_path / "data" / "streets" / "nodes.txt").unlink()
    assert "in part" in call("list")[1]


def test_the_list_of_one_set_says_what_was_verified_and_what_was_not(call):
    code, said, _ = call("list", "reverie_bbox", "gibson")
    assert code == 0
    assert "  licence   none stated: evaluate only\n" in said
    assert "of the archive no checksum is known, and its address has not been tried\n" in said
    assert "  by hand   sign the form there; the links come by mail\n" in said
    assert "r2r" not in said
    assert not [line for line in said.splitlines() if line.endswith(" ")]


def test_the_list_of_one_set_has_its_checksums(streets, call):
    said = call("list", "streets")[1]
    for name, content in FILES.items():
        assert f"    {hashlib.sha256(content).hexdigest()}  {name}\n" in said


def in_an_interpreter(code, *flags):
    call = f"import sys; sys.path.insert(0, {str(SOURCE)!r})\nfrom placecell.scripts.data import main\n{code}"
    env = {key: value for key, value in os.environ.items() if not key.startswith("PLACECELL")}
    return subprocess.run([sys.executable, *flags, "-c", call], capture_output=True, text=True, env=env)


def test_the_command_needs_no_package():
    done = in_an_interpreter("sys.exit(main(['list']))", "-I", "-S")
    assert (done.returncode, done.stderr) == (0, "")
    assert set(SETS) <= {line.split("  ")[0] for line in done.stdout.splitlines()}


def test_a_reader_that_has_gone_is_no_traceback():
    code = "import os; r, w = os.pipe(); os.close(r); os.dup2(w, 1); sys.exit(main(['list']))"
    done = in_an_interpreter(code)
    assert (done.returncode, done.stderr) == (141, "")


MISTAKES = {
    "near name": (("fetch", "r2"), "did you mean r2r?"),
    "unknown name": (("verify", "zzzzzz"), "got 'zzzzzz'; see placecell-data list"),
    "form": (("fetch", "hm3d"), "hm3d, which has to be got by hand; https://matterport.com/habitat-matter"),
    "nothing published": (("fetch", "habitat_golden"), "made by running habitat-sim"),
    "no subcommand": ((), "the following arguments are required: list|fetch|verify"),
    "unknown subcommand": (("get", "r2r"), "invalid choice: 'get'"),
    "no name": (("fetch",), "the following arguments are required: NAME"),
    "unknown option": (("list", "--dta", "x"), "unrecognized arguments: --dta"),
    "no such folder": (("verify", "r2r", "--data", "nowhere"), "got nowhere, which does not exist"),
    "a file": (("fetch", "r2r", "--data", __file__), "got the file "),
}


@pytest.mark.parametrize(("arguments", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line_and_code_2(call, arguments, message):
    code, said, complaint = call(*arguments)
    assert (code, said) == (2, "")
    assert complaint.startswith("placecell-data: expected ")
    assert message in complaint
    assert complaint.count("\n") == 1


def test_without_a_folder_it_says_how_to_name_one(call, monkeypatch):
    monkeypatch.delenv("PLACECELL_DATA")
    code, _, complaint = call("fetch", "r2r")
    assert code == 2
    assert "got no --data and no PLACECELL_DATA; add --data DIR, or export PLACECELL_DATA=DIR" in complaint
    assert call("list")[0] == 0


def test_a_folder_without_write_permission_is_one_line(streets, call, tmp_path, monkeypatch):
    def refuse(self, *_, **__):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    code, _, complaint = call("fetch", "streets")
    assert code == 2
    assert "streets, got Permission denied; give yourself write permission" in complaint
    assert complaint.count("\n") == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_one_line(streets, call, tmp_path):
    (tmp_path / "data").mkdir(mode=0o500)
    code, _, complaint = call("fetch", "streets")
    assert code == 2
    assert "Permission denied" in complaint


def test_every_address_is_on_an_allowed_host_and_under_https():
    for dataset in SETS.values():
        origin = dataset.origin
        assert origin.page.startswith("https://")
        urls = [origin.url(listed.path) for listed in dataset.files] if isinstance(origin, Files) else []
        urls += [origin.url] if isinstance(origin, Archive) else []
        for url in urls:
            scheme, _, host, *_ = url.split("/")
            assert scheme == "https:"
            assert host in origin.hosts
            assert "*" not in url
        assert dataset.files or isinstance(origin, ByHand)
        assert dataset.verified


def test_names_below_a_set_stay_below_it():
    for dataset in SETS.values():
        for listed in dataset.files:
            assert not Path(listed.path).is_absolute()
            assert ".." not in Path(listed.path).parts
            assert len(listed.sha256) == 64


@pytest.mark.real_data
@pytest.mark.parametrize("name", [name for name, dataset in SETS.items() if dataset.files])
def test_the_public_data_are_what_the_catalogue_says(name, capsys, monkeypatch):
    assert main(["verify", name]) == 0, capsys.readouterr().out
