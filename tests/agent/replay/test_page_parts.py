import base64
import json
import re

import numpy as np
import pytest
from recorded import plodder, record

from placecell.agent.recording import Recording, reader
from placecell.agent.recording.tar import read_member as member
from placecell.agent.replay.page import episode_page, from_above, html
from placecell.agent.replay.page.from_above import ABOVE_M, BELOW_M, Layers, map_from_above
from placecell.agent.replay.page.gather import scene_of
from placecell.agent.replay.page.images import images_of
from placecell.agent.replay.page.words import point_of, words_of
from placecell.errors import ArchiveError
from placecell.memory import Growth, SpatialMemory

HERE = np.zeros((1, 2))


def growth(cells, labels, *, blocks=None, restart=False, cell_m=0.1):
    cells = np.array(cells, np.int32).reshape(-1, 3)
    blocks = np.unique(cells >> 3, axis=0) if blocks is None else np.array(blocks, np.int32)
    return Growth(1, cell_m, blocks, cells, np.array(labels, np.uint16), restart)


def unpacked(drawn):
    """The columns that stand after each step: cell -> (height above the floor, category)."""
    standing, steps, at = {}, [], 0
    for count in drawn.counts:
        for n in range(at, at + count):
            column = int(drawn.columns[n])
            cell = (drawn.origin[0] + (column & 2047), drawn.origin[1] + (column >> 11 & 2047), column >> 22)
            level = int(drawn.heights[n])
            above_m = -BELOW_M + (level - 1) / 254 * (BELOW_M + ABOVE_M)
            standing[cell] = (above_m, drawn.names[drawn.labels[n]])
            if not level:
                del standing[cell]
        at += int(count)
        steps.append(dict(standing))
    return steps


def test_a_column_shows_its_highest_cell_and_the_ceiling_hides_nothing():
    drawn = map_from_above(
        [growth([[1, 2, 0], [1, 2, 7], [-3, 2, 0]], [2, 7, 2]), growth([[1, 2, 25]], [3])],
        Layers.of([0.0, 0.0]),
        HERE,
    )
    first, second = unpacked(drawn)
    assert first.keys() == {(1, 2, 0), (-3, 2, 0)}
    assert first[1, 2, 0] == (pytest.approx(0.75, abs=0.01), 7)
    assert second == first
    assert drawn.counts.tolist() == [2, 0]


def test_what_a_block_loses_and_what_a_restart_forgets_disappears():
    steps = [growth([[1, 1, 1], [9, 1, 1]], [2, 2]), None, growth([], [], blocks=[[0, 0, 0]])]
    steps.append(growth([[1, 1, 2]], [5], restart=True))
    stood = unpacked(map_from_above(steps, Layers.of([0.0] * 4), HERE))
    assert [set(columns) for columns in stood] == [
        {(1, 1, 0), (9, 1, 0)}, {(1, 1, 0), (9, 1, 0)}, {(9, 1, 0)}, {(1, 1, 0)},
    ]  # fmt: skip
    assert stood[3][1, 1, 0][1] == 5


def test_each_storey_has_its_own_map():
    layers = Layers.of([0.0, 1.4, 3.0])
    assert layers.of_step == (0, 0, 1)
    (stood,) = unpacked(map_from_above([growth([[0, 0, 1], [0, 0, 32]], [1, 2])], layers, HERE))
    assert {cell[2]: label for cell, (_, label) in stood.items()} == {0: 1, 1: 2}


def test_cells_far_beyond_the_canvas_are_counted_and_not_drawn():
    far = growth([[50_000, 0, 0], [50_001, 0, 0]], [1, 1])
    drawn = map_from_above([growth([[0, 0, 0]], [1]), far], Layers.of([0.0, 0.0]), HERE)
    assert (len(drawn.columns), drawn.left_out, drawn.coarser) == (1, 2, 1)


