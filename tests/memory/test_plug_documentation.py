"""Every block of docs/plug.md runs as it stands, in the page's order."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "plug.md"
LINES, *BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def run(block, names):
    exec(compile(block, str(PAGE), "exec"), names)


@pytest.fixture(scope="module")
def names():
    """What the page has defined after all that needs no extra."""
    found = {}
    for block in BLOCKS:
        if "transformers" not in block:
            run(block, found)
    return found


def test_the_page_runs(names):
    assert len(BLOCKS) >= 7
    assert names["fusion"].gate.item() != 0
    assert int(names["mask"].sum()) == 16


def test_the_three_lines_run(names):
    memory = names["SpatialMemory"](voxel_size_m=0.1, max_depth_m=5.0)
    memory.begin_episode("cold")
    pose = names["Pose"](0.0, 0.0, 0.0, 0.0)
    given = {
        **{"memory": memory, "pose": pose, "frame": names["look"](pose, 0)},
        **{"query": names["Query"](pose.position, 4.0), "fusion": names["fusion"]},
        **{"hidden": names["torch"].ones(1, 64), "batch_tokens": names["batch_tokens"]},
    }
    run(LINES, given)
    assert LINES.count("\n") == 3
    assert given["hidden"].shape == (1, 64)
    assert bool((given["hidden"] != 1).any())


def test_the_text_of_the_page_is_what_it_says(names):
    assert f"```\n{names['said']}\n```" in PAGE.read_text(encoding="utf-8")
    assert names["said"].startswith("red wall, 3.0 m, right 90 deg")


def test_what_the_page_asks_for_comes(names):
    assert names["there"].sum() == 13  # the wall, and 12 pieces of surface ahead
    assert names["wide"].shape == (1, 16, names["TOKEN_WIDTH"] + 1024)
    assert names["wide"][0, :, names["TOKEN_WIDTH"] :].any(1).all()
    assert names["control"].shape == (1, 64)


def test_the_memory_of_the_page_is_of_its_room(names):
    import numpy as np

    world = {name: names[name] for name in ("low", "high")}
    points = names["look"](names["Pose"](0.3, -0.5, 0.0, 1.0), 0)
    seen = (
        points.camera.backproject(points.depth) @ points.T_world_camera[:3, :3].T
        + points.T_world_camera[:3, 3]
    )
    walls = np.minimum(np.abs(seen - world["low"]), np.abs(seen - world["high"])).min(-1)
    assert walls.max() < 1e-5


def test_the_language_model_of_the_page_answers(names):
    pytest.importorskip("transformers", reason="the extra transformers is not installed")
    (block,) = (block for block in BLOCKS if "transformers" in block)
    run(block, names)
    assert names["joined"].prefix == 16
    assert names["answer"].shape == (1, 8)
