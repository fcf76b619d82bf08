import numpy as np
import pytest

from placecell.errors import PlacecellError
from placecell.memory import Query


def test_a_query_needs_a_place():
    with pytest.raises(PlacecellError, match="position of three finite metres"):
        Query(position=np.array([0.0, np.nan, 0.0]), radius_m=1.0)


@pytest.mark.parametrize("category", [0, -3])
def test_a_query_asks_for_a_category_or_for_none(category):
    with pytest.raises(PlacecellError, match=f"category of 1 or more, or None, got {category}"):
        Query(position=np.zeros(3), radius_m=1.0, category=category)
    assert Query(position=np.zeros(3), radius_m=1.0).category is None


@pytest.mark.parametrize("radius", [0.0, -1.0, float("inf"), float("nan")])
def test_a_query_needs_a_radius(radius):
    with pytest.raises(PlacecellError, match=f"radius above 0 and finite, got {radius:g}"):
        Query(position=np.zeros(3), radius_m=radius)
