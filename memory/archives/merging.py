"""Two memories of one place as one: where the second lies in the first is told, or estimated."""

from dataclasses import dataclass

import numpy as np

from placecell.arrays import Transform
from placecell.errors import PlacecellError
from placecell.geometry import require_rigid

from ..octree import SparseOctree
from ..spatial_memory import SpatialMemory
from .alignment import Fit, align, fit_of
from .surface import Surface

AGREEMENT, OVERLAP, SHARED_M2 = 0.9, 0.15, 4.0
"""What an estimated fit has to reach; see :func:`estimate`."""


@dataclass(frozen=True)
class Merged:
    """A memory of two sessions, and how the second was laid on the first.

    Args:
        memory: with the settings of the first; the second's steps come after the first's.
        T_a_b: (4, 4) points of the second, in the first one's frame.
        residual_m: root mean square of how far the second's surface lies off the first one's plane, where
            it lies on it; None without maps.
        overlap: share of walls that lie on the other's, of the memory that has fewer; None without maps.
        agreement: of the walls that both know something of, the share that both hold to be there; None
            without maps.
        estimated: whether the transform was estimated, not given.
    """

    memory: SpatialMemory
    T_a_b: Transform
    residual_m: float | None
    overlap: float | None
    agreement: float | None
    estimated: bool

    def provenance(self) -> dict[str, object]:
        """How it came about, plain JSON, for its archive."""
        return {
            "T_a_b": self.T_a_b.tolist(),
            "transform": "estimated" if self.estimated else "given",
            "residual_m": self.residual_m,
            "overlap": self.overlap,
            "agreement": self.agreement,
        }


def merge(a: SpatialMemory, b: SpatialMemory, T_a_b: Transform | None = None) -> Merged:
    """One memory of two sessions of one place; both stay as they are.

    A transform by whole voxels loses nothing; see :meth:`SparseOctree.absorb` for others.

    Args:
        a: the earlier session, whose frame and settings the memory has.
        b: the later one.
        T_a_b: (4, 4) b's points in a's frame; None: it is estimated from the surfaces of both.

    Raises:
        FrameError: no rigid transform.
        PlacecellError: memories of other settings or encoders, or maps that do not overlap.
    """
    a.settings.require_like(b.settings)
    fit = fitted(a, b, T_a_b)
    T = np.eye(4) if T_a_b is None else T_a_b
    if fit is not None:
        T = fit.T_a_b
    memory = SpatialMemory.for_archive(stored := a.pack())
    memory.unpack(stored)
    memory.absorb(b, T)
    told = (None, None, None) if fit is None else (fit.residual_m, fit.overlap, fit.agreement)
    return Merged(memory, T, *told, estimated=T_a_b is None)


def fitted(a: SpatialMemory, b: SpatialMemory, T_a_b: Transform | None) -> Fit | None:
    """How b lies on a by this transform, or by the best that is found (None); None without maps.

    Raises:
        FrameError: no rigid transform.
        PlacecellError: maps that do not overlap, or none to estimate a transform from.
    """
    if T_a_b is not None:
        require_rigid(T_a_b, "T_a_b")
    if a.octree is None or b.octree is None:
        if T_a_b is None:
            raise PlacecellError(
                expected="memories with an octree, to estimate where the one lies in the other",
                came="one without",
                fix="give the transform",
            )
        return None
    if min(len(a.octree), len(b.octree)) == 0:
        raise _apart("a map without surface", "merge memories that have seen something")
    if T_a_b is None:
        return estimate(a.octree, b.octree)
    fit = fit_of(Surface.of(a.octree), Surface.of(b.octree), T_a_b)
    if fit.touching == 0:
        raise _apart(
            "no surface of the second on any of the first's",
            "check the transform: it maps points of the second into the frame of the first",
        )
    return fit


def estimate(a: SparseOctree, b: SparseOctree) -> Fit:
    """Where ``b`` lies in ``a``: yaw and translation, both frames with z up.

    Accepted is a fit by which walls are shared (``SHARED_M2``, and ``OVERLAP`` of the smaller map's) and of
    the walls that both know something of ``AGREEMENT`` lie on walls. See ``docs/results/long_term.md`` for
    how often that holds of two sessions of one house, and of two houses.

    Raises:
        PlacecellError: maps that do not overlap so far.
    """
    fit = align(a, b)
    if fit.agreement < AGREEMENT or fit.overlap < OVERLAP or fit.shared_m2 < SHARED_M2:
        raise _apart(
            f"at best {fit.overlap:.0%} of the walls shared ({fit.shared_m2:.1f} m2), of which both know "
            f"{fit.agreement:.0%} agree",
            f"give the transform if they are of one place (at least {OVERLAP:.0%}, {SHARED_M2:g} m2 and "
            f"{AGREEMENT:.0%} are asked for)",
        )
    return fit


def _apart(came: str, fix: str) -> PlacecellError:
    return PlacecellError(expected="maps that overlap", came=came, fix=fix)
