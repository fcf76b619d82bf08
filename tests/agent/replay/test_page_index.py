import base64
import io
import math
import re

import numpy as np
import pytest
from paged_runs import record_episode, result, write_results
from PIL import Image
from recorded import plodder

from placecell.agent.recording import Recording
from placecell.agent.replay.page import episode_page, index_page, rows_of
from placecell.agent.replay.page.thumbnails import thumbnail_in
from placecell.agent.stored_run import read_run


def colours(uri):
    """The mean colour of a thumbnail, and its size."""
    picture = Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/webp;base64,"))))
    return np.asarray(picture.convert("RGB")).mean((0, 1)), picture.size


@pytest.fixture
def folder(tmp_path):
    return record_episode(tmp_path, 3, "three", plodder())


def write_view(folder):
    """As an agent leaves it: colours (here red) above depth, the map to the right."""
    view = np.zeros((480, 700, 3), np.uint8)
    view[:236, :314] = (200, 0, 0)
    Image.fromarray(view).save(folder / "view.png")


def test_an_episode_without_a_page_shows_the_middle_of_its_frames(folder):
    mean, size = colours(thumbnail_in(folder))
    assert size == (16, 12)
    assert mean == pytest.approx(Recording.read(folder).frame(3).rgb.mean((0, 1)), abs=6)


def test_the_last_view_is_preferred_for_it_is_cheaper_and_serves_light_recordings(folder):
    write_view(folder)
    mean, size = colours(thumbnail_in(folder))
    assert size == (96, 96)
    assert mean == pytest.approx([200, 0, 0], abs=8)
    for name in ("frames.tar", "steps.jsonl", "header.json"):
        (folder / name).unlink()
    assert thumbnail_in(folder)


def test_a_page_s_own_picture_comes_first(folder):
    page = episode_page(Recording.read(folder))
    (folder / "page.html").write_text(page)
    write_view(folder)
    assert thumbnail_in(folder) == re.search(r'rel="icon" href="([^"]*)"', page)[1]


def test_what_is_damaged_gives_no_picture_and_stops_nothing(folder):
    (folder / "view.png").write_bytes(b"\x89PNG\r\n\x1a\n cut")
    assert thumbnail_in(folder).startswith("data:image/webp")
    (folder / "frames.tar").write_bytes(bytes((folder / "frames.tar").stat().st_size))
    assert thumbnail_in(folder) == ""
    (folder / "header.json").write_text("{")
    assert thumbnail_in(folder) == ""


def rows(run):
    stored = read_run(run)
    found = rows_of(stored)
    return found, index_page(stored, found)


def test_an_episode_that_was_cut_off_says_where_it_was_and_what_for(tmp_path):
    record_episode(tmp_path, 0, "cut", plodder(), level="light", ends=False, scene_id="a house")
    (row,), _ = rows(write_results(tmp_path, []))
    assert (row.scene_id, row.goal, row.outcome) == ("a house", "chair", ("broken", "cut off"))
    (tmp_path / "episodes" / "00000-cut" / "header.json").write_text("{")
    (row,), _ = rows(tmp_path)
    assert (row.scene_id, row.goal) == ("", "")


def test_an_episode_that_broke_says_why_in_short(tmp_path):
    why = "ValueError: <b>" + 300 * "x"
    (row,), page = rows(write_results(tmp_path, [result(0, "a", 0.0, status="crashed", reason=why)]))
    assert row.reason == why
    (said,) = re.findall(r'<small class="reason">(.*?)</small>', page)
    assert said.startswith("ValueError: &lt;b&gt;xxx")
    assert said.endswith("x…")
    assert len(said) < 180


def test_measures_that_are_no_number_are_a_dash_and_leave_the_others_whole(tmp_path):
    found = [result(0, "a", math.nan), result(1, "b", 0.5)]
    measures = {"collisions": math.nan, "success": math.nan}
    found[0] = type(found[0])(**{**found[0].__dict__, "measures": {**found[0].measures, **measures}})
    (first, _), page = rows(write_results(tmp_path, found))
    assert first.outcome == ("plain", "done")
    assert '<td class="number" data-value="2">2</td>' in page
    assert "nan" not in page.lower().replace("finance", "")