@pytest.mark.parametrize(("far_m", "wide"), [(150.0, 1), (300.0, 2), (700.0, 4), (1500.0, 8), (9000.0, 8)])
def test_a_wide_walk_is_drawn_coarser_with_the_highest_cell_of_each_column(far_m, wide):
    end = round(far_m / 0.1)
    cells = [[0, 0, 0], [1, 0, 7], [wide, 0, 1], [end, 3, 2]]
    path = np.array([[0.0, 0.0], [far_m, 0.0]])
    drawn = map_from_above([growth(cells, [1, 2, 3, 4])], Layers.of([0.0]), path)
    assert (drawn.coarser, drawn.cell_m) == (wide, pytest.approx(0.1 * wide))
    if far_m > 2000:
        assert drawn.left_out == 4
        return
    (stood,) = unpacked(drawn)
    last = (end // wide, 3 // wide, 0)
    expected = {(0, 0, 0): 2, (1, 0, 0): 3, last: 4} if wide > 1 else {(0, 0, 0): 1, (1, 0, 0): 2, last: 4}
    assert {column: label for column, (_, label) in stood.items()} == expected
    assert stood[0 if wide > 1 else 1, 0, 0][0] == pytest.approx(0.75, abs=0.01)
    assert drawn.left_out == 0


def test_a_memory_that_begins_wide_is_drawn_whole():
    drawn = map_from_above([growth([[0, 0, 0], [5000, 0, 0]], [1, 1])], Layers.of([0.0]), HERE)
    assert (len(drawn.columns), drawn.left_out, drawn.coarser) == (2, 0, 4)


def test_a_page_says_what_a_wide_map_lost(tmp_path, monkeypatch):
    record(tmp_path, agent=plodder())
    recording = Recording.read(tmp_path)
    assert "wide map" not in episode_page(recording)
    monkeypatch.setattr(from_above, "_AROUND_M", 300.0)
    assert "A wide map: drawn in cells of 0.4 m, the memory&#x27;s own are 0.1 m." in episode_page(recording)
    lost = scene_of(recording)["map"] | {"leftOut": 7}
    assert html._cut_of_map(lost | {"leftOut": 0, "columns": ""}) == []  # wide, and nothing is in it
    assert html._cut_of_map(lost)[1] == "7 cells of the map lie beyond the 819 m that are drawn."


def test_the_map_follows_what_the_memory_of_a_recording_holds(tmp_path):
    memory = SpatialMemory()
    record(tmp_path, agent=plodder(memory=memory))
    recording = Recording.read(tmp_path)
    drawn = map_from_above(map(recording.growth, range(6)), Layers.of([0.0] * 6), HERE)
    held = memory.growth(0)
    middles = (held.cells[:, 2] + 0.5) * held.cell_m
    shown = held.cells[(middles >= -BELOW_M) & (middles <= ABOVE_M)]
    assert {cell[:2] for cell in unpacked(drawn)[-1]} == {(x, y) for x, y, _ in shown.tolist()} != set()


def step_of(tmp_path, trace, **changes):
    record(tmp_path, "light", agent=plodder(lambda step: trace), steps=4)
    path = tmp_path / "steps.jsonl"
    first, *rest = path.read_text().splitlines()
    path.write_text("\n".join([json.dumps({**json.loads(first), **changes}), *rest]) + "\n")
    return Recording.read(tmp_path).steps[0]


def test_a_step_is_told_in_words(tmp_path):
    trace = {"mode": "approach/go", "candidate": [0.0, 2.0, 0.3], "rejected": 1, "why": "warm"}
    step = step_of(
        tmp_path, trace, collided=True, query={"position": [0, 0, 0], "radius_m": 1000.0, "category": 2}
    )
    assert words_of(step, ["", "wall", "chair"]) == [
        "Mode approach/go: walks up to the candidate, follows its plan.",
        "Candidate 2.0 m left.",
        "1 candidate rejected so far.",
        "Asked the memory for chair anywhere; it recalled "
        f"{'1 item' if len(step.recalled) == 1 else f'{len(step.recalled)} items'}.",
        "The action met an obstacle.",
        "The goal is in view afterwards.",
        "why: warm",
    ]


def test_a_trace_of_another_policy_is_shown_as_it_is(tmp_path):
    step = step_of(tmp_path, {"mode": 7, "target": "north", "plan": 5, "text": "x" * 999})
    words = words_of(step, [])
    assert words[-1].startswith("text: xxx")
    assert len(words[-1]) < 140
    assert [point_of(value) for value in ("north", [1], [1, float("nan")], [1, True], [1, 2])] == [
        None, None, None, None, [1.0, 2.0],
    ]  # fmt: skip
    assert scene_of(Recording.read(tmp_path))["steps"][0]["plan"] == []


def test_the_true_path_is_brought_into_the_frame_of_the_episode(tmp_path):
    record(tmp_path, "light", agent=plodder())
    path = tmp_path / "header.json"
    header = json.loads(path.read_text())
    path.write_text(json.dumps({**header, "origin": {"position": [1.0, 2.0, 0.0], "yaw_rad": np.pi / 2}}))
    truth = scene_of(Recording.read(tmp_path))["truth"]
    # The wall's camera walks along the world's x, which is to the right of a heading of +90 degrees.
    assert truth == [[0.0, -0.25 * n] for n in range(7)]
    path.write_text(json.dumps({**header, "origin": None}))
    assert scene_of(Recording.read(tmp_path))["truth"] is None


def test_images_shrink_until_they_fit_and_keep_their_steps(tmp_path):
    record(tmp_path, every=2, agent=plodder())
    recording = Recording.read(tmp_path)
    images = images_of(recording, 10**7)
    assert images.steps == (0, 2, 4, 5)
    assert len(images.rgb) == len(images.depth) == 4
    assert images.size == (16, 12)
    content = base64.b64decode(images.rgb[0].removeprefix("data:image/webp;base64,"))
    assert content[8:12] == b"WEBP"
    small = images_of(recording, 1)
    assert sum(map(len, small.rgb)) < sum(map(len, images.rgb))


def test_a_page_unpacks_each_step_once_beside_a_few_samples(tmp_path, monkeypatch):
    record(tmp_path, agent=plodder(), steps=40)
    unpacked = []

    def watched(path, index, *where):
        unpacked.append(index)
        return member(path, index, *where)

    monkeypatch.setattr(reader, "read_member", watched)
    episode_page(Recording.read(tmp_path))
    assert set(unpacked) == set(range(40))
    assert len(unpacked) <= 40 + 2 * 12


def test_a_page_gives_its_images_what_the_rest_leaves(tmp_path, monkeypatch):
    record(tmp_path, agent=plodder(), steps=40)
    recording = Recording.read(tmp_path)
    images = images_of(recording, 10**7)
    of_images = sum(map(len, (*images.rgb, *images.depth)))
    rest, scene = len(episode_page(recording)) - of_images, len(json.dumps(scene_of(recording)))
    monkeypatch.setattr(html, "MOST_BYTES", int(200_000 + 1.1 * scene + 0.75 * of_images))
    monkeypatch.setattr(html, "_MOST_STEPS", 40)
    assert len(episode_page(recording)) - rest <= 0.75 * of_images


def test_a_page_loads_nothing_and_allows_only_its_own_script(tmp_path):
    record(tmp_path, agent=plodder())
    page = episode_page(Recording.read(tmp_path))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert policy.startswith("default-src &#x27;none&#x27;; img-src data:; ")
    assert "unsafe" not in policy
    assert not re.search(r'(?:src|href)="(?!data:|\.\./\.\./index\.html)', page)
    assert "http" not in page.replace("http-equiv", "")


def test_an_episode_without_a_step_has_no_page(tmp_path):
    record(tmp_path, "light", agent=plodder())
    (tmp_path / "steps.jsonl").write_text("")
    with pytest.raises(ArchiveError, match="got an episode that ended before its first step; leave it out"):
        episode_page(Recording.read(tmp_path))


def test_poses_without_truth_are_enough(tmp_path):
    record(tmp_path, "light", agent=plodder())
    scene = scene_of(Recording.read(tmp_path))
    assert scene["map"] is None
    assert scene["steps"][1]["pose"][:2] == [0.25, 0.0]
