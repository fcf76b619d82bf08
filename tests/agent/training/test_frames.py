import math

import numpy as np
import pytest

from placecell.agent.training.frames import Views, camera_of
from placecell.agent.training.worlds import WORLDS, world_named
from placecell.arrays import generator
from placecell.envs.body import PRESETS
from placecell.envs.mesh.builtin import builtin_scene
from placecell.envs.mesh.camera import Camera
from placecell.envs.mesh.houses.categories import CATEGORIES
from placecell.envs.mesh.raycast import RayCaster
from placecell.envs.mesh.scene import Part, assemble
from placecell.errors import ConfigError, SceneError

CAMERA = camera_of(PRESETS["habitat_objectnav"])


@pytest.fixture(scope="module")
def views():
    return Views(builtin_scene(3), generator(0))


def frames(views, aimed, count=40, **options):
    rng = generator(1, aimed)
    return [views.draw(rng, CAMERA, aimed=aimed, **options) for _ in range(count)]


def square(size, z, category, low=0.0, instance=0):
    corners = np.array([[low, low, z], [size, low, z], [size, size, z], [low, size, z]], float)
    return Part(corners, np.array([[0, 1, 2], [0, 2, 3]]), category=category, instance=instance)


def test_the_camera_is_the_body_s():
    assert (CAMERA.width, CAMERA.height, CAMERA.hfov_deg, CAMERA.height_m) == (128, 128, 79.0, 0.88)
    assert (CAMERA.min_depth_m, CAMERA.max_depth_m) == (0.5, 5.0)


def test_standing_points_have_floor_below_and_a_body_s_width_free_around(views):
    scene = builtin_scene(3)
    rays = RayCaster(scene)
    stands = views.stands
    assert len(stands) > 200
    eyes = stands + np.array([0, 0, 0.5])
    down, faces = rays.cast(eyes, np.tile([0.0, 0.0, -1.0], (len(eyes), 1)))
    np.testing.assert_allclose(down, 0.5, atol=1e-4)
    assert {scene.categories[i] for i in np.unique(scene.category_id[faces])} == {"floor"}
    for angle in np.arange(8) * math.pi / 4:
        across, _ = rays.cast(
            stands + np.array([0, 0, 0.88]),
            np.tile([math.cos(angle), math.sin(angle), 0.0], (len(stands), 1)),
        )
        assert across.min() >= 0.18 - 1e-5


def test_aimed_views_show_things_more_often(views):
    def things(aimed):
        return np.mean([(frame.instance > 0).mean() for frame in frames(views, aimed)])

    assert things(True) > 1.3 * things(False)


def test_a_view_has_the_names_of_the_vocabulary_and_0_for_others(views):
    scene = builtin_scene(3)
    assert "shelf" in scene.categories
    assert "shelf" not in CATEGORIES
    shelves = set(scene.instance_id[scene.category_id == scene.categories.index("shelf")].tolist())
    seen = set()
    for frame in frames(views, True, count=80):
        seen |= {CATEGORIES[i] for i in np.unique(frame.category)}
        assert not frame.category[np.isin(frame.instance, list(shelves))].any()
        assert frame.depth[frame.depth > 0].min(initial=5.0) >= 0.5
    assert {"wall", "floor", "chair"} <= seen <= {*CATEGORIES}


def test_looking_down_shows_more_floor(views):
    floor = CATEGORIES.index("floor")
    share = [
        np.mean([(f.category == floor).mean() for f in frames(views, False, pitch_rad=pitch)])
        for pitch in (0.5, 0.0, -0.5)
    ]
    assert share[0] < share[1] < share[2]


def test_a_thing_is_found_where_it_can_be_seen_from():
    scene = assemble("a stool", [square(6.0, 0.0, "floor"), square(3.3, 0.5, "stool", low=3.0, instance=7)])
    views, rng = Views(scene, generator(2)), generator(3)
    camera = Camera(hfov_deg=90.0, max_depth_m=20.0)
    shown = [(views.draw(rng, camera, aimed=True).instance == 7).any() for _ in range(30)]
    assert np.mean(shown) > 0.8


def test_a_scene_without_floor_is_refused():
    with pytest.raises(SceneError, match=r"a floor in bare that a body can stand on, got none"):
        Views(assemble("bare", [square(5.0, 0.0, "table")]), generator(0))
    with pytest.raises(SceneError, match="wide and clear enough"):
        Views(assemble("narrow", [square(0.2, 0.0, "floor")]), generator(0))


def test_worlds_have_names_and_their_splits_differ():
    with pytest.raises(ConfigError, match=r"task\.worlds of houses, builtin, got 'mars'"):
        world_named("mars")
    builtin = WORLDS["builtin"]
    assert builtin("train", 1).content_hash == builtin("train", 1).content_hash
    assert len({builtin(split, 1).content_hash for split in ("train", "val", "test")}) == 3
