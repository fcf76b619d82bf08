import math
from dataclasses import replace

import pytest

from placecell.agent.compare import STRATA, pair, paired_difference, visit, visits
from placecell.agent.gains import gains
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


def test_one_house_is_drawn_by_episode_and_says_so():
    house = {"house": lambda _: "h"}
    got = paired_difference(run([0.5, 0.7], **house), run([0.1, 0.1], **house), "spl")
    assert (got.mean, got.houses, got.clusters) == (pytest.approx(0.5), 1, "episode")
    assert (got.low, got.high) == (pytest.approx(0.4), pytest.approx(0.6))
    alone = paired_difference(run([0.5], **house), run([0.1], **house), "spl")
    assert (alone.low, alone.high, alone.pairs) == (None, None, 1)


def test_instructions_of_one_path_count_as_one_observation():
    def runs(spl):
        return [result(i, "streets", value, path=f"p{i // 3}") for i, value in enumerate(spl)]

    got = paired_difference(runs([0.2] * 3 + [0.6] * 3), runs([0.0] * 6), "spl")
    assert got.clusters == "path"
    assert (got.low, got.high) == (pytest.approx(0.2), pytest.approx(0.6))


def test_both_means_are_over_the_same_pairs():
    b = [*run([0.1, 0.2, 0.9])[:2], result(2, "h1", 0.0, status="stalled")]
    got = paired_difference(run([0.5, 0.6, 0.7]), b, "spl")
    assert (got.mean_a, got.mean_b) == (pytest.approx(0.55), pytest.approx(0.15))
    assert got.mean == pytest.approx(got.mean_a - got.mean_b)


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
    assert got.why == {"no finite spl": 1, "not done in B": 1}


def test_what_is_left_out_says_in_which_run_it_was_not_done():
    lost = {"status": "crashed"}
    a = [result(0, "h", 1.0, **lost), result(1, "h", 1.0, **lost), result(2, "h", 1.0), result(3, "h", 1.0)]
    b = [result(0, "h", 1.0, **lost), result(1, "h", 1.0), result(2, "h", 1.0, **lost), result(3, "h", 1.0)]
    got = paired_difference(a, b, "spl")
    assert got.why == {"not done in A": 1, "not done in A and B": 1, "not done in B": 1}
    assert paired_difference(a[:3], b[:3], "spl") is None


def test_runs_over_different_episodes_are_refused_naming_the_first_three():
    a = run([0.5] * 8)
    with pytest.raises(
        EpisodeError,
        match=r"runs of the same episodes, got 8 \(A\) and 3 \(B\), 'e3' in 'h1' \(number 3\); "
        r"'e4' in 'h2' \(number 4\); 'e5' in 'h2' \(number 5\) and 2 more in A alone; compare runs",
    ):
        paired_difference(a, a[:3], "spl")
    with pytest.raises(EpisodeError, match=r"'e0' .* in A alone and 'e7' in 'h3' \(number 7\) in B alone; "):
        paired_difference(a[:7], a[1:], "spl")
    with pytest.raises(
        EpisodeError,
        match=r"'e0' in 'h0' \(number 0\) beside 'e0' in 'x0' \(number 0\); .* and 5 more, of the same index",
    ):
        paired_difference(a, run([0.5] * 8, house=lambda i: f"x{i}"), "spl")


def test_an_episode_that_starts_elsewhere_is_refused():
    start = (1.0, 2.0, 0.0, math.pi)
    a = [replace(r, start=start) for r in run([0.5] * 3)]
    b = [replace(r, start=start) for r in run([0.4] * 3)]
    b[2] = replace(b[2], start=(1.0, 2.5, 0.0, math.pi))
    with pytest.raises(
        EpisodeError,
        match=r"got 'e2' in 'h1' \(number 2\), which starts at \(1, 2, 0, 3.14159\) \(A\) and "
        r"\(1, 2.5, 0, 3.14159\) \(B\); compare",
    ):
        pair(a, b)
    b[2] = replace(b[2], start=(1.0, 2.0, 0.0, 3.0))
    with pytest.raises(EpisodeError, match="which starts at"):
        pair(a, b)
    b[2] = replace(b[2], start=(1.0, 2.0 + 1e-9, 0.0, -math.pi))  # the same heading, the last bits apart
    b[1] = replace(b[1], start=None)  # broke before it was known
    assert len(pair(a, b)) == 3


def test_what_broke_before_it_said_its_name_is_known_by_its_number():
    a = run([0.5] * 2)
    broken = result(1, "unknown", 0.0, status="crashed")
    assert pair(a, [a[0], replace(broken, episode_id="1")])[1][0] is a[1]
    with pytest.raises(EpisodeError, match=r"'e1' in 'h0' .* beside 'other' in 'h0'"):
        pair(a, [a[0], replace(broken, scene_id="h0", episode_id="other")])


def test_the_largest_gains_and_losses_come_first_and_equal_ones_in_the_dataset_s_order():
    a = run([0.9, 0.5, 0.5, 0.2, 0.5, 0.6, 1.0])
    b = run([0.4, 0.0, 0.5, 0.7, 0.6, 0.6, 0.0])
    b[6] = result(6, "h3", 0.0, status="crashed")
    got = gains(a[::-1], b, "spl")
    assert [change.episode for change in got.gains] == [0, 1]
    assert [change.difference for change in got.losses] == [pytest.approx(-0.5), pytest.approx(-0.1)]
    assert (got.better, got.worse, got.equal) == (2, 2, 2)
    assert [change.episode for change in gains(a, b, "spl", n=1).losses] == [3]
    first = got.gains[0]
    assert (first.a, first.b, first.scene_id) == (0.9, 0.4, "h0")
    assert first.folder == "episodes/00000-e0"


def test_a_change_names_both_failures():
    a = [replace(result(0, "h", 0.0), failure="stuck"), result(1, "h", 1.0)]
    b = [result(0, "h", 1.0), replace(result(1, "h", 0.0), failure="never seen")]
    got = gains(a, b, "spl")
    assert (got.gains[0].failure_a, got.gains[0].failure_b) == (None, "never seen")
    assert (got.losses[0].failure_a, got.losses[0].failure_b) == ("stuck", None)
