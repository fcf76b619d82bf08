import numpy as np
import pytest

from placecell.agent.training import seen_frames as module
from placecell.agent.training.frames import Views, camera_of
from placecell.agent.training.seen_frames import Asked, label_of, load_frames, save_frames, see, seen_frames
from placecell.agent.training.worlds import builtin
from placecell.envs.body import PRESETS
from placecell.envs.mesh.houses.categories import CATEGORIES
from placecell.errors import ArchiveError, ConfigError

ASKED = Asked("builtin", ("bed", "sofa", "table"), train=3, val=2, a_house=1, share=0.05)


@pytest.fixture(scope="module")
def frames():
    return {split: see(ASKED, split) for split in ("train", "val")}


def test_as_many_of_each_class_and_few_of_a_house(frames):
    for split, each in (("train", 3), ("val", 2)):
        assert np.bincount(frames[split].label).tolist() == [each] * 3
        pairs = list(zip(frames[split].house, frames[split].label, strict=True))
        assert len({*pairs}) == len(pairs)
    assert frames["train"].rgb.shape == (9, 128, 128, 3)
    assert 0 < frames["train"].depth.max() < 10


def test_each_split_is_rendered_in_its_own_houses():
    asked = []

    def world(split, number):
        asked.append(split)
        return builtin(split, number)

    see(ASKED, "val", world)
    assert {*asked} == {"val"}


def test_a_view_shows_a_class_that_covers_enough_and_has_no_rival():
    view = np.zeros((10, 10), np.uint8)
    view[:2] = 7
    assert label_of(view, [5, 7], 0.2) == 1
    assert label_of(view, [5, 7], 0.21) is None
    view[2, :9] = 5
    assert label_of(view, [5, 7], 0.2) == 1
    view[2, 9] = 5
    assert label_of(view, [5, 7], 0.2) is None
    assert label_of(view, [7], 0.2) == 0


def test_a_look_towards_a_category_shows_it_more_often():
    scene, sofa = builtin("train", 0), CATEGORIES.index("sofa")
    camera = camera_of(PRESETS["habitat_objectnav"], 32)

    def seen(**how):
        rng = np.random.default_rng(0)
        views = Views(scene, rng)
        return sum((views.draw(rng, camera, **how).category == sofa).any() for _ in range(30))

    assert seen(towards=sofa) >= 28 > seen()


def test_a_file_gives_the_same_frames_and_is_rendered_once(frames, tmp_path, monkeypatch):
    path = tmp_path / "deep" / "frames.safetensors"
    save_frames(path, ASKED, frames)
    monkeypatch.setattr(module, "see", None)
    found = seen_frames(path, ASKED)
    for split, of in frames.items():
        for name in ("rgb", "depth", "label", "house"):
            np.testing.assert_array_equal(getattr(found[split], name), getattr(of, name))


def test_a_missing_file_is_rendered(tmp_path):
    small = Asked("builtin", ("bed", "sofa"), train=1, val=1, a_house=1, share=0.05)
    assert len(seen_frames(tmp_path / "f.safetensors", small)["train"]) == 2
    assert len(load_frames(tmp_path / "f.safetensors", small)["val"]) == 2


def test_other_frames_and_damaged_ones_are_told_in_a_line(frames, tmp_path):
    path = tmp_path / "frames.safetensors"
    save_frames(path, ASKED, frames)
    other = Asked("builtin", ASKED.classes, train=3, val=2, a_house=1, share=0.1)
    with pytest.raises(ConfigError, match=r"expected task.share=0.05, by which the frames in .*, got 0.1"):
        load_frames(path, other)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ArchiveError, match="frames to learn from"):
        load_frames(path, ASKED)


def test_a_class_that_no_house_shows_is_told(monkeypatch):
    monkeypatch.setattr(module, "_BARREN", 1)
    asked = Asked("builtin", ("bed", "toilet"), train=1, val=1, a_house=1, share=0.05)
    with pytest.raises(ConfigError, match="1 frames of toilet in train scenes, got 0 in the first"):
        see(asked, "train")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"classes": ("bed", "throne")}, "different categories of houses, got throne"),
        ({"classes": ("bed",)}, r"two or more different categories of houses, got \['bed'\]"),
        ({"classes": ("bed", "bed")}, "two or more different"),
        ({"share": 1.0}, "task.share between 0 and 1, got 1"),
    ],
)
def test_what_cannot_be_asked_for(change, text):
    keys = {"worlds": "builtin", "classes": ("bed", "sofa"), "train": 1, "val": 1, "a_house": 1, "share": 0.1}
    with pytest.raises(ConfigError, match=text):
        Asked(**{**keys, **change})
