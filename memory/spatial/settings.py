"""What a spatial memory is built with, and what of that an archive names."""

from dataclasses import asdict, dataclass

from placecell.errors import ArchiveError, ConfigError, PlacecellError

from .. import archive
from ..archive import Archive
from ..budget import Budget
from ..retrieval import Gate

Setting = int | float | str | None

_FIRST = ("voxel_size_m", "max_depth_m", "min_depth_m")
"""Those that every archive names; the others came later."""
_OF_CONTENT = (
    *_FIRST,
    *("octree", "topology", "short_term", "feature_width", "short_term_capacity"),
    *("long_term", "long_term_tokens", "leaf_level"),
)
"""Those that decide what is held. The others decide how it is asked, and how much of it is kept."""
_DEPTHS = ("max_depth_m", "min_depth_m")
_MOST_LEVELS = 15


@dataclass(frozen=True)
class SpatialSettings:
    """See :class:`~placecell.memory.SpatialMemory`, which these are the arguments of.

    Raises:
        ConfigError: one that makes no sense.
    """

    voxel_size_m: float
    max_depth_m: float
    min_depth_m: float
    octree: bool
    topology: bool
    short_term: bool
    feature_width: int
    short_term_capacity: int
    long_term: bool
    long_term_tokens: str
    leaf_level: int
    gate: float
    encoder: str
    max_bytes: int | None
    max_items: int | None
    max_prompt_tokens: int | None
    budget_policy: str

    def __post_init__(self) -> None:
        if not 0 <= self.min_depth_m < self.max_depth_m < float("inf"):
            raise ConfigError(
                expected="depths with 0 <= min_depth_m < max_depth_m, both finite",
                came=f"min_depth_m {self.min_depth_m:g}, max_depth_m {self.max_depth_m:g}",
                fix="set them to the range in which the depth sensor can be trusted, for example 0.5 and 5",
            )
        if not (self.octree or self.topology or self.short_term or self.long_term):
            raise ConfigError(
                expected="one part at least: octree, topology, short_term or long_term",
                came="all switched off",
                fix="use NoMemory (memory=none) to remember nothing",
            )
        if not 0 <= self.leaf_level <= _MOST_LEVELS:
            raise ConfigError(
                expected=f"a leaf_level of 0 to {_MOST_LEVELS}",
                came=f"{self.leaf_level}",
                fix="leave it at 4: leaves of 16 voxels' edge",
            )
        Gate(self.gate)
        self.budget()

    def budget(self) -> Budget:
        """The caps and what goes first.

        Raises:
            ConfigError: caps or a policy that make no sense.
        """
        return Budget(self.max_bytes, self.max_items, self.max_prompt_tokens, self.budget_policy)

    def manifest(self) -> dict[str, Setting]:
        """All of them, for an archive."""
        return asdict(self)

    def require_those_of(self, stored: Archive) -> None:
        """Raises :class:`ArchiveError` unless an archive holds what a memory built like this one holds.

        How it is asked and what may be kept, which is the gate and the budget, need not agree.
        """
        own = self.manifest()
        wanted = named(stored)
        archive.require_settings(stored, {name: own[name] for name in _OF_CONTENT if name in wanted})
        require_encoder(str(stored.manifest.get("encoder", "")), self.encoder)

    def require_like(self, other: "SpatialSettings") -> None:
        """Raises :class:`PlacecellError` unless two memories of these settings can become one."""
        own, theirs = self.manifest(), other.manifest()
        for name in (*_OF_CONTENT, "encoder"):
            if name not in _DEPTHS and own[name] != theirs[name]:
                raise PlacecellError(
                    expected=f"a memory with {name} {own[name]!r}, as this one's",
                    came=f"{theirs[name]!r}",
                    fix="merge memories of the same settings and the same encoder",
                )


def named(stored: Archive) -> tuple[str, ...]:
    """The settings that an archive has to name, and those of the later ones that it does name."""
    later = [name for name in SpatialSettings.__dataclass_fields__ if name not in _FIRST]
    return (*_FIRST, *(name for name in later if name in stored.manifest))


def require_encoder(came: str, own: str) -> None:
    """Raises :class:`ArchiveError` unless both names of an embedding model are the same."""
    if came != own:
        raise ArchiveError(
            expected=f"an archive with embeddings of {_called(own)}, as this memory's",
            came=f"those of {_called(came)}",
            fix=f"build the memory with encoder={came!r}; vectors of two models cannot be compared",
        )


def _called(encoder: str) -> str:
    return f"the encoder {encoder!r}" if encoder else "no named encoder"
