"""``placecell-train``: learns from generated train houses and leaves a training's folder."""

import sys
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from .build import build
from .hydra_app import application


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the training that ``task=`` names, or goes on with it where ``out`` already holds a part of it.

    ``cfg.task._target_`` is called with its keys and ``seed``, ``out`` (the folder), ``config`` (plain,
    resolved, to be written there), ``progress``, and returns lines that say how it went.
    """
    return application(
        _train,
        config_path="pkg://placecell.conf.train",
        config_name="train",
        program="placecell-train",
        argv=argv,
    )


def _train(cfg: DictConfig, out: Path) -> int:
    config = {**OmegaConf.to_container(cfg, resolve=True), "out": str(out)}  # type: ignore[dict-item]
    lines = build(cfg.task, "task", seed=cfg.seed, out=out, config=config, progress=cfg.progress)
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
