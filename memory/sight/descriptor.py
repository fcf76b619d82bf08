"""A frame as one vector by which its place is known again, where no encoder is given.

The layout of the view, coarsely: in each of 2 x 4 zones of the image, which colours, which labels and which
depths there are, as histograms. Compared by the square roots of shares (Hellinger's distance), less what
every view has in common, so that unlike views come out nearly orthogonal. It knows the view of a place, from
one heading; an encoder's embedding, given with the frame, takes its stead.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Float32, Float64
from numba import njit

from ..frame import Frame

ZONES_HIGH, ZONES_WIDE = 2, 4
_COLOURS, _LABELS, _DEPTHS = 27, 24, 8
_BINS = _COLOURS + _LABELS + _DEPTHS
WIDTH = ZONES_HIGH * ZONES_WIDE * _BINS
"""How long the vector is."""
_EDGES_M = (0.75, 1.15, 1.75, 2.7, 4.1, 6.3, 9.7)
"""Where bins of depth end: errors of depth, and what a step changes, grow with distance."""
_MOST_PIXELS = 64
"""An image is thinned to so many pixels across."""
_NO_COLOUR, _NO_LABELS = np.zeros((0, 0, 3), np.uint8), np.zeros((0, 0), np.int64)


def descriptor_of(frame: Frame) -> Float32[np.ndarray, " d"] | None:
    """The frame's embedding, or else its layout, as a unit vector; None for a frame that shows nothing.

    The same frame gives the same vector. Vectors of frames with and without colour, or with and without
    labels, are of one width but say different things.
    """
    if frame.embedding is not None:
        return unit(frame.embedding.astype(np.float64))
    every = -(-max(frame.camera.width, frame.camera.height) // _MOST_PIXELS)
    pixels = slice(every // 2 if every > 1 else 0, None, every)
    histograms = np.zeros((ZONES_HIGH * ZONES_WIDE, _BINS))
    count_zones(
        np.ascontiguousarray(frame.depth[pixels, pixels], np.float32),
        _NO_COLOUR if frame.rgb is None else np.ascontiguousarray(frame.rgb[pixels, pixels]),
        _NO_LABELS if frame.labels is None else frame.labels[pixels, pixels].astype(np.int64),
        histograms,
    )
    centre_parts(histograms)
    return unit(histograms.ravel())


def unit(vector: Float64[np.ndarray, " d"]) -> Float32[np.ndarray, " d"] | None:
    """The vector at length 1, as float32; None for zeros, which have no direction."""
    length = float(np.linalg.norm(vector))
    return (vector / length).astype(np.float32) if length > 0 else None


def without_labels(vectors: Float32[np.ndarray, "n d"]) -> Float32[np.ndarray, "n d"]:
    """Such vectors with nothing in them of which labels a view had, at length 1 again; zeros where that was
    all. A view without labels would have given the same.

    Args:
        vectors: (n, ``WIDTH``) of :func:`descriptor_of`.
    """
    parts = vectors.astype(np.float64).reshape(len(vectors), ZONES_HIGH * ZONES_WIDE, _BINS)
    parts[:, :, _COLOURS : _COLOURS + _LABELS] = 0.0
    rows = parts.reshape(len(vectors), WIDTH)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)


@njit(cache=True)
@no_type_check
def centre_parts(histograms):
    """Square roots of each part's shares less their mean, in place; what nothing is known of stays 0."""
    for zone in range(len(histograms)):
        start = 0
        for bins in (_COLOURS, _LABELS, _DEPTHS):
            part = histograms[zone, start : start + bins]
            total, mean = part.sum(), 0.0
            if total > 0:
                for n in range(bins):
                    part[n] = np.sqrt(part[n] / total)
                    mean += part[n] / bins
                for n in range(bins):
                    part[n] -= mean
            start += bins


@njit(cache=True)
@no_type_check
def count_zones(depth, rgb, labels, histograms):
    """Adds each pixel to the histograms of its zone.

    Args:
        depth: (h, w) metres, 0 = no return.
        rgb: (h, w, 3), or nothing.
        labels: (h, w), or nothing; 0 = no label.
        histograms: (zones, bins) float64, changed.
    """
    height, width = depth.shape
    for v in range(height):
        for u in range(width):
            zone = v * ZONES_HIGH // height * ZONES_WIDE + u * ZONES_WIDE // width
            if len(rgb):
                red, green, blue = int(rgb[v, u, 0]), int(rgb[v, u, 1]), int(rgb[v, u, 2])
                histograms[zone, red * 3 // 256 * 9 + green * 3 // 256 * 3 + blue * 3 // 256] += 1
            if len(labels) and labels[v, u] > 0:
                mixed = labels[v, u] * 2654435761
                histograms[zone, _COLOURS + ((mixed ^ (mixed >> 16)) & 0x7FFFFFFF) % _LABELS] += 1
            if depth[v, u] > 0:
                bin_ = 0
                while bin_ < _DEPTHS - 1 and depth[v, u] >= _EDGES_M[bin_]:
                    bin_ += 1
                histograms[zone, _COLOURS + _LABELS + bin_] += 1
