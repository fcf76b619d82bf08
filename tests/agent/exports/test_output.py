"""What both viewers' formats have in common: names, refusals, and files that are whole or not there."""

import os
import resource
import subprocess
import sys

import pytest
import recorded_walk

from placecell.agent.exports import mcap, rerun
from placecell.errors import ArchiveError, ConfigError, MissingPartError, OutputError

FORMATS = pytest.mark.parametrize(("suffix", "module"), [(".rrd", rerun), (".mcap", mcap)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return recorded_walk.record_walk(tmp_path_factory.mktemp("walk") / "00004-a%201", steps=3)


def about(path):
    """The lines that an export says of itself."""
    if path.suffix == ".rrd":
        from rerun.chunk import RrdReader

        chunks = RrdReader(path).stream().filter(content="/about").to_chunks()
        (text,) = chunks[0].to_record_batch().column("TextDocument:text").to_pylist()[0]
        return [line.removeprefix("- ") for line in text.splitlines()]
    from mcap.reader import make_reader

    with path.open("rb") as file:
        (metadata,) = make_reader(file).iter_metadata()
    return metadata.metadata["about"].splitlines()


@FORMATS
def test_one_episode_to_a_file_and_several_to_a_folder(tmp_path, folder, suffix, module):
    other = recorded_walk.record_walk(tmp_path / "00005-b", steps=1)
    file = tmp_path / "deep" / f"one{suffix}"
    assert module.export(folder, file) == module.export([folder], file) == file
    assert file.stat().st_mode & 0o777 == 0o644
    assert module.export([folder, other], tmp_path / "all") == tmp_path / "all"
    assert sorted(p.name for p in (tmp_path / "all").iterdir()) == [
        f"00004-a%201{suffix}",
        f"00005-b{suffix}",
    ]
    assert about(tmp_path / "all" / f"00005-b{suffix}") == ["episode a 1 of hall, 1 steps"]
    module.export(folder, tmp_path / "few")
    assert [p.name for p in (tmp_path / "few").iterdir()] == [f"00004-a%201{suffix}"]


@FORMATS
def test_several_episodes_do_not_fit_a_file(tmp_path, folder, suffix, module):
    with pytest.raises(ConfigError, match=rf"one recorded episode for a \{suffix} file, .* got 0 episodes"):
        module.export([], tmp_path / "x")
    with pytest.raises(ConfigError, match=r"got 2 episodes, 2 names, for .*; name one episode"):
        module.export([folder, tmp_path], tmp_path / f"x{suffix}")
    with pytest.raises(ConfigError, match="got 2 episodes, 1 names"):
        module.export([folder, tmp_path / folder.name], tmp_path / "x")


@FORMATS
def test_an_unfinished_episode_is_exported_up_to_its_last_complete_step(tmp_path, suffix, module):
    folder = recorded_walk.record_walk(tmp_path / "cut", steps=4)
    lines = folder / "steps.jsonl"
    whole = lines.read_bytes().split(b"\n")
    lines.write_bytes(b"\n".join(whole[:2]) + b"\n" + whole[2][:100])
    said = about(module.export(folder, tmp_path / f"cut{suffix}"))
    assert said == ["episode a 1 of hall, 2 steps", "cut off: 2 complete steps, and no end"]
    lines.write_bytes(whole[0][:50])
    with pytest.raises(ArchiveError, match=r"a recorded step in .*cut off before its first step"):
        module.export(folder, tmp_path / f"none{suffix}")
    assert not (tmp_path / f"none{suffix}").exists()


@FORMATS
def test_no_recording_is_the_readers_error(tmp_path, suffix, module):
    with pytest.raises(ArchiveError, match=r"a recorded episode in .* no such folder"):
        module.export(tmp_path / "nothing", tmp_path / f"x{suffix}")


@FORMATS
def test_damaged_frames_leave_what_was_there(tmp_path, suffix, module):
    folder = recorded_walk.record_walk(tmp_path / "damaged", steps=3)
    frames = folder / "frames.tar"
    content = bytearray(frames.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 600] = bytes(600)
    frames.write_bytes(content)
    out = tmp_path / "out" / f"x{suffix}"
    out.parent.mkdir()
    out.write_bytes(b"before")
    with pytest.raises(ArchiveError, match="the frame of step 1"):
        module.export(folder, out)
    assert [p.read_bytes() for p in out.parent.iterdir()] == [b"before"]


@FORMATS
def test_an_out_that_cannot_be_written_is_one_line(tmp_path, folder, suffix, module):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"^expected room and the right to write .*; make room, or choose"):
        module.export(folder, tmp_path / "file" / f"x{suffix}")


@FORMATS
def test_a_full_disk_leaves_what_was_there(tmp_path, folder, suffix, module):
    out = tmp_path / f"x{suffix}"
    out.write_bytes(b"before")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, hard))
    try:
        with pytest.raises(OutputError, match="File too large"):
            module.export(folder, out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [(out.name, b"before")]


@FORMATS
def test_a_missing_package_names_the_extra(tmp_path, folder, suffix, module, monkeypatch):
    name = suffix[1:].replace("rrd", "rerun")
    for loaded in [key for key in sys.modules if key.split(".")[0] == name]:
        monkeypatch.setitem(sys.modules, loaded, None)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingPartError, match=rf"; pip install 'placecell\[{name}\]'$"):
        module.export(folder, tmp_path / f"x{suffix}")


def test_importing_the_exports_imports_none_of_the_packages():
    program = (
        "import sys; from placecell.agent.exports import mcap, rerun; "
        "assert not {'mcap', 'rerun', 'pyarrow'} & set(sys.modules)"
    )
    environment = os.environ | {"PLACECELL_TYPECHECK": "0"}
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, env=environment)
