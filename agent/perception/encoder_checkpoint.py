"""An encoder's folder: config.json beside model.safetensors."""

import json
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

from huggingface_hub import snapshot_download
from huggingface_hub.constants import CONFIG_NAME, SAFETENSORS_SINGLE_FILE
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn

from placecell.arrays import atomic_write
from placecell.errors import ArchiveError, ConfigError

MAY_DIFFER = ("backend", "map_location")
_FIX = "pass the folder that save_pretrained wrote, whole"
Network = TypeVar("Network", bound=nn.Module)


def fetched(name: str | Path, local_files_only: bool, revision: str | None) -> Path:
    """The folder itself, or that of a model's id in the Hugging Face hub's cache.

    Raises:
        ArchiveError: there is neither.
    """
    if Path(name).is_dir():
        return Path(name)
    try:
        files = [CONFIG_NAME, SAFETENSORS_SINGLE_FILE]
        kept = snapshot_download(
            str(name), revision=revision, local_files_only=local_files_only, allow_patterns=files
        )
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise ArchiveError(
            expected=f"an encoder's folder at {name}",
            came="no such folder, nor a model of that id in the cache",
            fix=_FIX if local_files_only else f"{_FIX} (the hub said: {error})",
        ) from error
    return Path(kept)


def read_config(folder: Path, known: Collection[str], wanted: Mapping[str, Any]) -> None:
    """Checks that config.json is that of an encoder, and says what the caller wants.

    Args:
        folder: with the checkpoint.
        known: the encoder's arguments, all of which it must name.
        wanted: values of some that it must have, apart from ``MAY_DIFFER``.

    Raises:
        ArchiveError: it doesn't, or cannot be read.
    """
    path = folder / CONFIG_NAME
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _bad(f"an encoder's checkpoint with {path}", error.strerror or str(error)) from error
    except ValueError as error:
        raise _bad(f"{path} to be JSON", f"a file that cannot be read ({error})") from error
    names = {*known}
    if not isinstance(config, dict) or {*config} != names:
        odd = sorted({*config} ^ names) if isinstance(config, dict) else ["no object"]
        raise _bad(f"{path} to name an RgbdEncoder's arguments", f"another model's (see {odd[0]})")
    for name, value in wanted.items():
        if name not in MAY_DIFFER and _plain(value) != config.get(name):
            raise ArchiveError(
                expected=f"{folder} to hold an encoder with {name}={_plain(value)}",
                came=f"one with {name}={config.get(name)}",
                fix="pass another folder, or leave the argument out to take the checkpoint's",
            )


def load_weights(build: Callable[[], Network], folder: Path) -> Network:
    """The network that ``build`` gives, with the folder's weights.

    Raises:
        ArchiveError: the file is missing or damaged, or holds another network's; or config.json describes
            one that cannot be built.
    """
    path = folder / SAFETENSORS_SINGLE_FILE
    try:
        network = build()
    except ConfigError as error:
        raise _bad(f"{folder / CONFIG_NAME} to describe an encoder: {error.expected}", error.came) from error
    except TypeError as error:
        raise _bad(f"{folder / CONFIG_NAME} to describe an encoder", _first_line(error)) from error
    try:
        state = load_file(path)
    except (SafetensorError, OSError) as error:
        came = "no such file" if not path.is_file() else f"a file that cannot be read ({_first_line(error)})"
        raise _bad(f"an encoder's weights at {path}", came) from error
    own = network.state_dict()
    odd = sorted(
        k for k in {*own, *state} if k not in own or k not in state or own[k].shape != state[k].shape
    )
    if odd:
        raise _bad(
            f"{path} to hold the network that config.json describes",
            f"another architecture's: {len(odd)} tensors differ, {odd[0]} for one",
        )
    network.load_state_dict(state)
    return network


def save_weights(network: nn.Module, folder: Path) -> None:
    """Writes model.safetensors, whole or not at all."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    atomic_write(folder / SAFETENSORS_SINGLE_FILE, save(tensors, {"format": "pt"}))


def _plain(value: Any) -> Any:
    """As it comes back from JSON: lists for tuples."""
    return json.loads(json.dumps(value))


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def _bad(expected: str, came: str) -> ArchiveError:
    return ArchiveError(expected=expected, came=came, fix=_FIX)
