"""The octree on torch tensors, for a GPU: what ``SparseOctree`` does, by vector instructions alone."""

from collections.abc import Mapping

import numpy as np
import torch

from placecell.arrays import Point, Points
from placecell.errors import ConfigError

from .frame import Frame
from .growth import Growth, blocks_of
from .on_torch import archive as torch_archive
from .on_torch.changes import TorchChanges
from .on_torch.merge import Change, merge
from .on_torch.pool import TorchPool
from .on_torch.reader import TorchReader
from .on_torch.reduction import reduce_frame, reduce_points
from .on_torch.view import TorchView, tensor_of
from .voxel.archive import unpacked
from .voxel.block_pool import PLACE
from .voxel.checks import fitting_features, require_agent, require_depths, require_settings, require_step
from .voxel.frame_merge import HIT
from .voxel.frame_view import view_of, view_of_scan


class TorchOctree(TorchReader):
    """The map of ``SparseOctree``, kept and asked on a device.

    States, counts, positions, colours, labels and times are sums of whole numbers and equal those of a
    ``SparseOctree`` that was given the same frames, on every device and in any order of threads; distances
    agree to 1e-9 m. Features are added up in float32, in the order of their patches: they agree to 1e-6 of
    the largest one where they are kept as float32, and to 1e-3, a rounding, as float16.

    It packs as the ``SparseOctree`` does, and each unpacks what the other packed. Handles name voxels of
    this map alone.

    Args:
        voxel_size_m: edge length of a voxel.
        feature_width: of the fused features; 0 keeps none, and ignores those of frames.
        feature_dtype: what they are kept as, ``"float16"`` or ``"float32"``.
        device: where: ``"cpu"``, ``"cuda"``, ``"cuda:1"``.

    Raises:
        ConfigError: a voxel size that is not positive and finite, features of another kind, or a device that
            this machine or this torch does not have.
    """

    def __init__(
        self,
        voxel_size_m: float = 0.1,
        feature_width: int = 0,
        feature_dtype: str = "float16",
        device: str = "cpu",
    ) -> None:
        require_settings(voxel_size_m, feature_width, feature_dtype)
        self.voxel_size_m = float(voxel_size_m)
        self.feature_width, self.feature_dtype = int(feature_width), feature_dtype
        self.device = require_device(device)
        self._changes = TorchChanges(self.device)
        self.clear()

    def clear(self, agent: int | None = None) -> None:
        """Forgets everything, or everything of one agent."""
        self._surfaces = {}
        if agent is None:
            self._pool = self._empty_pool()
            self._changes.start_anew()
            return
        others = self._pool.agents != require_agent(agent)
        self._pool.keep(others, others[self._pool["handle"][: self._pool.rows] >> 9])
        self._changes.start_agent(agent)
        self._changes.clear_labels(agent)

    def insert(
        self,
        frame: Frame,
        max_depth_m: float,
        min_depth_m: float = 0.0,
        step_offset: int = 0,
        *,
        carve: bool = True,
        agent: int = 0,
    ) -> None:
        """Adds what a frame saw, by the rules of ``SparseOctree.insert``.

        Args:
            frame: the posed depth image, with or without colour, labels and patch features.
            max_depth_m: planar depth from which a return is no surface.
            min_depth_m: planar depth up to which a return is ignored.
            step_offset: added to the frame's step: the map's clock outlives episodes.
            carve: whether to mark free space; surfaces alone are many times faster.
            agent: whose map it is entered in.

        Raises:
            FrameError: depth that is not finite, points beyond the range of indices, labels that do not fit,
                features of another width than the map's, depth limits that leave nothing, or a step out of
                range. The map is unchanged.
        """
        require_agent(agent)
        require_depths(min_depth_m, max_depth_m)
        require_step(frame.step + step_offset)
        labels = frame.label_image()
        features = fitting_features(frame, self.feature_width)
        checked = view_of(frame, self.voxel_size_m, min_depth_m, max_depth_m)
        view = TorchView.of(checked, self.device, frame.rgb, labels, features)
        most = 0 if labels is None else int(labels.max())
        merge(
            self._pool,
            reduce_frame(view, carve),
            view,
            agent,
            frame.step + step_offset,
            self._change(agent, most),
        )
        self._surfaces.pop(agent, None)

    def insert_points(
        self, points: Points, origin: Point | None = None, *, step: int = 0, agent: int = 0
    ) -> None:
        """Adds a scan, as of a laser, by the rules of ``SparseOctree.insert_points``.

        Args:
            points: (n, 3) metres, world frame.
            origin: (3,) where the sensor was; without it no free space is marked.
            step: when it was taken, by the map's clock.
            agent: whose map it is entered in.

        Raises:
            FrameError: points or an origin that are not finite or beyond the range of indices, or a step out
                of range. The map is unchanged.
        """
        require_agent(agent)
        require_step(step)
        view = TorchView.of(view_of_scan(points, origin, self.voxel_size_m), self.device)
        asked = tensor_of(np.asarray(points, np.float64), self.device)
        reduction = reduce_points(asked, view, origin is not None)
        merge(self._pool, reduction, view, agent, step, self._change(agent))
        self._surfaces.pop(agent, None)

    def prune(self) -> int:
        """Gives up what is held of voxels that are no longer occupied, and blocks of which nothing is known.

        No answer about occupied, free and unknown changes; handles do.

        Returns:
            Of how many voxels something was given up.
        """
        pool = self._pool
        evidence = pool["evidence"][: pool.rows]
        lost = (evidence <= 0).nonzero()[:, 0]
        pool.cells.view(-1)[pool["handle"][lost]] = evidence[lost].to(torch.int32)
        known = (pool.cells[: pool.blocks] != 0).any(1)
        for agent in torch.unique(pool.agents[~known]).tolist():
            # A reader who has not yet heard that such a block emptied would never hear of it.
            self._changes.start_agent(agent)
        pool.keep(known, evidence > 0)
        self._surfaces = {}
        return len(lost)

    def decay(self, before_step: int, agent: int = 0) -> int:
        """Lets surfaces fade that were not seen for long: those last seen before a step of the map's clock.

        Each loses what one frame adds to its evidence; one that has none left becomes unknown, and what was
        held of it is deleted.

        Returns:
            How many voxels became unknown.
        """
        pool, rows = self._pool, self._surface(agent).rows
        rows = rows[pool["last_hit"][rows] <= before_step]
        left = (pool["evidence"][rows] - HIT).clamp_(min=0)
        pool["evidence"][rows] = left
        gone = rows[left == 0]
        if len(gone):
            change = self._change(agent)
            change.labels[pool["label"][gone]] = change.number
            pool.changed[pool["handle"][gone] >> 9] = change.number
            pool.cells.view(-1)[pool["handle"][gone]] = 0
            kept = torch.ones(pool.rows, dtype=torch.bool, device=pool.device)
            kept[gone] = False
            pool.keep(torch.ones_like(pool.agents, dtype=torch.bool), kept)
            self._surfaces = {}
        return len(gone)

    def forget_labels(self, agent: int | None = None) -> None:
        """Keeps surfaces, colours and free space, and forgets what they belong to; for all, or one agent."""
        pool = self._pool
        for one in torch.unique(pool.agents).tolist() if agent is None else [require_agent(agent)]:
            rows = self._surface(one).rows
            labelled = rows[pool["label"][rows] > 0]
            pool["label"][rows], pool["votes"][rows] = 0, 0
            pool.changed[pool["handle"][labelled] >> 9] = self._changes.tick()
            self._changes.forget_labels(one)

    def last_change(self, category: int, agent: int = 0) -> int:
        """A number that differs from an earlier one whenever :meth:`labelled` may give something else."""
        return self._changes.last_change(category, require_agent(agent))

    def growth(self, since: int = 0, *, agent: int = 0) -> Growth:
        """The blocks of which a voxel became occupied or free, or got another label, after ``since``.

        After :meth:`clear` and :meth:`unpack` it begins anew, and holds everything. Free space is not in it.

        Args:
            since: the ``clock`` of an earlier growth of this octree and agent; 0 gives everything.
            agent: whose map.
        """
        restart = self._changes.restarts(since, require_agent(agent))
        pool, surface = self._pool, self._surface(agent)
        chosen = (pool.agents == agent) & (pool.changed[: pool.blocks] > (0 if restart else since))
        here = chosen[surface.handles >> 9].nonzero()[:, 0]
        if restart:
            chosen = torch.zeros_like(chosen).index_fill_(0, surface.handles[here] >> 9, True)
        keys = torch.sort(pool.keys[: pool.blocks][chosen] & PLACE).values
        return Growth(
            clock=self._changes.clock,
            cell_m=self.voxel_size_m,
            blocks=blocks_of(keys.cpu().numpy()),
            cells=surface.indices[here].to(torch.int32).cpu().numpy(),
            labels=pool["label"][surface.rows[here]].cpu().numpy().astype(np.uint16),
            restart=restart,
        )

    def pack(self) -> dict[str, np.ndarray]:
        """The content as the arrays of ``SparseOctree.pack``, equal where the maps are."""
        return torch_archive.pack(self._pool)

    def unpack(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Replaces the content by what :meth:`pack`, or a ``SparseOctree``, gave.

        Raises:
            ArchiveError: arrays that are missing or of another type or shape, or that do not hold together.
                The map is unchanged.
        """
        content, pool = unpacked(arrays, self.feature_width, self.feature_dtype), self._empty_pool()
        torch_archive.fill(pool, content)
        self._pool, self._surfaces = pool, {}
        self._changes.start_anew()
        pool.changed[: pool.blocks] = self._changes.clock
        for agent in torch.unique(pool.agents).tolist():
            labels = pool["label"][self._surface(agent).rows]
            self._changes.labels_of(agent, int(labels.max()) if len(labels) else 0)

    @property
    def nbytes(self) -> int:
        """Bytes of the blocks and rows in use and of their index."""
        return self._pool.nbytes

    def __len__(self) -> int:
        """How many voxels are occupied, in the maps of all agents."""
        return int((self._pool["evidence"][: self._pool.rows] > 0).sum())

    def _empty_pool(self) -> TorchPool:
        return TorchPool(self.feature_width, getattr(torch, self.feature_dtype), self.device)

    def _change(self, agent: int, most_label: int = 0) -> Change:
        """A new change, of which labels up to that one may be part."""
        number = self._changes.tick()
        return Change(number, self._changes.labels_of(agent, most_label))


def require_device(name: str) -> torch.device:
    """The device; raises :class:`ConfigError` for one that there is not."""
    kind, _, number = name.partition(":")
    known = kind in ("cpu", "cuda") and (number.isdigit() or not number)
    if known and (kind == "cpu" or int(number or 0) < torch.cuda.device_count()):
        return torch.device(name)
    raise ConfigError(
        expected="a device that is here: cpu" + ", cuda" * torch.cuda.is_available(),
        came=name,
        fix="set device to cpu, or install a torch for your GPU",
    )
