import math

import pytest

from placecell.agent.compare import STRATA, paired_difference, visit, visits
from placecell.agent.results import Result
from placecell.errors import EpisodeError


def result(episode, house, spl, status="done", **tags):
    measures = {"spl": spl} if status == "done" else {}
    return Result(episode, f"e{episode}", house, status, False, 5, measures, tags=tags)


def run(values, house=lambda i: f"h{i // 2}", **tags):
    return [result(i, house(i), value, **tags) for i, value in enumerate(values)]


def test_the_mean_of_the_pairs_with_a_known_interval():
    # Two houses with differences 0.2 and 0.6: draws of two give 0.2, 0.4, 0.4, 0.6, so 95 % is all of it.
    got = paired_difference(run([0.5, 0.5, 0.9, 0.9]), run([0.3, 0.3, 0.3, 0.3]), "spl")
    assert got.mean == pytest.approx(0.4)
    assert (got.low, got.high) == (pytest.approx(0.2), pytest.approx(0.6))
    assert (got.pairs, got.houses, got.left_out) == (4, 2, 0)


def test_the_sign_is_the_first_minus_the_second():
    a, b = run([0.1, 0.2, 0.3, 0.4]), run([0.5, 0.5, 0.5, 0.5])
    forth, back = paired_difference(a, b, "spl"), paired_difference(b, a, "spl")
    assert forth.mean == pytest.approx(-back.mean)
    assert forth.mean < 0


def test_pairing_takes_out_what_the_episodes_share():
    hard = [i / 50 for i in range(50)]
    a, b = run([h / 2 + 0.3 for h in hard]), run([h / 2 + 0.2 for h in hard])
    got = paired_difference(a, b, "spl")
    assert (got.low, got.high) == (pytest.approx(0.1), pytest.approx(0.1))


def test_episodes_of_one_house_count_as_one_observation():
    values = [0.0, 0.4] * 10
    spread = paired_difference(run(values, house=str), run([0.0] * 20, house=str), "spl")
    shared = paired_difference(
        run(values, house=lambda i: str(i % 2)), run([0.0] * 20, house=lambda i: str(i % 2)), "spl"
    )
    assert spread.mean == shared.mean == pytest.approx(0.2)
    assert (shared.low, shared.high) == (0.0, pytest.approx(0.4))
    assert spread.high - spread.low < 0.2
    assert (spread.houses, shared.houses) == (20, 2)


def test_one_house_has_no_interval():
    got = paired_difference(run([0.5, 0.7], house=lambda _: "h"), run([0.1, 0.1], house=lambda _: "h"), "spl")
    assert (got.mean, got.low, got.high, got.houses) == (pytest.approx(0.5), None, None, 1)


def test_the_order_of_the_episodes_does_not_matter():
    a, b = run([0.5, 0.6, 0.9, 0.8]), run([0.3, 0.1, 0.3, 0.2])
    assert paired_difference(a, b[::-1], "spl") == paired_difference(a, b, "spl")


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("seen before", {"seen_before": True}),
        ("never seen", {"seen_before": False}),
        ("objects", {"kind": "object"}),
        ("places", {"kind": "place"}),
        ("repeat", {"repeat": True}),
        ("moved", {"moved": True}),
        ("unmoved", {"moved": False}),
    ],
)
def test_a_stratum_goes_by_the_tags_of_the_first(name, tags):
    a = [result(0, "h0", 0.9, **tags), result(1, "h1", 0.1), result(2, "h2", 0.7, **tags)]
    b = run([0.5, 0.5, 0.5], house=lambda i: f"h{i}")
    got = paired_difference(a, b, "spl", keep=STRATA[name])
    assert (got.pairs, got.mean) == (2, pytest.approx(0.3))
    assert paired_difference(b, a, "spl", keep=STRATA[name]) is None


def test_a_visit_is_a_stratum():
    a = [result(i, f"h{i // 3}", 0.1 * (i % 3), visit=i % 3) for i in range(9)]
    b = run([0.0] * 9, house=lambda i: f"h{i // 3}")
    assert visits(a) == (0, 1, 2)
    means = [paired_difference(a, b, "spl", keep=visit(n)).mean for n in visits(a)]
    assert means == pytest.approx([0.0, 0.1, 0.2])


def test_a_pair_that_is_not_done_on_both_sides_is_left_out_and_counted():
    a = run([0.5, 0.5, 0.5, math.nan])
    b = [*run([0.1, 0.1])[:2], result(2, "unknown", 0.0, status="crashed"), *run([0.1] * 4)[3:]]
    got = paired_difference(a, b, "spl")
    assert (got.mean, got.pairs, got.left_out) == (pytest.approx(0.4), 2, 2)


def test_runs_over_different_episodes_are_refused():
    a = run([0.5] * 4)
    with pytest.raises(
        EpisodeError, match="runs of the same episodes, got 4 and 3 episodes, of which 1 have"
    ):
        paired_difference(a, a[:3], "spl")
    with pytest.raises(EpisodeError, match="'e0' in 'h0' beside 'e0' in 'x0', both number 0; compare runs"):
        paired_difference(a, run([0.5] * 4, house=lambda i: f"x{i}"), "spl")
