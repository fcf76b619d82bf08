import numpy as np
import pytest

from placecell.arrays import content_hash
from placecell.envs.mesh.houses import looks
from placecell.envs.mesh.houses.looks import JITTER, ROOM_KINDS, SPLITS, Looks
from placecell.errors import SceneError


def rng(seed=0):
    return np.random.default_rng(seed)


def distance(a, b):
    return float(np.abs(np.subtract(a, b)).max())


def test_train_and_val_look_alike_and_test_has_names_of_the_same_things():
    train, val, test = (Looks.of(split) for split in SPLITS)
    assert train is val
    assert train is not test
    assert train.colors.keys() == test.colors.keys()
    assert train.patterns.keys() == test.patterns.keys()


@pytest.mark.parametrize("name", sorted(Looks.of("train").colors))
def test_no_drawn_colour_of_test_can_be_drawn_in_train(name):
    train = [Looks.of("train").color(name, rng(i)) for i in range(60)]
    test = [Looks.of("test").color(name, rng(i)) for i in range(60)]
    assert not set(train) & set(test)
    for color in test:
        assert min(distance(color, other) for other in Looks.of("train").colors[name]) > JITTER + 1e-9
    assert all(0 <= channel <= 1 for color in (*train, *test) for channel in color)
    assert len(set(train)) > 10


@pytest.mark.parametrize("name", sorted(Looks.of("train").patterns))
def test_patterns_of_test_are_others_and_repeat_without_a_seam(name):
    makers = {split: set(Looks.of(split).patterns[name]) for split in ("train", "test")}
    assert not makers["train"] & makers["test"]
    for split, made in makers.items():
        for maker in made:
            image = maker(rng())
            assert image.shape == (64, 64)
            assert 0.6 < image.mean() < 1.1, (split, maker.__name__)
            np.testing.assert_array_equal(image, maker(rng()))


def test_textures_of_parts_are_grey_shared_and_of_one_split():
    hashes = {}
    for split in ("train", "test"):
        drawn = [looks.texture_for("wood", split, rng(i)) for i in range(40)]
        assert all((texture == texture[..., :1]).all() for texture in drawn)
        assert len({id(texture) for texture in drawn}) == 5
        with pytest.raises(ValueError, match="read-only"):
            drawn[0][0, 0] = 0
        hashes[split] = {content_hash(texture) for texture in drawn}
    assert not hashes["train"] & hashes["test"]


@pytest.mark.parametrize("kind", ROOM_KINDS)
def test_floors_and_walls_are_drawn_from_their_palettes(kind):
    for split in SPLITS:
        floor, wall = looks.floor_texture(split, kind, rng(3)), looks.wall_texture(split, rng(3))
        for texture in (floor, wall):
            assert texture.shape == (64, 64, 3)
            assert texture.dtype == np.uint8
        np.testing.assert_array_equal(floor, looks.floor_texture(split, kind, rng(3)))


def test_wet_rooms_are_tiled_and_others_are_not():
    tiles = {content_hash(looks.tile_texture("train", rng(i))) for i in range(20)}
    bathroom = {content_hash(looks._painted("tiles", "tiles", "train", rng(i))) for i in range(20)}
    assert tiles == bathroom
    assert {content_hash(looks.floor_texture("train", "bathroom", rng(i))) for i in range(20)} == tiles
    assert not {content_hash(looks.floor_texture("train", "office", rng(i))) for i in range(20)} & tiles


def test_unknown_splits_and_rooms_are_told_in_a_line():
    with pytest.raises(
        SceneError, match=r"expected a split of houses, got 'dev'; choose one of train, val, test"
    ):
        looks.wall_texture("dev", rng())
    with pytest.raises(SceneError, match=r"expected a kind of room, got 'cellar'; choose one of bathroom"):
        looks.floor_texture("train", "cellar", rng())
