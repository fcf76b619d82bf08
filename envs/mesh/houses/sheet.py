"""A contact sheet of houses: each storey from above, and rooms at the height of eyes.

``python -m placecell.envs.mesh.houses.sheet --split train --houses 6 --out sheet.png``
"""

import argparse
import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from placecell.arrays import Rgb
from placecell.errors import OutputError
from placecell.geometry import Pose

from ..camera import Camera
from ..renderer import Renderer
from ..scene import Scene
from .house import House, house_named, make_house
from .looks import SPLITS
from .reach import Floor, RoomFloor, blocks

EYE_M = 1.5
_TILE = 256
_FROM_ABOVE = Camera(width=_TILE, height=_TILE, hfov_deg=24.0, height_m=0.0)
_INSIDE = Camera(width=_TILE, height=_TILE, hfov_deg=90.0, height_m=EYE_M)
_BACKGROUND = 24


def above(house: House, storey: int = 0, camera: Camera = _FROM_ABOVE) -> Rgb:
    """A storey seen from high above, its ceiling and all above it left away."""
    scene = house.scene()
    top = house.plan.ceiling_z(storey)
    corners = scene.vertices[scene.faces][..., 2]
    ceiling = scene.category_id == scene.categories.index("ceiling")
    keep = ~ceiling & (corners.min(-1) < top - 0.02)
    renderer = Renderer(_only(scene, keep))
    low, high = scene.bounds
    half = float((high - low)[:2].max()) / 2 + 0.4
    x, y = ((low + high) / 2)[:2].tolist()
    z = top + half / math.tan(math.radians(camera.hfov_deg / 2))
    pose = Pose(x, y, z, math.pi / 2, -math.pi / 2)
    image = renderer.render(camera, camera.T_world_camera(pose))
    return np.where((image.depth > 0)[..., None], image.rgb, np.uint8(_BACKGROUND)).astype(np.uint8)


def inside(house: House, room: int, renderer: Renderer, corner: int = 0, camera: Camera = _INSIDE) -> Rgb:
    """A room at the height of eyes, from its :func:`lookout`."""
    return renderer.render(camera, camera.T_world_camera(lookout(house, room, corner))).rgb


def lookout(house: House, room: int, corner: int = 0) -> Pose:
    """A place of a room, reached from its doors, that has the room before it.

    Args:
        house: which.
        room: index of the room.
        corner: 0: where the middle of the room is farthest; 1: as far away from there as one can stand.
    """
    plan = house.plan
    floor = Floor(plan, plan.rooms[room].storey)
    standing = [p.box for p in house.furniture if p.room == room and blocks(plan, p)]
    reached = RoomFloor(floor, room).reached(standing)
    assert reached is not None
    points = floor.points(reached)
    x0, y0, x1, y1 = plan.rooms[room].inner
    middle = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    place = middle
    for _ in range(corner + 1):
        place = points[int(np.argmax(((points - place) ** 2).sum(-1)))]
    x, y = place.tolist()
    yaw = math.atan2(middle[1] - y, middle[0] - x)
    return Pose(x, y, plan.floor_z(plan.rooms[room].storey), yaw, math.radians(-12))


def contact_sheet(houses: list[House], rooms: int = 5) -> Rgb:
    """One row a house: its storeys from above, then ``rooms`` of its rooms from inside."""
    rows = []
    for house in houses:
        renderer = Renderer(house.scene())
        shown = _rooms_to_show(house, rooms + 2 - house.plan.storeys)
        tiles = [
            _titled(above(house, s), f"{house.name}, storey {s}" if s else house.name)
            for s in range(house.plan.storeys)
        ]
        tiles += [_titled(inside(house, room, renderer, i), house.plan.rooms[room].name) for i, room in shown]
        tiles += [np.full_like(tiles[0], _BACKGROUND)] * (rooms + 2 - len(tiles))
        rows.append(np.concatenate(tiles, 1))
    return np.concatenate(rows, 0)


def _rooms_to_show(house: House, count: int) -> list[tuple[int, int]]:
    """(corner, room): rooms of different kinds first, the furnished ones before corridors, then once more."""
    kinds: dict[str, int] = {}
    ranked = []
    for i, room in enumerate(house.plan.rooms):
        kinds[room.kind] = kinds.get(room.kind, 0) + 1
        ranked.append((kinds[room.kind] + 2 * (room.kind in ("corridor", "hallway")), i))
    rooms = [i for _, i in sorted(ranked)]
    return [(corner, i) for corner in (0, 1) for i in rooms][:count]


def _only(scene: Scene, keep: np.ndarray) -> Scene:
    return replace(
        scene,
        faces=scene.faces[keep],
        face_material=scene.face_material[keep],
        instance_id=scene.instance_id[keep],
        category_id=scene.category_id[keep],
    )


def _titled(tile: Rgb, title: str) -> Rgb:
    from PIL import Image, ImageDraw

    image = Image.fromarray(tile)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, draw.textlength(title) + 6, 13), fill=(0, 0, 0))
    draw.text((3, 1), title, fill=(255, 255, 255))
    draw.line((0, _TILE - 1, _TILE, _TILE - 1), fill=(0, 0, 0))
    return np.array(image)


def main(arguments: list[str] | None = None) -> None:
    """The command; see the module."""
    parser = argparse.ArgumentParser(description="A contact sheet of generated houses.")
    parser.add_argument("--split", choices=SPLITS, default="train")
    parser.add_argument("--houses", type=int, default=6, help="how many, from --first on")
    parser.add_argument("--first", type=int, default=0, help="seed of the first")
    parser.add_argument(
        "--name", action="append", default=[], help="a house by name instead, as house-val-3~1"
    )
    parser.add_argument("--rooms", type=int, default=5, help="rooms of each, from inside")
    parser.add_argument("--out", type=Path, required=True, help="the picture, .png")
    options = parser.parse_args(arguments)
    if options.out.suffix != ".png":
        raise OutputError(expected="a picture that ends in .png", came=str(options.out), fix="rename --out")
    from PIL import Image

    houses = [house_named(name) for name in options.name] or [
        make_house(options.split, options.first + i) for i in range(options.houses)
    ]
    Image.fromarray(contact_sheet(houses, options.rooms)).save(options.out)


if __name__ == "__main__":
    main()
