"""What widths, heads and maps must hold for attention, each said in one line."""

from placecell.errors import ConfigError

from .attend import BACKENDS


def require(holds: bool, expected: str, came: object, fix: str) -> None:
    """Raise ConfigError unless something holds."""
    if not holds:
        raise ConfigError(expected=expected, came=str(came), fix=fix)


def head_width(name: str, width: int, heads: int, what: str = "heads") -> int:
    """The width of one of ``heads`` equal parts.

    Raises:
        ConfigError: the parts don't divide the width.
    """
    whole = heads >= 1 and width >= 1 and width % heads == 0
    require(whole, f"{what} that divide the width {width} of {name}", heads, "take a divisor of the width")
    return width // heads


def check_map(name: str, channels: int, width: int) -> None:
    """Raise ConfigError unless a map has the width that a module was built for."""
    fits = f"a map (b, gh, gw, {width}) for {name}"
    require(channels == width, fits, f"{channels} channels", "project it first")


def check_windows(name: str, gh: int, gw: int, window: int) -> None:
    """Raise ConfigError unless square windows tile a map."""
    require(window >= 1, f"a window of {name} of 1 token or more", window, "pass window >= 1")
    fits = window <= min(gh, gw)
    require(fits, f"a window of {name} no larger than the {gh} x {gw} map", window, "take a smaller window")
    tiles = gh % window == 0 and gw % window == 0
    divides = f"a map of {name} that windows of {window} divide"
    require(tiles, divides, f"{gh} x {gw}", "pad the map or take another window")


def check_backend(backend: str) -> None:
    """Raise ConfigError unless ``attend`` knows the backend."""
    known = f"a backend of {', '.join(BACKENDS)}"
    require(backend in BACKENDS, known, repr(backend), "choose one of them")
