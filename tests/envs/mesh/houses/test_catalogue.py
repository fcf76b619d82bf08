import numpy as np
import pytest

from placecell.arrays import content_hash, generator
from placecell.envs.mesh.houses.catalogue import make_model, variants
from placecell.envs.mesh.houses.categories import CATEGORIES, FURNITURE, GOAL_CATEGORIES, SMALL, STRUCTURE
from placecell.envs.mesh.houses.kit import Kit
from placecell.envs.mesh.houses.models import SHAPES
from placecell.envs.mesh.raycast import RayCaster
from placecell.envs.mesh.scene import assemble
from placecell.errors import SceneError

MAKEABLE = (*FURNITURE, *SMALL)
NAMED = [pytest.param(shape, id=f"{shape.category}-{shape.variant}") for shape in SHAPES]

# What such things measure in homes: width, depth (the larger and the smaller side), height, metres.
SIZES = {
    "bed": ((1.9, 2.5), (0.9, 2.05), (0.4, 2.1)),
    "sofa": ((1.2, 2.8), (0.7, 1.8), (0.6, 1.05)),
    "chair": ((0.4, 0.8), (0.4, 0.7), (0.75, 1.25)),
    "table": ((0.9, 2.0), (0.75, 1.35), (0.7, 0.8)),
    "coffee_table": ((0.6, 1.4), (0.4, 1.0), (0.3, 0.55)),
    "desk": ((1.0, 1.7), (0.5, 0.8), (0.7, 1.2)),
    "wardrobe": ((0.9, 2.0), (0.5, 0.75), (1.8, 2.3)),
    "refrigerator": ((0.55, 0.95), (0.5, 0.8), (1.3, 2.0)),
    "toilet": ((0.55, 0.85), (0.3, 0.85), (0.7, 2.0)),
    "bathtub": ((1.5, 1.95), (0.65, 0.85), (0.5, 0.8)),
    "piano": ((1.3, 1.8), (0.5, 1.6), (0.9, 1.9)),
    "counter": ((0.59, 1.7), (0.59, 0.9), (0.88, 0.92)),
    "crib": ((0.9, 1.5), (0.5, 0.9), (0.8, 1.7)),
    "cup": ((0.05, 0.2), (0.05, 0.2), (0.05, 0.2)),
}


def split_of(shape):
    return "test" if shape.test else "train"


def made(shape, seed=0):
    rng = generator(seed, "model", shape.category, shape.variant)
    return make_model(shape.category, split_of(shape), rng, variant=shape.variant)


def kit_of(shape, seed=0):
    kit = Kit(split_of(shape), generator(seed, "kit", shape.category, shape.variant))
    shape.build(kit)
    return kit


def digest(model):
    arrays = [array for part in model.parts for array in (part.vertices, part.faces, part.uv, part.texture)]
    return content_hash(
        *(a for a in arrays if a is not None), *(part.color for part in model.parts), model.surfaces
    )


def test_categories_are_named_once_and_goals_can_be_made():
    assert CATEGORIES[0] == ""
    assert CATEGORIES[1:] == (*STRUCTURE, *FURNITURE, *SMALL)
    assert len(set(CATEGORIES)) == len(CATEGORIES)
    assert len(GOAL_CATEGORIES) >= 21
    assert set(GOAL_CATEGORIES) <= set(FURNITURE)


@pytest.mark.parametrize("category", MAKEABLE)
def test_each_category_has_shapes_and_those_of_test_are_its_own(category):
    train, val, test = (variants(category, split) for split in ("train", "val", "test"))
    assert train == val
    assert len(train) >= 2
    assert len(test) >= 1
    assert len(set(train + test)) == len(train + test)


@pytest.mark.parametrize("category", MAKEABLE)
def test_shapes_of_test_are_built_otherwise(category):
    def outline(shape):
        vertices = np.concatenate([mesh.vertices for _, mesh in kit_of(shape).solids])
        low, high = vertices.min(0), vertices.max(0)
        return (vertices - low) / (high - low)

    shapes = [shape for shape in SHAPES if shape.category == category]
    for new in (shape for shape in shapes if shape.test):
        for known in (shape for shape in shapes if not shape.test):
            a, b = outline(new), outline(known)
            assert a.shape != b.shape or np.abs(a - b).max() > 0.05, (new.variant, known.variant)


@pytest.mark.parametrize("shape", NAMED)
def test_a_model_fills_its_box_and_stands_where_it_says(shape):
    for seed in range(2):
        model = made(shape, seed)
        vertices = np.concatenate([part.vertices for part in model.parts])
        low, high = vertices.min(0), vertices.max(0)
        np.testing.assert_allclose(high - low, (model.width_m, model.depth_m, model.height_m), atol=1e-3)
        np.testing.assert_allclose((low + high)[:2], 0, atol=1e-3)
        assert abs(low[2] - model.base_m) < 1e-3
        assert (model.base_m > 0) == (model.stands_on == "wall")
        np.testing.assert_array_equal(vertices, np.round(vertices, 4))
        assert sum(len(part.faces) for part in model.parts) <= 600
        assert (model.category, model.variant) == (shape.category, shape.variant)
        for part in model.parts:
            assert (part.category, part.instance) == (model.category, 0)
            assert part.texture is None or max(part.texture.shape[:2]) <= 64
            assert (part.texture is None) == (part.uv is None)


