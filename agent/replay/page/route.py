"""The route of an episode among panoramas as a small picture, for the index and the page's icon."""

import numpy as np
from PIL import Image, ImageDraw

from ...recording import Recording, Surroundings
from .images import thumbnail_of
from .panoramas import ways_of

_WIDTH, _HEIGHT, _FINER = 96, 72, 2
_PAPER, _WAY, _GOLD, _WALKED, _GOAL = "#ededea", "#bdbdb8", "#e8b931", "#1f5fbf", "#d43a1a"
_RIM = 1.25


def route_thumbnail(recording: Recording) -> str:
    """A data URI: ways, the route where it is told, what was walked, the goal; empty without surroundings."""
    told = recording.header.get("surroundings")
    if told is None or not recording.steps:
        return ""
    around = Surroundings.of(told)
    ways = zip(recording.steps, ways_of(recording), strict=True)
    walked = np.array([point for step, way in ways for point in ([step.pose.x, step.pose.y], *way)])
    shown = np.concatenate([walked, around.gold[:, :2]])
    middle, span = (shown.max(0) + shown.min(0)) / 2, np.maximum(np.ptp(shown, axis=0), 1.0)
    size = np.array([_WIDTH, _HEIGHT]) * _FINER
    scale = float((size / span).min()) / _RIM

    def place(points: np.ndarray) -> list[tuple[float, float]]:
        x, y = ((points[:, :2] - middle) * scale * [1, -1] + size / 2).T
        return list(zip(x.tolist(), y.tolist(), strict=True))

    picture = Image.new("RGB", (int(size[0]), int(size[1])), _PAPER)
    draw, nodes = ImageDraw.Draw(picture), place(around.nodes)
    for a, b in around.edges.tolist():
        draw.line([nodes[a], nodes[b]], _WAY, 2)
    if len(around.gold):  # secret in some splits
        draw.line(place(around.gold), _GOLD, 12, joint="curve")
    draw.line(place(walked), _WALKED, 5, joint="curve")
    for x, y in place(around.gold[-1:]):
        draw.ellipse((x - 8, y - 8, x + 8, y + 8), _GOAL)
    return thumbnail_of(np.asarray(picture))
