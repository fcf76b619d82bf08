import shutil

import pytest
from recorded_home import record

from placecell.agent.exports.lerobot import export
from placecell.agent.make import expert, random
from placecell.agent.recording import Recording


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """Four episodes of 48 x 32 pixels: to a point and there, two cut short at other lengths, to a thing."""
    root = tmp_path_factory.mktemp("episodes")
    return [
        record(root / "there", expert, most=500),
        record(root / "astray", random, episode=1, most=12),
        record(root / "brief", expert, episode=2, most=5),
        record(root / "thing", random, episode=1, task="objectnav", most=7),
    ]


@pytest.fixture(scope="session")
def recordings(folders):
    return [Recording.read(folder) for folder in folders]


@pytest.fixture(scope="session")
def dataset(folders, tmp_path_factory):
    return export(folders, tmp_path_factory.mktemp("lerobot") / "home", depth=True)


@pytest.fixture
def copy(dataset, tmp_path):
    return shutil.copytree(dataset, tmp_path / "copy")
