"""What the packages can do on this machine: threads, GPU, Embree, encoder, browser, what is shipped."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator

from placecell.errors import MissingPartError

from .check import NUMBA_FIX, Check, tried

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def machine_checks() -> Iterator[Check]:
    """Each part is made to do a small piece of its work."""
    yield tried("torch threads", _threads, "pip install 'torch>=2.6'")
    yield tried(
        "GPU",
        _gpu,
        "none is needed; to use one, install its driver and a CUDA build of torch",
        required=False,
    )
    yield tried("Embree", _ray, "pip install --only-binary :all: 'embreex>=4.4'")
    yield tried("Numba cache", _numba_cache, NUMBA_FIX)
    yield tried("segmenter", _segmenter, "install placecell again: its checkpoint is damaged")
    yield tried("expectation", _expectation, "install placecell again: its table is damaged")
    yield tried(
        "ffmpeg h264",
        _encoder,
        "pip install --force-reinstall imageio-ffmpeg, or point IMAGEIO_FFMPEG_EXE at an ffmpeg with libx264",
        required=False,
    )
    yield tried(
        "browser",
        _browser,
        "install Chromium by your system's package manager, and pip install playwright",
        required=False,
    )


def _require(works: bool, otherwise: str) -> None:
    if not works:
        raise RuntimeError(otherwise)


def _threads() -> str:
    import torch

    product = float(torch.ones(2, 2).matmul(torch.ones(2, 2)).sum())
    _require(product == 8.0, f"torch multiplies 2x2 ones to {product}, not 8")
    return f"{torch.get_num_threads()} of torch {torch.__version__} (OMP_NUM_THREADS sets them)"


def _gpu() -> str:
    import torch

    if not torch.cuda.is_available():
        raise MissingPartError(
            expected="a CUDA GPU that torch sees",
            came="none: all runs on the CPU",
            fix="none is needed; to use one, install its driver and a CUDA build of torch",
        )
    torch.ones(8, device="cuda").sum().item()
    free, total = torch.cuda.mem_get_info()
    return f"{torch.cuda.get_device_name()}, {free / 2**30:.1f} of {total / 2**30:.1f} GiB free"


def _ray() -> str:
    import numpy as np

    from placecell.envs.mesh.raycast import RayCaster
    from placecell.envs.mesh.scene import Scene

    corners = np.array([[-1, -1, 0], [1, -1, 0], [0, 1, 0]], np.float32)
    one, none = np.array([[0, 1, 2]], np.int32), np.zeros(1, np.int32)
    scene = Scene(
        "a triangle", corners, one, np.zeros((3, 2), np.float32), np.zeros((3, 3), np.uint8), none, none, none
    )
    distances, faces = RayCaster(scene).cast(np.array([[0.0, 0.0, 2.0]]), np.array([[0.0, 0.0, -1.0]]))
    hit = faces[0] == 0 and abs(distances[0] - 2.0) < 1e-6
    _require(bool(hit), f"a ray of 2 m came to {distances[0]} m")
    return "a ray hits a triangle 2 m away"


def _numba_cache() -> str:
    from placecell.envs.mesh import raycast

    folder = raycast.packet.stats.cache_path
    with tempfile.TemporaryFile(dir=folder):
        return f"writable: {folder}"


def _segmenter() -> str:
    from placecell.agent.perception.segmenter import SHIPPED, load_segmenter

    segmenter = load_segmenter(SHIPPED)
    return f"{SHIPPED.name} loads: {len(segmenter.categories) - 1} categories"


def _expectation() -> str:
    from placecell.agent.policies.expectation import SHIPPED, Expectation

    table = Expectation.load(SHIPPED)
    return f"{SHIPPED.name} loads: counted over {table.houses} houses"


def _encoder() -> str:
    import imageio_ffmpeg

    program = imageio_ffmpeg.get_ffmpeg_exe()
    picture = ["-f", "lavfi", "-i", "color=size=16x16:rate=1:duration=1"]
    command = [program, "-v", "error", *picture, "-c:v", "libx264", "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    _require(done.returncode == 0, done.stderr or f"ffmpeg's exit code {done.returncode}")
    return f"ffmpeg {imageio_ffmpeg.get_ffmpeg_version()} encodes with libx264"


def _browser() -> str:
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        raise MissingPartError(
            expected=f"one of {', '.join(BROWSERS)} for the tests of replay pages",
            came="none (the pages themselves open in any browser)",
            fix="install Chromium by your system's package manager",
        )
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60)
    _require(done.returncode == 0, f"{program} --version left {done.returncode}")
    import playwright  # noqa: F401

    return f"{done.stdout.strip()}, driven by playwright"
