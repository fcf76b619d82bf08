import math

import gymnasium
import pytest

from placecell.agent.perception.embodiment import Embodiment
from placecell.errors import ConfigError

PLAIN = {
    "forward_m": 0.25, "turn_deg": 10.0, "radius_m": 0.1, "height_m": 1.5, "max_climb_m": 0.2,
    "success_distance_m": 0.36,
    "camera": {"width": 64, "height": 48, "hfov_deg": 90.0, "height_m": 1.25},
}  # fmt: skip


def bodied(plain):
    env = gymnasium.Env()
    env.embodiment = plain
    return env


def without(*path):
    *outer, last = path
    plain = PLAIN | {"camera": dict(PLAIN["camera"])}
    inner = plain[outer[0]] if outer else plain
    del inner[last]
    return plain


def test_an_embodiment_is_read_through_wrappers():
    body = Embodiment.of(gymnasium.Wrapper(bodied(PLAIN)))
    assert (body.forward_m, body.radius_m, body.height_m, body.max_climb_m) == (0.25, 0.1, 1.5, 0.2)
    assert body.turn_rad == pytest.approx(math.pi / 18)
    assert body.success_distance_m == 0.36
    assert (body.camera.width, body.camera.height, body.camera_height_m) == (64, 48, 1.25)
    assert (body.camera.fx, body.camera.fy) == pytest.approx((32, 32))


def test_the_mesh_environment_has_one(home):
    body = Embodiment.of(home)
    assert (body.camera.width, body.forward_m, body.success_distance_m) == (64, 0.25, 0.2)


def test_an_environment_without_one_is_refused():
    with pytest.raises(
        ConfigError,
        match=r"an environment with an embodiment .*, got Env; add the property to the environment",
    ):
        Embodiment.of(gymnasium.Env())


KEYS = [(key,) for key in PLAIN] + [("camera", key) for key in PLAIN["camera"]]


@pytest.mark.parametrize("path", KEYS, ids=".".join)
def test_every_missing_key_is_named(path):
    with pytest.raises(
        ConfigError,
        match=rf"^expected an embodiment with forward_m, .*, got one without '{path[-1]}'; add the key",
    ):
        Embodiment.of(bodied(without(*path)))
