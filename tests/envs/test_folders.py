"""Where data lie and what is derived from them: one line where they don't."""

import pytest

from placecell.envs.folders import cache_folder, data_folder, existing_folder
from placecell.errors import DataError


def test_a_set_lies_in_the_data_folder(tmp_path, monkeypatch):
    (tmp_path / "r2r").mkdir()
    monkeypatch.setenv("PLACECELL_DATA", str(tmp_path))
    assert data_folder("r2r") == tmp_path / "r2r"


@pytest.mark.parametrize("setting", [None, ""])
def test_without_the_variable_the_set_and_the_variable_are_named(monkeypatch, setting):
    monkeypatch.delenv("PLACECELL_DATA", raising=False)
    if setting is not None:
        monkeypatch.setenv("PLACECELL_DATA", setting)
    with pytest.raises(DataError, match=r"for 'r2r', got no PLACECELL_DATA; export PLACECELL_DATA=DIR"):
        data_folder("r2r")


def test_a_set_that_is_not_there_is_named_with_how_to_fetch_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PLACECELL_DATA", str(tmp_path))
    with pytest.raises(
        DataError, match=r"/r2r, which does not exist; fetch it with placecell-data fetch r2r"
    ):
        data_folder("r2r")


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="file, which is no folder; name another"):
        existing_folder(tmp_path / "file", "name another")


def test_the_cache_is_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("PLACECELL_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
