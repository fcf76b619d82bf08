import numpy as np
import pytest
from scipy import ndimage

from placecell.envs.mesh.builtin import DOOR_WIDTH_M, SIZE_M, WALL_HEIGHT_M, builtin_scene, room_boxes
from placecell.envs.mesh.furniture import FURNITURE
from placecell.envs.mesh.raycast import RayCaster

RADIUS_M, CELL_M = 0.2, 0.05


def free_floor(scene):
    """Cells of the floor where an upright body of 0.2 m radius and 1.5 m height stands free."""
    n = int(SIZE_M / CELL_M)
    centres = (np.arange(n) + 0.5) * CELL_M
    x, y = np.meshgrid(centres, centres, indexing="ij")
    origins = np.stack([x.ravel(), y.ravel(), np.full(n * n, 0.02)], -1)
    caster = RayCaster(scene)
    up, _ = caster.cast(origins, np.tile([0.0, 0, 1], (n * n, 1)))
    solid = up.reshape(n, n) < 1.5
    # Walls have no underside: look for them sideways, along rows at a few heights.
    for height in (0.1, 0.6, 1.2):
        for axis in (0, 1):
            step = np.eye(3)[axis]
            distances, _ = caster.cast(origins + np.array([0, 0, height]), np.tile(step, (n * n, 1)))
            solid |= (distances < CELL_M).reshape(n, n)
    away = ndimage.distance_transform_edt(np.pad(~solid, 1))[1:-1, 1:-1] * CELL_M
    return away > RADIUS_M + CELL_M


@pytest.mark.parametrize("seed", range(12))
def test_every_room_can_be_reached_from_every_other(seed):
    labels, _ = ndimage.label(free_floor(builtin_scene(seed)))
    centres = [((x0 + x1) / 2, (y0 + y1) / 2) for x0, y0, x1, y1 in room_boxes(seed)]
    found = {int(labels[int(x / CELL_M), int(y / CELL_M)]) for x, y in centres}
    assert len(centres) == 6
    assert 0 not in found
    assert len(found) == 1


def test_walls_do_part_the_rooms():
    """With the doors' width eroded away nothing connects: the test above sees doors, not missing walls."""
    free = free_floor(builtin_scene(0))
    narrow = ndimage.distance_transform_edt(free) * CELL_M > DOOR_WIDTH_M / 2
    labels, _ = ndimage.label(narrow)
    rooms = [
        labels[int((x0 + x1) / 2 / CELL_M), int((y0 + y1) / 2 / CELL_M)] for x0, y0, x1, y1 in room_boxes(0)
    ]
    assert len({int(room) for room in rooms} - {0}) >= 3


def test_it_is_closed_and_measures_what_it_says():
    scene = builtin_scene(0)
    low, high = scene.bounds
    assert low[2] == 0
    np.testing.assert_allclose(high[2], WALL_HEIGHT_M)
    np.testing.assert_allclose((high - low)[:2], SIZE_M, atol=0.3)
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(20000, 3))
    x0, y0, x1, y1 = room_boxes(0)[0]
    middle = np.tile([(x0 + x1) / 2, (y0 + y1) / 2, 1.2], (len(directions), 1))
    assert np.isfinite(RayCaster(scene).cast(middle, directions)[0]).all()


def test_only_floors_and_furniture_face_up():
    """A ceiling that faced up would be a second, larger floor to whoever looks for walkable space."""
    scene = builtin_scene(0)
    a, b, c = np.moveaxis(scene.vertices[scene.faces], 1, 0)
    normal = np.cross(b - a, c - a)
    up = normal[:, 2] > 0.7 * np.linalg.norm(normal, axis=-1)
    names = {scene.categories[index] for index in np.unique(scene.category_id[up])}
    assert names == {"floor", *FURNITURE} & set(scene.categories)
    assert not (a[up, 2] > 1.95).any()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_furniture_is_told_apart_and_named(seed):
    scene = builtin_scene(seed)
    assert {"bed", "chair", "sofa", "table"} <= set(scene.categories)
    for instance in range(1, int(scene.instance_id.max()) + 1):
        own = scene.instance_id == instance
        assert len(np.unique(scene.category_id[own])) == 1
        assert scene.categories[scene.category_id[own][0]] in FURNITURE
    structure = np.isin(scene.category_id, [scene.categories.index(n) for n in ("wall", "floor", "ceiling")])
    assert (structure == (scene.instance_id == 0)).all()
    assert len(scene.textures) >= 4


def test_the_seed_decides():
    assert builtin_scene(3).content_hash == builtin_scene(3).content_hash
    assert builtin_scene(3).content_hash != builtin_scene(4).content_hash
