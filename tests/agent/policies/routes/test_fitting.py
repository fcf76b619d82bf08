import numpy as np
import pytest
from blocks import write_town

from placecell.agent.policies.routes import fitting
from placecell.agent.policies.routes.fitting import even_half, fit, walk, write
from placecell.agent.policies.routes.stopping import Habits
from placecell.agent.policies.routes.weighing import RouteWeights

TEXT = "Turn left at the light. Stop two steps after turning."
ROUTE = (TEXT, ((12, 1), (12, 6), (10, 6)), 0)


@pytest.fixture
def town(tmp_path, monkeypatch):
    write_town(tmp_path / "town", [ROUTE] * 8)
    monkeypatch.setenv("PLACECELL_DATA", str(tmp_path))
    monkeypatch.setattr(fitting, "_DATASETS", ("town",))
    monkeypatch.setitem(fitting._SHAPES, "town", (3, 20, 4))
    return tmp_path


def test_a_walk_tells_what_was_met_and_where_the_last_clause_was_done(town):
    graph, episodes = even_half("town")
    walked = walk(graph, episodes[0], RouteWeights(), 20)
    assert walked.moves == 7
    assert walked.intersections[:2] == (5, 11)
    assert walked.since == 5
    assert walked.surprise < 0.5


def test_only_the_even_half_is_read(town):
    assert 0 < len(even_half("town")[1]) < 8


def test_fitted_habits_end_where_the_routes_did(town):
    graph, episodes = even_half("town")
    habits = fit("town", [walk(graph, episode, RouteWeights(), 20) for episode in episodes], penalty=0.1)
    assert habits.ends("after", [5, 11], 5).argmax() == 7


def test_what_is_written_can_be_loaded(town):
    write(town / "habits.json")
    habits = Habits.load("town", town / "habits.json")
    assert np.isfinite(habits.weights).all()
    assert Habits.load("general", town / "habits.json").longest == 54
