import pytest

from placecell import errors
from placecell.errors import ConfigError, PlacecellError


def test_a_message_says_what_was_expected_what_came_and_what_to_do():
    error = ConfigError(expected="a positive radius", came="-1", fix="pass radius_m > 0")
    assert str(error) == "expected a positive radius, got -1; pass radius_m > 0"


def test_a_message_is_one_line_whatever_it_quotes():
    error = ConfigError(expected="a\nb", came="[[1 2]\n [3 4]]", fix="c\r\n  d")
    assert str(error) == "expected a b, got [[1 2] [3 4]]; c d"


def test_all_errors_are_one_tree():
    family = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, Exception)]
    assert len(family) > 5
    assert all(issubclass(e, PlacecellError) for e in family)


def test_a_message_without_its_parts_is_refused():
    with pytest.raises(TypeError, match="positional argument"):
        PlacecellError("something went wrong")
