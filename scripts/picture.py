"""``python -m placecell.scripts.picture``: a step of the mapping agent as a picture, for a README."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from placecell.errors import OutputError, PlacecellError


def main(argv: Sequence[str] | None = None) -> int:
    """Walks an episode up to a step and saves what the agent saw then, beside its map."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scene", type=Path, help="a mesh; without one, the built-in home")
    parser.add_argument("--episode", type=int, default=2)
    parser.add_argument("--step", type=int, default=70)
    parser.add_argument("--size", type=int, default=256, help="pixels of the camera, square")
    parser.add_argument("--out", type=Path, required=True, help="the PNG to write")
    args = parser.parse_args(argv)
    try:
        _draw(args)
    except PlacecellError as error:
        print(f"picture: {error}", file=sys.stderr)
        return 2
    print(f"step {args.step} of episode {args.episode}: look at {args.out}")
    return 0


class _Reached(Exception):  # noqa: N818  (control flow, not a mistake)
    pass


def _draw(args: argparse.Namespace) -> None:
    from PIL import Image

    from placecell.agent import make
    from placecell.agent.loop import Step, run_episode
    from placecell.agent.picture import step_picture
    from placecell.arrays import generator
    from placecell.envs.mesh import make_mesh_env
    from placecell.memory import SpatialMemory

    env = make_mesh_env(args.scene, episodes=args.episode + 1, width=args.size, height=args.size)
    agent = make.modular(env, SpatialMemory(max_depth_m=10.0))

    def watch(step: Step) -> None:
        if step.index < args.step and not (step.terminated or step.truncated):
            return
        frame, top_down = step.percept.frame, agent.policy.top_down()
        if frame.rgb is None or top_down is None:
            raise TypeError("the mapping agent has colours and a map")
        picture = Image.fromarray(step_picture(frame.rgb, frame.depth, top_down))
        try:
            picture.save(args.out, "PNG")
        except OSError as error:
            raise OutputError(
                expected=f"a file that can be written: {args.out}",
                came=error.strerror or str(error),
                fix="name another: --out FILE.png",
            ) from error
        raise _Reached

    try:
        rng = generator(0, "policy", args.episode)
        run_episode(env, agent, seed=0, episode=args.episode, rng=rng, on_step=(watch,))
    except _Reached:
        return


if __name__ == "__main__":
    sys.exit(main())
