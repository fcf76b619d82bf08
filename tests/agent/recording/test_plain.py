import json
import math

import numpy as np
import pytest

from placecell.agent.recording.plain import numbers, to_line
from placecell.errors import PlacecellError


def test_what_is_not_finite_is_null():
    line = to_line({"a": [1.5, math.nan, {"b": -math.inf}], "c": (1, True, None, "ü")}, {})
    assert line.isascii()
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    assert json.loads(line) == {"a": [1.5, None, {"b": None}], "c": [1, True, None, "ü"]}


def loop():
    endless: list[object] = []
    endless.append(endless)
    return endless


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"plan": [[1.0], [np.float32(2)]]}, "trace.plan[1][0]: float32"),
        ({"plan": np.zeros(2)}, "trace.plan: ndarray"),
        ({"seen": {1, 2}}, "trace.seen: set"),
        ({"at": {(1, 2): 3}}, "trace.at: dict"),
        ({"n": np.int64(3)}, "trace.n: int64"),
    ],
)
def test_what_is_no_plain_json_is_one_line_that_names_whose_it_is(value, where):
    with pytest.raises(PlacecellError) as refused:
        to_line({"step": 0, "trace": value}, {"trace": "the trace of Wanderer"})
    assert str(refused.value) == (
        "expected the trace of Wanderer to be plain JSON (text, numbers, true, false, null, lists, dicts of "
        f"text), got {where}; convert it (float(x), array.tolist()), or leave it out"
    )


def test_a_list_that_holds_itself_is_one_line():
    with pytest.raises(PlacecellError, match=r"got trace(\[0\])+: list 100 levels down;"):
        to_line({"trace": loop()}, {})


def test_numbers_are_numbers():
    assert numbers([1, 2.5], 2) == (1.0, 2.5)
    assert math.isnan(numbers([None], 1)[0])
    for odd in ([1], [1, 2, 3], [1, "2"], [True, 1], "12", [1, math.inf], [1, 10**400]):
        with pytest.raises(ValueError, match="belong"):
            numbers(odd, 2)
