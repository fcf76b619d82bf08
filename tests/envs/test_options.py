from dataclasses import dataclass, field

import numpy as np
import pytest

from placecell.envs.options import from_options
from placecell.errors import ConfigError


@dataclass(frozen=True)
class Kettle:
    name: str
    litres: float = 1.5
    cups: int = 4
    whistles: bool = True
    lid: str | None = None
    minutes: float | None = None
    inside: list[str] = field(default_factory=list, init=False)


def test_values_arrive_as_they_are_annotated():
    kettle = from_options(Kettle, {"name": "k", "litres": 2, "minutes": 3, "lid": None}, where="kettle")
    assert (kettle.litres, kettle.minutes) == (2.0, 3.0)
    assert type(kettle.litres) is type(kettle.minutes) is float
    assert from_options(Kettle, {"name": "k", "litres": np.float64(0.5)}, where="kettle").litres == 0.5
    assert from_options(Kettle, {"name": "k"}, where="kettle") == Kettle("k")


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [("litres", "much", "a number"), ("litres", True, "a number"), ("litres", None, "a number"),
     ("cups", 1.5, "a whole number"), ("cups", False, "a whole number"), ("whistles", 1, "true or false"),
     ("name", 3, "text"), ("lid", 3, "text or null"), ("minutes", [1], "a number or null")],
)  # fmt: skip
def test_another_kind_of_value_is_told_in_one_line(key, value, kind):
    with pytest.raises(ConfigError) as error:
        from_options(Kettle, {"name": "k", key: value}, where="kettle")
    assert str(error.value) == f"expected {kind} as kettle.{key}, got {value!r}; correct the value"


@pytest.mark.parametrize("unknown", ["colour", "inside", 3])
def test_an_unknown_key_is_told_the_known_ones(unknown):
    with pytest.raises(ConfigError) as error:
        from_options(Kettle, {"name": "k", unknown: 1}, where="kettle")
    assert str(error.value) == (
        f"expected keys of kettle: name, litres, cups, whistles, lid, minutes, got {unknown}; "
        "correct the spelling"
    )
