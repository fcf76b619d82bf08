"""What docs/recording.md shows runs as it stands, and reads what the package's own reader reads."""

import re
from pathlib import Path

import numpy as np
import pytest
from recorded import record

from placecell.agent.recording import Recording

PAGE = Path(__file__).parents[3] / "docs" / "recording.md"
OURS, PLAIN, CELLS, AGAIN = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("documented")
    record(folder)
    return folder


def run(*blocks, **names):
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    return names


def test_the_short_way_runs(folder, capsys):
    names = run(OURS, folder=folder)
    assert capsys.readouterr().out.count("\n") == 7
    assert names["growth"] is not None


def test_the_way_to_ask_again_runs(folder):
    assert run(AGAIN, folder=folder)["again"].items


def test_the_plain_way_reads_the_same_without_placecell(folder):
    names = run(PLAIN, folder=folder)
    assert "placecell" not in PLAIN
    recording = Recording.read(folder)
    for name, array in recording.observation(3).items():
        assert names["arrays"][f"observation/{name}"].dtype == array.dtype
        assert (names["arrays"][f"observation/{name}"] == array).all()
    assert len(names["steps"]) == 6


def test_cells_are_where_the_page_says(folder):
    names = run(PLAIN, CELLS, folder=folder)
    growth = Recording.read(folder).growth(3)
    assert (np.array(names["grown"]) == growth.cells).all()
    assert len(names["arrays"]["growth/labels"]) == len(growth.cells) > 10


def test_every_key_is_on_the_page(folder):
    import json

    keys = {*json.loads((folder / "header.json").read_text())}
    for line in (folder / "steps.jsonl").read_text().splitlines():
        keys |= {*json.loads(line)}
    step = json.loads((folder / "steps.jsonl").read_text().splitlines()[0])
    keys |= {*step["frame"], *step["recalled"][0], *step["pose"], *step["query"], *step["memory"]}
    missing = [
        key for key in keys if f"`{key}`" not in PAGE.read_text() and f'`{{"{key}"' not in PAGE.read_text()
    ]
    assert not missing
