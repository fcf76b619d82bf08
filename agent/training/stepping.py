"""What trainings share: steps until they are done or the time is up, their rate, and the weights' average."""

import math
import time
from collections.abc import Callable

import numpy as np
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from placecell.errors import ConfigError

from .checkpoint import Progress
from .folder import TrainingFolder

_WARM_UP = 0.1  # of the steps
_Tensors = tuple[Tensor, ...] | list[Tensor]


def run_steps(
    step: Callable[[int], float], save: Callable[[], None], state: Progress, folder: TrainingFolder, *,
    steps: int, minutes: float, save_every: int, progress: bool,
) -> None:  # fmt: skip
    """Steps until they are done or the time is up; ``state`` is kept up to date.

    Args:
        step: does the step of a number, and tells its loss.
        save: writes what a later call needs; called before the line of figures is added.
        state: where the training stands.
        folder: gets the figures.
        steps: of the whole training.
        minutes: of CPU time, over all calls.
        save_every: steps between two savings.
        progress: prints a line at each.

    Raises:
        ConfigError: a loss that is not finite.
    """
    before, started, losses = state.cpu_s, time.process_time(), []
    while state.step < steps and state.cpu_s < minutes * 60:
        loss = step(state.step)
        if not math.isfinite(loss):
            raise ConfigError(
                expected="a training whose loss stays finite",
                came=f"{loss} at step {state.step}",
                fix="set task.learning_rate lower",
            )
        losses.append(loss)
        state.step += 1
        state.cpu_s = before + time.process_time() - started
        last = state.step == steps or state.cpu_s >= minutes * 60
        if last or state.step % save_every == 0:
            figures = {"step": state.step, "loss": float(np.mean(losses)), "cpu_minutes": state.cpu_s / 60}
            save()
            folder.add_metrics(**figures)
            losses.clear()
            if progress:
                print(
                    "step {step}: loss {loss:.4f}, {cpu_minutes:.1f} CPU minutes".format(**figures),
                    flush=True,
                )


def one_cycle(step: int, steps: int, highest: float) -> float:
    """The learning rate of a step: up in a straight line over a tenth of the steps, down along a cosine.

    >>> [round(one_cycle(step, 20, 1.0), 3) for step in (0, 1, 2, 11, 19)]
    [0.5, 1.0, 1.0, 0.5, 0.008]
    """
    rise = max(1, round(_WARM_UP * steps))
    if step < rise:
        return highest * (step + 1) / rise
    return highest * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def warmed(highest: float) -> Callable[[_Tensors, _Tensors, Tensor | int], None]:
    """An average that forgets the first, random weights soon: it looks back no further than it has come."""

    def update(averages: _Tensors, values: _Tensors, count: Tensor | int) -> None:
        n = int(count)
        get_ema_multi_avg_fn(min(highest, (1 + n) / (10 + n)))(averages, values, count)

    return update


def require_positive(**numbers: int | float) -> None:
    """Raises :class:`ConfigError` for one of a task's numbers that is not above 0."""
    for name, number in numbers.items():
        if not number > 0:
            raise ConfigError(
                expected=f"task.{name} above 0", came=f"{number:g}", fix=f"set task.{name} to 1 or more"
            )
