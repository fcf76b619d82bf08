"""The made graphs, as PLACECELL_DATA."""

import pytest
from graph_data import write_data


@pytest.fixture(scope="session")
def made_data(tmp_path_factory):
    """The folder, written once."""
    return write_data(tmp_path_factory.mktemp("made") / "data")


@pytest.fixture
def data(made_data, monkeypatch):
    """The same, as PLACECELL_DATA."""
    monkeypatch.setenv("PLACECELL_DATA", str(made_data))
    return made_data
