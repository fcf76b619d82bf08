import json
import re
import shutil
import subprocess
from itertools import pairwise

import imageio_ffmpeg
import numpy as np
import pytest
from recorded import record as record_wall
from recorded_home import cut, record

from placecell.agent.exports.walked import Walked
from placecell.agent.make import expert
from placecell.agent.recording import Recording
from placecell.agent.replay.seen_from_above import Extent, SeenFromAbove
from placecell.agent.replay.video import pictures, write_video
from placecell.errors import ArchiveError, ConfigError
from placecell.geometry import Pose
from placecell.memory import Growth

MAP = np.s_[8:328, -328:-8]


def ffmpeg(*arguments):
    command = [imageio_ffmpeg.get_ffmpeg_exe(), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False)


def decoded(path):
    """What ffmpeg says of the stream, and its pictures."""
    said = ffmpeg("-i", path).stderr.decode()
    (stream,) = re.findall(r"Stream.*Video: (.*)", said)
    width, height = map(int, re.search(r", (\d+)x(\d+)", stream).groups())
    raw = ffmpeg("-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-").stdout
    return stream, np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return record(tmp_path_factory.mktemp("videos") / "there", expert, most=15)


@pytest.fixture(scope="module")
def video(folder):
    out = folder.parent / "there.mp4"
    count = write_video(folder, out, fps=5)
    return count, *decoded(out)


def test_a_video_has_a_picture_for_each_step(folder, video):
    count, stream, frames = video
    assert count == len(frames) == len(Recording.read(folder).steps) == 15
    assert re.match(r"h264 .*yuv420p.* 5 fps", stream)


def test_decoded_it_shows_what_was_drawn(folder, video):
    frames = video[2].astype(np.int64)
    for drawn, seen in zip(pictures(Walked.read(folder)), frames, strict=True):
        assert drawn.shape == seen.shape
        assert np.abs(drawn.astype(np.int64) - seen).mean() < 4


def test_the_first_view_is_the_step_s_own(folder):
    drawn = next(pictures(Walked.read(folder)))
    rgb = Recording.read(folder).observation(0)["rgb"]
    height, width = rgb.shape[:2]
    rows, columns = (((np.arange(n) + 0.5) * 320 / height).astype(int) for n in (height, width))
    assert (drawn[8:328, 8 : 8 + 480][rows[:, None], columns] == rgb).all()


def test_the_map_follows_the_walk_and_the_memory(folder):
    maps = [picture[MAP] for picture in pictures(Walked.read(folder))]
    unseen = [int((each == (232, 232, 228)).all(-1).sum()) for each in maps]
    walked = [(each == (208, 66, 38)).all(-1).sum() for each in maps]
    assert all((a != b).any() for a, b in pairwise(maps))
    assert unseen[-1] < unseen[0]
    assert walked[-1] > walked[0]
    goal = [(each == (30, 140, 70)).all(-1).sum() for each in maps]
    assert min(goal) > 20


def test_walls_are_grey_and_things_have_the_colour_of_their_kind():
    cells = np.array([[0, 0, 5], [4, 0, 5]], np.int32)
    growth = Growth(1, 0.1, np.array([[0, 0, 0]], np.int32), cells, np.array([1, 2], np.uint16), False)
    extent, nothing = Extent.around(np.array([[0.0, -2.0, 0.0]]), 320), np.zeros((0, 3))
    drawn = []
    for structure in ((), {1}):
        above = SeenFromAbove(extent, nothing, nothing, structure)
        above.grow(growth)
        drawn.append(above.picture([Pose(0.0, -2.0, 0.0, 0.0)], []))
    grey = [(picture == (150, 154, 162)).all(-1) for picture in drawn]
    assert not grey[0].any()
    assert grey[1].any()
    assert (drawn[0] != drawn[1]).any(-1).sum() == grey[1].sum()


def test_near_and_far_look_different_within_a_room(folder):
    drawn = next(pictures(Walked.read(folder)))
    recording = Recording.read(folder)
    depth = recording.frame(0).depth
    width = round(depth.shape[1] * 320 / depth.shape[0])
    views = drawn[8:328, 16 + width : 16 + 2 * width].astype(np.int64).sum(-1)
    rows, columns = (np.arange(n) * m // n for n, m in ((320, depth.shape[0]), (width, depth.shape[1])))
    there = depth[rows[:, None], columns]
    seen = there > 0
    assert np.corrcoef(views[seen], there[seen])[0, 1] < -0.8
    assert np.ptp(views[seen]) > 70  # a first view of a near wall


def test_what_was_recalled_is_drawn_where_it_is(tmp_path, folder):
    moved = shutil.copytree(folder, tmp_path / "moved")
    lines = (moved / "steps.jsonl").read_text().splitlines()
    told = json.loads(lines[0])
    told["recalled"] = told["recalled"][:1]
    told["recalled"][0]["position"] = [1.0, -1.0, 0.0]
    (moved / "steps.jsonl").write_text("\n".join([json.dumps(told), *lines[1:]]) + "\n")
    a, b = (next(pictures(Walked.read(each)))[MAP] for each in (folder, moved))
    assert (a != b).any()
    assert ((b == (28, 110, 190)).all(-1)).sum() > 20


def test_a_step_says_its_number_its_mode_and_its_measures(folder):
    from placecell.agent.replay.video import _words

    walked = Walked.read(folder)
    first, second, third = _words(walked, walked.steps[4])
    assert "step 5/15" in first
    action = walked.action_name(walked.steps[4].action)
    assert action in second
    assert "recalled " in second
    assert "success 0  spl 0" in third


def test_frames_of_every_third_step_make_a_shorter_video(tmp_path):
    record_wall(tmp_path / "wall", every=3)
    assert write_video(tmp_path / "wall", tmp_path / "wall.mp4") == 3  # 0, 3, and the last
    assert len(decoded(tmp_path / "wall.mp4")[1]) == 3


def test_an_episode_that_was_cut_off_is_shown_as_far_as_it_goes(tmp_path, folder):
    assert write_video(cut(folder, tmp_path / "cut"), tmp_path / "cut.mp4") == 15


def test_a_light_recording_is_refused(tmp_path):
    record_wall(tmp_path / "light", level="light")
    why = r"recording with images in .*light, got one with record.level=light; run with record=full"
    with pytest.raises(ConfigError, match=why):
        write_video(tmp_path / "light", tmp_path / "light.mp4")
    assert not (tmp_path / "light.mp4").exists()


def test_other_files_rates_and_damaged_frames_are_refused_and_leave_nothing(tmp_path, folder):
    with pytest.raises(ConfigError, match=r"expected an .mp4 file to write, got .*there.avi"):
        write_video(folder, tmp_path / "there.avi")
    with pytest.raises(ConfigError, match="1 to 60 pictures a second, got 0"):
        write_video(folder, tmp_path / "there.mp4", fps=0)
    record_wall(tmp_path / "wall")
    frames = bytearray((tmp_path / "wall" / "frames.tar").read_bytes())
    entry = Recording.read(tmp_path / "wall").steps[3].entry
    frames[entry.offset : entry.end] = bytes(entry.size)
    (tmp_path / "wall" / "frames.tar").write_bytes(frames)
    with pytest.raises(ArchiveError, match="frame of step 3"):
        write_video(tmp_path / "wall", tmp_path / "wall.mp4")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["wall"]
