import math

import pytest

from placecell.envs.body import PRESETS, Action, Body, make_body
from placecell.errors import ConfigError


def test_the_presets_are_what_their_names_promise():
    objectnav, pointnav = PRESETS["habitat_objectnav"], PRESETS["habitat_pointnav"]
    parity = PRESETS["parity"]
    assert (objectnav.forward_m, objectnav.turn_deg, objectnav.sliding) == (0.25, 30, False)
    assert (objectnav.radius_m, objectnav.height_m, objectnav.hfov_deg) == (0.18, 0.88, 79)
    assert (objectnav.min_depth_m, objectnav.max_depth_m, objectnav.max_steps) == (0.5, 5, 500)
    assert (pointnav.forward_m, pointnav.turn_deg, pointnav.sliding) == (0.25, 10, True)
    assert (parity.radius_m, parity.height_m, parity.sliding, parity.sticky) == (0.3, 1.5, False, True)
    assert [name for name, body in PRESETS.items() if body.sticky] == ["parity"]
    for name, body in PRESETS.items():
        assert make_body(name) is body
        assert body.name == name
        assert all(type(getattr(body, key)) is float for key in vars(body) if key.endswith(("_m", "_deg")))


def test_actions_are_numbered_as_habitats():
    assert [action.name for action in Action] == [
        "STOP", "MOVE_FORWARD", "TURN_LEFT", "TURN_RIGHT", "LOOK_UP", "LOOK_DOWN",
    ]  # fmt: skip


def test_a_body_of_ones_own_takes_whole_numbers():
    body = make_body({"name": "mine", "turn_deg": 30, "forward_m": 1, "max_depth_m": 5, "max_steps": 9})
    assert body == Body("mine", turn_deg=30.0, forward_m=1.0, max_depth_m=5.0, max_steps=9)
    assert body.turn_rad == pytest.approx(math.pi / 6)


def test_the_ground_it_needs():
    settings = make_body({"name": "mine", "radius_m": 0.3, "max_climb_m": 0.1, "height_m": 1}).walk_settings()
    assert (settings.radius_m, settings.max_climb_m, settings.height_m) == (0.3, 0.1, 1.0)
    assert settings.cell_size_m == settings.cell_height_m == 0.05


def test_an_unknown_preset_is_told_the_known_ones():
    with pytest.raises(ConfigError) as error:
        make_body("habitat")
    assert str(error.value) == (
        "expected a body: habitat_pointnav, habitat_objectnav, parity, got 'habitat'; "
        "set env.body to one of them"
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [({"turn_deg": 30}, r"a name of its own for a body that is no preset, got None; set env\.body\.name"),
     ({"name": "parity", "turn_deg": 15}, r"a name of its own .*, got 'parity'"),
     ({"name": 3}, r"a name of its own .*, got 3"),
     ({"name": "mine", "trun_deg": 3}, r"keys of env\.body: name, forward_m, turn_deg, .*, got trun_deg"),
     ({"name": "mine", "turn_deg": "wide"}, r"a number as env\.body\.turn_deg, got 'wide'; correct"),
     ({"name": "mine", "max_steps": 2.5}, r"a whole number as env\.body\.max_steps, got 2\.5"),
     ({"name": "mine", "sliding": "no"}, r"true or false as env\.body\.sliding, got 'no'"),
     ({"name": "mine", "forward_m": 0}, r"body\.forward_m above 0, got 0\.0; set forward_m"),
     ({"name": "mine", "turn_deg": -10}, r"body\.turn_deg above 0, got -10\.0"),
     ({"name": "mine", "forward_m": math.inf}, r"body\.forward_m above 0, got inf"),
     ({"name": "mine", "camera_height_m": math.nan}, r"body\.camera_height_m above 0, got nan"),
     ({"name": "mine", "max_steps": 0}, r"body\.max_steps above 0, got 0")],
)  # fmt: skip
def test_what_is_no_body_is_told_in_one_line(options, text):
    with pytest.raises(ConfigError, match=text) as error:
        make_body(options)
    assert "\n" not in str(error.value)
