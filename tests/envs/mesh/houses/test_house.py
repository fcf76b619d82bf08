import numpy as np
import pytest
from built_houses import built, edited, scene_of

from placecell.envs.body import PRESETS
from placecell.envs.geodesic import NavigableArea
from placecell.envs.mesh.camera import Camera
from placecell.envs.mesh.houses import CATEGORIES, house_named, make_house
from placecell.envs.mesh.houses.sheet import above, contact_sheet, lookout
from placecell.envs.mesh.houses.statistics import PUBLISHED, measure, table
from placecell.envs.mesh.raycast import RayCaster
from placecell.errors import SceneError

CAMERA = Camera(height_m=1.2)


def test_the_same_seed_gives_the_same_house_and_another_seed_another():
    scene, again, other = (
        make_house("train", 3).scene(),
        scene_of(built("train", 3)),
        scene_of(built("train", 4)),
    )
    assert scene.content_hash == again.content_hash
    assert scene.content_hash != other.content_hash


def test_splits_share_neither_houses_nor_looks_with_test():
    train, val, test = (built(split, 3) for split in ("train", "val", "test"))
    assert len({house.scene().content_hash for house in (train, val, test)}) == 3
    shapes = [{(p.category, p.model.variant) for p in house.furniture} for house in (train, val, test)]
    assert not shapes[2] & (shapes[0] | shapes[1])


def test_names_bring_back_the_house():
    house = built("val", 2)
    assert (house.name, house.split, house.seed, house.edit) == ("house-val-2", "val", 2, None)
    assert house.scene().name == "house-val-2"
    again = house_named("house-val-2~3")
    assert (again.name, again.edit) == ("house-val-2~3", 3)
    assert again.plan == house.plan
    assert scene_of(again).content_hash == scene_of(edited("val", 2, 3)).content_hash
    assert scene_of(again).content_hash != scene_of(house).content_hash


def test_asked_for_sizes_are_kept_and_are_in_the_name():
    assert len(built("train", 1, rooms=10).plan.rooms) == 10
    tall = built("train", 0, rooms=8, storeys=2)
    assert (len(tall.plan.rooms), tall.plan.storeys, tall.name) == (8, 2, "house-train-0-r8-s2")
    small = built("train", 1, rooms=3)
    assert len(small.plan.rooms) == 3
    assert scene_of(house_named("house-train-1-r3")).content_hash == scene_of(small).content_hash


@pytest.mark.parametrize(
    "name",
    [
        "house-dev-1",
        "house-test",
        "home-test-1",
        "house-test-1~",
        "house-test--1",
        "",
        "house-val-1~2-1..2-0-0",
    ],
)
def test_another_name_is_one_line(name):
    with pytest.raises(
        SceneError, match=r"^expected the name of a generated house, got .*; write house-SPLIT-SEED"
    ):
        house_named(name)


def test_an_unknown_split_and_an_impossible_size_are_one_line():
    with pytest.raises(SceneError, match=r"^expected a split of houses, got 'dev'"):
        make_house("dev", 0)
    with pytest.raises(SceneError, match=r"^expected a house's seed of 0 or more, got -1; count houses"):
        make_house("train", -1)
    with pytest.raises(SceneError, match=r"^expected a house of 3 to 10 rooms, got rooms=40"):
        make_house("train", 0, rooms=40)


def test_every_thing_is_an_instance_of_its_category_and_shows():
    house = built("train", 2)
    scene = house.scene()
    owner = {p.instance: p.category for p in house.furniture}
    assert sorted(owner) == sorted(p.instance for p in house.furniture)
    for instance, category in owner.items():
        faces = scene.instance_id == instance
        assert faces.any()
        assert {scene.categories[c] for c in scene.category_id[faces]} == {category}
    assert set(scene.categories) <= set(CATEGORIES)
    structure = {"wall", "floor", "ceiling"}
    nobodys = {scene.categories[c] for c in scene.category_id[scene.instance_id == 0]}
    assert nobodys == structure
    rest = set(scene.instance_id.tolist()) - set(owner) - {0}
    assert min(rest) >= 10001


def test_houses_are_closed():
    house = built("train", 0)
    caster = RayCaster(house.scene())
    eye = CAMERA.T_world_camera(lookout(house, 0))[:3, 3]
    directions = np.random.default_rng(0).normal(size=(20_000, 3))
    distances, _ = caster.cast(np.tile(eye, (20_000, 1)), directions)
    assert np.isfinite(distances).all()


@pytest.mark.parametrize("first", [0, 4])
def test_every_room_is_on_one_island_for_the_widest_body_and_for_objectnav(first):
    """The law that furnishing keeps by its own coarse raster, against the real ground."""
    for seed in range(first, first + 4):
        house = built("train", seed, **({"rooms": 8, "storeys": 2} if seed == first else {}))
        scene = scene_of(house)
        for body in ("parity", "habitat_objectnav"):
            area = NavigableArea.from_mesh(
                scene.vertices.astype(np.float64), scene.faces, PRESETS[body].walk_settings()
            )
            points = [lookout(house, room).position for room in range(len(house.plan.rooms))]
            islands = {area.island_of(area.stand(point, reach_m=0.2)) for point in points}
            assert len(islands) == 1, (house.name, body)


def test_a_body_comes_close_to_every_piece():
    house = built("train", 6)
    scene = scene_of(house)
    settings = PRESETS["habitat_objectnav"].walk_settings()
    area = NavigableArea.from_mesh(scene.vertices.astype(np.float64), scene.faces, settings)
    main = area.island_of(area.stand(lookout(house, 0).position))
    ground = area.ground.centres()[area.ground.island == main]
    for piece in house.furniture:
        if piece.model.stands_on == "floor":
            x0, y0, x1, y1 = piece.footprint()
            level = np.abs(ground[:, 2] - house.plan.floor_z(house.plan.rooms[piece.room].storey)) < 0.3
            x, y = ground[level, 0], ground[level, 1]
            away = np.hypot(
                np.maximum(0, np.maximum(x0 - x, x - x1)), np.maximum(0, np.maximum(y0 - y, y - y1))
            )
            assert away.min() < 0.9, piece


def test_statistics_by_hand_and_their_table():
    house = built("train", 5)
    figures = measure(house, sources=3, targets=20)
    rooms = [room.inner for room in house.plan.rooms]
    assert figures.floor_m2 == pytest.approx(sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in rooms))
    assert figures.objects == len(house.furniture)
    assert 0.2 * figures.floor_m2 < figures.navigable_m2 < figures.floor_m2
    assert 1 <= figures.detour <= figures.complexity
    text = table([figures], "one house")
    assert f"| one house | 1 | {figures.floor_m2:.1f} |" in text
    assert all(published.name in text and published.source in text for published in PUBLISHED)
    assert "| HM3D | 1000 | 365.4 | 112.5 |" in text
    assert "| HM3D-Semantics | 216 | – | – | 14.4 | 660.4 | 46.0 |" in text


def test_the_contact_sheet_shows_each_storey_and_room():
    house = built("train", 5)
    sheet = contact_sheet([house], rooms=2)
    assert sheet.shape == (256, 256 * (2 + 1 + 1), 3)
    tiles = sheet.reshape(256, 4, 256, 3).swapaxes(0, 1)
    assert all(tile[20:].std() > 15 for tile in tiles[:3])
    two = built("train", 0, rooms=8, storeys=2)
    ground, upper = above(two, 0), above(two, 1)
    assert (ground != upper).mean() > 0.1
