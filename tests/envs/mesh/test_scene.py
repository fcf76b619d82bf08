from dataclasses import replace

import numpy as np
import pytest

from placecell.envs.mesh.scene import Part, assemble
from placecell.errors import SceneError

TRIANGLE = Part(np.eye(3), np.array([[0, 1, 2]]))
UV = np.zeros((3, 2))


def test_assemble_offsets_faces_and_keeps_equal_textures_and_materials_once():
    red = np.full((2, 2, 3), (255, 0, 0), np.uint8)
    parts = [
        replace(TRIANGLE, texture=red, uv=UV, instance=1, category="sofa"),
        replace(TRIANGLE, texture=red.copy(), uv=UV, instance=2, category="bed"),
        replace(TRIANGLE, color=(0.0, 1.0, 0.0)),
    ]
    scene = assemble("three", parts)
    assert scene.faces.tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert len(scene.textures) == 1
    assert scene.face_material.tolist() == [0, 0, 1]
    assert scene.categories == ("", "bed", "sofa")
    assert scene.category_id.tolist() == [2, 1, 0]
    assert scene.instance_id.tolist() == [1, 2, 0]
    assert (scene.vertex_colors == 255).all()
    np.testing.assert_array_equal(scene.bounds, [[0, 0, 0], [1, 1, 1]])


def test_content_hash_tells_content_not_names():
    scene = assemble("a", [TRIANGLE])
    assert scene.content_hash == assemble("b", [TRIANGLE]).content_hash
    for other in (
        replace(TRIANGLE, vertices=np.eye(3) * 2),
        replace(TRIANGLE, color=(0.1, 0.2, 0.3)),
        replace(TRIANGLE, instance=1),
        replace(TRIANGLE, category="chair"),
    ):
        assert assemble("a", [other]).content_hash != scene.content_hash


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (replace(TRIANGLE, faces=np.zeros((0, 3), int)), "triangles in x, got no faces and 3 points; export"),
        (replace(TRIANGLE, vertices=np.full((3, 3), np.nan)), "finite vertices in x, got 3 of 3 with NaN"),
        (replace(TRIANGLE, faces=np.array([[0, 1, 7]])), "its 3 vertices, got vertex indices from 0 to 7"),
    ],
)
def test_scenes_that_do_not_hold_together(part, message):
    with pytest.raises(SceneError, match=message):
        assemble("x", [part])


def test_nothing_at_all():
    with pytest.raises(SceneError, match="got no faces; export a triangle mesh"):
        assemble("x", [])
