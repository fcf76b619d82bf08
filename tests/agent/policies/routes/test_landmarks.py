from placecell.agent.policies.routes.landmarks import HEARD, UNHEARD, Landmarks
from placecell.agent.policies.routes.reading import read_route

TEXT = "Turn left at the light with a bakery on the corner. Turn right. Stop before Chase Bank."
KNOWN = ("", "shop=bakery", "amenity=bank;name=Chase")


def odds(*near):
    return Landmarks(TEXT, read_route(TEXT), KNOWN).odds(near).tolist()


def test_a_clause_that_names_what_stands_here_is_likelier():
    assert odds("shop=bakery") == [HEARD, 0.0, -UNHEARD]
    assert odds("amenity=bank;name=Chase") == [-UNHEARD, 0.0, HEARD]


def test_where_nothing_named_stands_it_is_less_likely():
    assert odds() == [-UNHEARD, 0.0, -UNHEARD]
    assert odds("shop=florist") == odds()


def test_what_is_not_on_the_map_counts_for_nothing():
    route = read_route(TEXT)
    assert Landmarks(TEXT, route, ("shop=florist",)).odds(("shop=florist",)).tolist() == [0.0, 0.0, 0.0]
    assert Landmarks("", read_route(""), KNOWN).odds(KNOWN).tolist() == [0.0]
