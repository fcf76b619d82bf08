import numpy as np
import pytest

from placecell.errors import ConfigError
from placecell.memory import archive
from placecell.scripts.bench import archive_campaign, archive_kills, long_term_archive, parse
from placecell.scripts.bench.archive_campaign import Kill, campaign, content


def test_killed_savers_leave_the_old_archive_or_the_new_one(tmp_path, monkeypatch):
    """The short form of ``placecell-bench archive_kills``."""
    monkeypatch.delenv("PLACECELL_TYPECHECK", raising=False)
    kills = list(campaign(tmp_path / "m", 12, seed=1))
    rows = {row.name: row for row in archive_kills.rows_of(kills)}
    assert rows["archive_kills"].value == 12
    assert rows["archive_old_whole"].value + rows["archive_new_whole"].value == 12
    assert rows["archive_third_things"].passed
    assert rows["archive_files_left_at_once"].passed
    archive.save(content(0), tmp_path / "m")
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


@pytest.mark.parametrize("kept", [0, 100, 5000, -1])
def test_a_part_of_an_archive_is_a_third_thing(tmp_path, kept):
    archive.save(content(4), tmp_path / "m")
    look = archive_campaign._look
    assert look(tmp_path / "m", 4, 5) == (Kill("old", "elsewhere", 0, 0), 4)
    assert look(tmp_path / "m", 3, 4) == (Kill("new", "rename", 0, 0), 4)
    assert look(tmp_path / "m", 5, 6)[0].found == "third"
    (tmp_path / "m").write_bytes((tmp_path / "m").read_bytes()[:kept])
    assert look(tmp_path / "m", 4, 5)[0].found == "third"
    (tmp_path / ".m.saving-x").write_bytes(b"half")
    assert look(tmp_path / "m", 4, 5)[0] == Kill("third", "write", 1, 4)


def test_an_archive_of_another_s_bytes_is_a_third_thing(tmp_path):
    stored = content(4)
    words = stored.arrays["words"].copy()
    words[-1, -1] += 1
    archive.save(
        archive.Archive(stored.kind, stored.manifest, {**stored.arrays, "words": words}), tmp_path / "m"
    )
    assert archive_campaign._look(tmp_path / "m", 4, 5)[0].found == "third"
    rows = {row.name: row for row in archive_kills.rows_of([Kill("third", "write", 2, 9)])}
    assert not rows["archive_third_things"].passed
    assert not rows["archive_files_left_at_once"].passed


def test_fewer_kills_than_one(tmp_path):
    chosen, options = parse(["archive_kills", "--out", str(tmp_path), "--kills", "0"])
    with pytest.raises(ConfigError, match="--kills of 1 or more, got 0"):
        chosen.run(options)


def test_the_rows_of_saving_and_opening(monkeypatch):
    monkeypatch.setattr(long_term_archive, "ROWS", (2_000, 2))
    monkeypatch.setattr(long_term_archive, "QUICK_ROWS", (1_000, 1))
    rows = {row.name: row for row in long_term_archive.rows(quick=True)}
    assert list(rows) == ["archive_save", "archive_save_unsynced_peer", "archive_load", "archive_open_mapped"]
    assert all(row.ratio is not None and np.isfinite(row.ratio) and row.ratio > 0 for row in rows.values())
    assert rows["archive_open_mapped"].value < 1
    assert rows["archive_save"].target == ">= 0.9 x numpy.save, fsync, rename"
    assert rows["archive_save_unsynced_peer"].target is None