@pytest.mark.parametrize("shape", NAMED)
def test_every_solid_is_closed_and_turned_outside_out(shape):
    kit = kit_of(shape)
    for _, mesh in kit.solids:
        points, index = np.unique(np.round(mesh.vertices, 6), axis=0, return_inverse=True)
        faces = index.reshape(-1)[mesh.faces]
        edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
        forth = edges[:, 0] * len(points) + edges[:, 1]
        back = edges[:, 1] * len(points) + edges[:, 0]
        assert len(np.unique(forth)) == len(forth)
        np.testing.assert_array_equal(np.sort(forth), np.sort(back))
        assert volume(points, faces) > 0
    parts = kit.model(shape).parts
    whole = sum(volume(mesh.vertices, mesh.faces) for _, mesh in kit.solids)
    assert sum(volume(part.vertices, part.faces) for part in parts) == pytest.approx(whole, rel=0.05)


def volume(vertices, faces):
    a, b, c = np.moveaxis(vertices[faces], 1, 0)
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


@pytest.mark.parametrize("shape", NAMED)
def test_small_things_can_stand_on_its_surfaces(shape):
    model = made(shape, 1)
    if not model.surfaces:
        return
    caster = RayCaster(assemble("model", model.parts))
    for surface in model.surfaces:
        x0, y0, x1, y1 = surface.box
        assert -model.width_m / 2 <= x0 < x1 <= model.width_m / 2
        assert -model.depth_m / 2 <= y0 < y1 <= model.depth_m / 2
        # Off the exact middle, where bodies of two solids may share an edge.
        x, y = np.meshgrid(
            x0 + (x1 - x0) * np.array([0.02, 0.37, 0.98]), y0 + (y1 - y0) * np.array([0.02, 0.41, 0.98])
        )
        origins = np.stack([x.ravel(), y.ravel(), np.full(9, surface.z_m + 0.03)], -1)
        down, _ = caster.cast(origins, np.tile([0.0, 0, -1], (9, 1)))
        np.testing.assert_allclose(down, 0.03, atol=0.006)
        up, _ = caster.cast(origins, np.tile([0.0, 0, 1], (9, 1)))
        assert up.min() > 0.08


@pytest.mark.parametrize("category", ["bed", "sofa", "armchair", "chair", "toilet"])
def test_backs_are_at_the_back(category):
    for shape in (shape for shape in SHAPES if shape.category == category and shape.variant != "four_poster"):
        model = made(shape)
        vertices = np.concatenate([part.vertices for part in model.parts])
        top = vertices[vertices[:, 2] > 0.9 * model.height_m]
        assert top[:, 1].mean() < -0.1 * model.depth_m, shape.variant


@pytest.mark.parametrize("category", sorted(SIZES))
def test_sizes_are_those_of_real_things_and_vary(category):
    widest, other, tallness = SIZES[category]
    for shape in (shape for shape in SHAPES if shape.category == category):
        models = [made(shape, seed) for seed in range(4)]
        for model in models:
            sides = sorted((model.width_m, model.depth_m))
            for value, (low, high) in zip(
                (*sides[::-1], model.height_m), (widest, other, tallness), strict=True
            ):
                assert low <= value <= high, shape.variant
        assert len({(model.width_m, model.depth_m, model.height_m) for model in models}) > 1


def test_the_same_generator_makes_the_same_bytes_and_another_a_different_thing():
    for category in MAKEABLE:
        first, again, other = (make_model(category, "val", generator(seed, "x")) for seed in (3, 3, 4))
        assert digest(first) == digest(again)
        assert digest(first) != digest(other)


def test_no_texture_is_shared_with_test():
    seen = {}
    for split in ("train", "test"):
        models = [made(shape, seed) for shape in SHAPES if split_of(shape) == split for seed in range(2)]
        parts = [part for model in models for part in model.parts]
        seen[split] = {content_hash(part.texture) for part in parts if part.texture is not None}
    assert not seen["train"] & seen["test"]


def test_a_rug_is_flat_and_things_for_tops_are_small():
    for shape in SHAPES:
        model = made(shape)
        if shape.category == "rug":
            assert model.height_m <= 0.01
        if shape.stands_on == "top" and shape.category in SMALL:
            assert max(model.width_m, model.depth_m, model.height_m) < 0.6


@pytest.mark.parametrize("split", ["train", "test"])
def test_each_place_has_something_for_it(split):
    places = {"wall": ("picture", "mirror", "towel", "curtain", "tv_monitor", "clock", "cabinet")}
    places["floor"] = ("lamp", "plant", "cabinet", "sink")
    places["top"] = ("lamp", "plant", "tv_monitor", "cushion", *SMALL)
    for stands_on, categories in places.items():
        for category in categories:
            assert variants(category, split, stands_on=stands_on), (category, stands_on)
    for room in ("kitchen", "bathroom"):
        assert variants("sink", split, room=room)


def test_rooms_and_places_choose_among_the_shapes():
    assert variants("sink", "train", room="kitchen") == ("kitchen",)
    assert variants("sink", "train", room="bathroom") == ("vanity", "pedestal")
    assert set(variants("lamp", "test", stands_on="top")) == {"table_globe", "table_jointed"}
    for seed in range(8):
        model = make_model("lamp", "train", generator(seed, "lamp"), stands_on="floor")
        assert model.height_m > 1.3
        assert model.stands_on == "floor"


def test_mistakes_are_told_in_a_line():
    rng = np.random.default_rng(0)
    with pytest.raises(
        SceneError, match=r"a category of furniture or small objects, got 'unicorn'; choose one of bed"
    ):
        make_model("unicorn", "train", rng)
    with pytest.raises(SceneError, match=r"got 'wall'"):
        variants("wall", "train")
    with pytest.raises(SceneError, match=r"expected a split of houses, got 'dev'"):
        make_model("bed", "dev", rng)
    with pytest.raises(
        SceneError, match=r"a shape of bed for train houses, got stands_on 'wall'; choose from panel"
    ):
        make_model("bed", "train", rng, stands_on="wall")
    with pytest.raises(SceneError, match=r"got variant 'sleigh_double'"):
        make_model("bed", "train", rng, variant="sleigh_double")
