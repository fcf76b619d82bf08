"""The ground on disk: the same arrays, built once, and never in the way."""

import logging
from pathlib import Path

import numpy as np
import pytest
from solids import area, box, floor

import placecell.envs.geodesic
from placecell.envs.navmesh.cache import cache_folder

MESH = floor(0.0, 0.0, 3.0, 3.0), box(1.0, 1.0, 0.0, 1.2, 2.0, 2.0)
ARRAYS = ("origin", "first", "column", "row", "z", "neighbour", "island")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PLACECELL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "ground"


@pytest.fixture
def builds(monkeypatch):
    """How often the ground was built."""
    made = []
    build = placecell.envs.geodesic.build_ground
    monkeypatch.setattr(
        placecell.envs.geodesic, "build_ground", lambda *mesh: made.append(mesh) or build(*mesh)
    )
    return made


def require_equal(a, b):
    assert a.ground.settings == b.ground.settings
    assert (a.ground.columns, a.ground.rows) == (b.ground.columns, b.ground.rows)
    for name in ARRAYS:
        one, other = getattr(a.ground, name), getattr(b.ground, name)
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)


def test_what_comes_from_disk_is_what_was_built(folder, builds):
    built = area(*MESH)
    (file,) = folder.iterdir()
    content = file.read_bytes()
    read = area(*MESH)
    assert len(builds) == 1
    require_equal(built, read)
    assert file.read_bytes() == content


def test_another_body_or_mesh_is_another_ground(folder, builds):
    area(*MESH)
    area(*MESH, radius_m=0.2)
    area(*MESH, min_island_cells=1)
    area(MESH[0])
    assert len(builds) == len(list(folder.iterdir())) == 4
    for ground in (area(*MESH, radius_m=0.2), area(MESH[0])):
        assert len(ground.ground) > 0
    assert len(builds) == 4


def half(content):
    return content[: len(content) // 2]


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]


@pytest.mark.parametrize("damage", [half, flipped, lambda _: b"", lambda _: b"no archive"])
def test_a_damaged_file_is_made_anew(folder, builds, damage, caplog):
    built = area(*MESH)
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    with caplog.at_level(logging.WARNING):
        require_equal(built, area(*MESH))
    assert len(builds) == 2
    assert "is damaged and is made anew" in caplog.text
    assert file.read_bytes() == whole
    area(*MESH)
    assert len(builds) == 2


def test_an_array_in_its_place_is_damage_too(folder, builds):
    area(*MESH)
    (file,) = folder.iterdir()
    with file.open("wb") as stream:
        np.save(stream, np.zeros(3))
    area(*MESH)
    assert len(builds) == 2


def test_a_folder_that_cannot_be_written_only_costs_time(tmp_path, monkeypatch, builds, caplog):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("PLACECELL_CACHE", str(tmp_path / "file" / "cache"))
    with caplog.at_level(logging.WARNING):
        require_equal(area(*MESH), area(*MESH))
    assert len(builds) == 2
    assert "the ground of this scene is not cached" in caplog.text


@pytest.mark.parametrize("setting", [None, ""])
def test_without_a_setting_it_lies_in_the_users_cache(monkeypatch, tmp_path, setting):
    monkeypatch.setenv("HOME", str(tmp_path))
    if setting is None:
        monkeypatch.delenv("PLACECELL_CACHE")
    else:
        monkeypatch.setenv("PLACECELL_CACHE", setting)
    assert cache_folder() == tmp_path / ".cache" / "placecell"


def test_tests_have_a_cache_of_their_own():
    assert cache_folder() != Path.home() / ".cache" / "placecell"
