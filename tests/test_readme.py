"""The README's Python runs as it stands, and what it links to is there."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=[block.split("\n")[0][:40] for block in BLOCKS])
def test_python_of_the_readme_runs(block):
    names: dict[str, object] = {}
    exec(compile(block, str(README), "exec"), names)
    if "nearby" in names:
        assert len(names["nearby"].items) == 8  # type: ignore[attr-defined]


def test_no_place_is_held_for_what_is_to_come():
    held = re.findall(r"\b[A-Z]+_TABLE\b|TODO|TBD|XXX", README.read_text())
    assert not held


def test_links_of_the_readme_lead_somewhere():
    targets = re.findall(r"\]\(([^)#]+)\)", README.read_text())
    missing = [t for t in targets if not t.startswith("http") and not (README.parent / t).exists()]
    assert targets
    assert not missing
