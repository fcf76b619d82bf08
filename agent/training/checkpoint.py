"""Where a training stands, in one file that is written whole or not at all."""

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from placecell.arrays import atomic_write
from placecell.errors import ArchiveError

RESUME_FILE = "resume.safetensors"


@dataclass
class Progress:
    """Steps done, and the CPU seconds that they took, earlier calls included."""

    step: int = 0
    cpu_s: float = 0.0


def save_progress(
    out: Path, progress: Progress, network: nn.Module, average: AveragedModel, optimizer: Optimizer
) -> None:
    """Writes all that a later call needs to go on as if there had been no break."""
    tensors = {f"network.{k}": v for k, v in network.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in average.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{k}": v for k, v in state.items()}
    # Plain memory order, and no two names for one tensor: what the format asks for.
    tensors = {k: v.detach().clone(memory_format=torch.contiguous_format) for k, v in tensors.items()}
    metadata = {"step": str(progress.step), "cpu_s": repr(progress.cpu_s)}
    atomic_write(out / RESUME_FILE, save(tensors, metadata))


def load_progress(out: Path, network: nn.Module, average: AveragedModel, optimizer: Optimizer) -> Progress:
    """Puts the saved values in place; step 0 where nothing was saved yet.

    Raises:
        ArchiveError: the file is damaged, or of another network.
    """
    path = out / RESUME_FILE
    if not path.exists():
        return Progress()
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        network.load_state_dict(_under("network.", tensors))
        average.load_state_dict(_under("average.", tensors))
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in _under("optimizer.", tensors).items():
            index, _, key = name.partition(".")
            state.setdefault(int(index), {})[key] = tensor
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": state, "param_groups": groups})
        return Progress(int(metadata["step"]), float(metadata["cpu_s"]))
    except (SafetensorError, OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise ArchiveError(
            expected=f"{path} to hold this training's progress",
            came=f"a damaged file, or another network's ({str(error).splitlines()[0]})",
            fix="remove it to begin anew, or name another folder: out=DIR",
        ) from error


def _under(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
