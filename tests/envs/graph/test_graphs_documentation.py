"""docs/graphs.md: its Python runs, and it names every agent, action space, dataset and sensor."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from placecell.envs.graph.folds import FOLDS, HALVES
from placecell.envs.graph.make import make_r2r_env

PAGE = Path(__file__).parents[3] / "docs" / "graphs.md"
TEXT = PAGE.read_text(encoding="utf-8")
CONF = Path(__file__).parents[3] / "conf"


@pytest.mark.real_data
def test_its_python_runs():
    (block,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names: dict[str, object] = {}
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(block, str(PAGE), "exec"), names)
    assert out.getvalue().startswith("Exit the bedroom")
    names["env"].close(), names["many"].close()
    assert names["observations"]["candidates"].shape[0] == 64


def test_it_names_what_there_is(data):
    for agent in ("expert", "gold", "random", "uniform", "forward", "graph", "streets"):
        assert f"| `{agent}` |" in TEXT
        assert (CONF / "agent" / f"{agent}.yaml").is_file()
    assert all(word in TEXT for word in (*FOLDS, *HALVES))
    keys = set(make_r2r_env(semantics=True).observation_space.spaces)
    assert sorted(key for key in keys if f"`{key}`" not in TEXT) == []
    for file in ("r2r", "streets"):
        lines = (CONF / "env" / f"{file}.yaml").read_text().splitlines()
        known = [line.partition(":")[0] for line in lines if re.match(r"[a-z]", line)]
        assert [key for key in known if f"env.{key}" not in TEXT] == []
