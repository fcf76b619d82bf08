"""What was recalled as numbers for a network: a token an item, seen from where the agent stands."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float32, Int64

from placecell.errors import PlacecellError
from placecell.geometry import Pose, invert, transform

from .retrieval import MemoryItem, Retrieval, require_k
from .sight import descriptor

SOURCES = ("octree", "topology", "short_term")
"""Parts of the memory that have an entry of their own in a token; any other is the entry ``other``."""

TOKEN_FIELDS = (
    *("right", "forward", "up", "distance", "sin_bearing", "cos_bearing"),
    *("score", "age", *SOURCES, "other"),
    *("red", "green", "blue", "has_colour", "has_category", "has_embedding"),
)
"""The entries of a token, in their order."""

TOKEN_WIDTH = len(TOKEN_FIELDS)
"""How many entries a token has without an embedding."""

SCALE_M = 5.0
"""A length of d metres is the entry asinh(d / SCALE_M): d / SCALE_M near by, its logarithm far off."""

Tokens = Float32[np.ndarray, "k m"]


def tokens(
    retrieval: Retrieval,
    pose: Pose,
    *,
    embedding_width: int = 0,
    other_widths: Sequence[int] = (descriptor.WIDTH,),
) -> Tokens:
    """What was recalled, as seen from a pose.

    ``right``, ``forward`` and ``up`` point from the pose's feet to the item, along the pose's heading (the
    head's pitch counts for nothing), and are as long as ``distance``, which is asinh(metres / ``SCALE_M``):
    0.2 of 1 m, 0.88 of 5 m, 6 of 1 km, so that what is far does not drown the rest. The bearing is
    counter-clockwise, 0 ahead, and its sine and cosine are 0 of what is straight above or below; ``age`` is
    log(1 + steps) / 10; colours are 0 to 1. The category is no number to compare: :func:`categories` gives it
    apart.

    Args:
        retrieval: of any memory.
        pose: where the agent stands, in the frame of the memory's poses.
        embedding_width: how many entries of each item's embedding follow; zeros where it has none.
        other_widths: of embeddings that are left out, where a memory holds those of more than one encoder. As
            it is, those by which places are known again where frames come without an encoder's.

    Returns:
        (k, ``TOKEN_WIDTH + embedding_width``), an item a row, in the retrieval's order.

    Raises:
        PlacecellError: an embedding of a width that was not named, or a pose or an item that is not finite.
    """
    items = retrieval.items
    found = np.zeros((len(items), TOKEN_WIDTH + embedding_width), np.float32)
    with np.errstate(all="ignore"):  # what is not finite is looked for in the result
        _place(found, items, pose)
        for row, item in zip(found, items):
            row[6:8] = item.score, np.log1p(item.age_steps) / 10
            row[8:12] = [*(item.source == source for source in SOURCES), item.source not in SOURCES]
            if item.colour is not None:
                row[12:15], row[15] = np.array(item.colour) / 255, 1
            row[16] = item.category is not None
            if embedding_width and _wanted(item, embedding_width, other_widths):
                row[17], row[TOKEN_WIDTH:] = 1, item.embedding
    if not bool(np.isfinite(found).all()):
        raise PlacecellError(
            expected="a pose and items of finite numbers",
            came=f"{int((~np.isfinite(found).all(1)).sum())} of {len(items)} items with NaN or infinity",
            fix="check the pose, and what was written into the memory",
        )
    return found


def categories(retrieval: Retrieval) -> Int64[np.ndarray, " k"]:
    """The items' category ids, 0 where an item has none: for ``MemoryFusion(category_embedding=...)``."""
    return np.array([item.category or 0 for item in retrieval.items], np.int64)


def batch_tokens(
    retrievals: Sequence[Retrieval],
    poses: Sequence[Pose],
    k: int,
    *,
    embedding_width: int = 0,
    other_widths: Sequence[int] = (descriptor.WIDTH,),
) -> tuple[Float32[np.ndarray, "b k m"], Bool[np.ndarray, "b k"]]:
    """The tokens of several retrievals, filled up with zeros; of each the first, best ``k`` items.

    Args:
        retrievals: one an agent or a step, b of them.
        poses: where each was asked, b of them.
        k: tokens each row gets.
        embedding_width: as of :func:`tokens`.
        other_widths: as of :func:`tokens`.

    Returns:
        tokens (b, k, ``TOKEN_WIDTH + embedding_width``), mask (b, k), true where a token stands for an item.

    Raises:
        PlacecellError: not as many poses as retrievals, a k below 1, or as of :func:`tokens`.
    """
    require_k(k)
    if len(retrievals) != len(poses):
        raise PlacecellError(
            expected=f"a pose for each of {len(retrievals)} retrievals",
            came=f"{len(poses)} poses",
            fix="pass where each retrieval was asked for",
        )
    found = np.zeros((len(retrievals), k, TOKEN_WIDTH + embedding_width), np.float32)
    mask = np.zeros((len(retrievals), k), np.bool_)
    for row, (retrieval, pose) in enumerate(zip(retrievals, poses)):
        best = Retrieval(retrieval.items[:k])
        count = len(best.items)
        found[row, :count] = tokens(best, pose, embedding_width=embedding_width, other_widths=other_widths)
        mask[row, :count] = True
    return found, mask


def batch_categories(retrievals: Sequence[Retrieval], k: int) -> Int64[np.ndarray, "b k"]:
    """The category ids beside :func:`batch_tokens`, 0 where there is none."""
    require_k(k)
    found = np.zeros((len(retrievals), k), np.int64)
    for row, retrieval in zip(found, retrievals):
        ids = categories(retrieval)[:k]
        row[: len(ids)] = ids
    return found


def _place(found: np.ndarray, items: Sequence[MemoryItem], pose: Pose) -> None:
    positions = np.array([item.position for item in items], np.float64).reshape(-1, 3)
    body = transform(invert(pose.T_world_body()), positions)
    flat_m = np.hypot(body[:, 0], body[:, 1])[:, None]
    away = np.linalg.norm(body, axis=1, keepdims=True) / SCALE_M
    found[:, 3:4] = np.arcsinh(away)
    shrunk = np.divide(np.arcsinh(away), away, out=np.ones_like(away), where=away > 0) / SCALE_M
    found[:, :3] = np.stack([-body[:, 1], body[:, 0], body[:, 2]], 1) * shrunk
    found[:, 4:6] = np.divide(body[:, [1, 0]], flat_m, out=np.zeros((len(items), 2)), where=flat_m > 0)


def _wanted(item: MemoryItem, width: int, other_widths: Sequence[int]) -> bool:
    if item.embedding is None:
        return False
    came = len(item.embedding)
    if came != width and came not in other_widths:
        raise PlacecellError(
            expected=f"embeddings of width {width}",
            came=f"one of {came} from {item.source}",
            fix=f"pass embedding_width of your encoder; other_widths=({came},) leaves out those of another",
        )
    return came == width
