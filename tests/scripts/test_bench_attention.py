import json

import pytest
import torch

from placecell.agent.attention.plan import AttentionPlan
from placecell.scripts.bench import attention, attention_cases, attention_cuda, attention_plot, main, suite
from placecell.scripts.bench.attention import Measured, measure
from placecell.scripts.bench.attention_cases import CASES, MODULES, WIDTH, kind_of, peer, work
from placecell.scripts.bench.attention_cuda import CudaRow
from placecell.scripts.bench.attention_tables import document


@pytest.fixture(autouse=True)
def bands(monkeypatch):
    """Every plan is four bands of rows, so that only the harness is tested; a map of 3 x 3 has none."""

    def made(name, size):
        n = size[0] * size[1]
        return AttentionPlan(name, torch.arange(n), n // 4, n // 4, torch.arange(4).view(1, 1, 4, 1))

    monkeypatch.setattr(attention_cases, "plan_of", made)
    monkeypatch.setattr("placecell.scripts.bench.attention_tables.plan_of", made)


def test_the_suite_leaves_tables_a_plot_and_masks(tmp_path, capsys):
    asked = ["--only", "window_8,inline,efficient_probing", "--sides", "8,16", "--rounds", "1"]
    assert main(["attention", "--out", str(tmp_path), *asked]) == 0
    rows = {row["name"]: row for row in json.loads((tmp_path / "bench.json").read_text())}
    assert len(rows) == 3 * 2 * 2
    plan, module = rows["window_8_16x16_forward"], rows["inline_16x16_forward_backward"]
    assert plan["peer"] == "scaled_dot_product_attention"
    assert module["peer"] == "full attention layer"
    assert plan["ratio"] == pytest.approx(plan["peer_value"] / plan["value"])
    said = (tmp_path / "attention.md").read_text()
    assert "| halo_8_3 | not run |" in said
    for name in ("ratio.png", "mask_window_8.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_a_case_that_does_not_apply_says_so():
    found = measure(("routed", "inline"), 12, 1)
    refused = [one for one in found if one.seconds is None]
    assert [(one.case, one.what) for one in refused] == [("routed", "forward"), ("routed", "both")]
    line = next(line for line in document(found, None).splitlines() if line.startswith("| routed | 12 x 12"))
    assert "does not apply: expected a map that 8 regions a side of biformer divide, got 12 x 12" in line


@pytest.mark.parametrize("name", [n for n in CASES if n != "window_layer_8"])
def test_the_stated_operations_are_the_counted_ones(name):
    one = work(name, (16, 16))
    assert attention._count(one, 16) == one.flops
    assert attention._count(peer(one.kind, (16, 16)), 16) == peer(one.kind, (16, 16)).flops


def test_both_passes_reach_queries_keys_values_and_weights():
    assert [g.shape for g in work("s2", (8, 8)).both()] == [(1, 8, 64, 32)] * 3
    inline = work("inline", (8, 8))
    assert all(g is not None for g in inline.both())
    assert inline.both()[0].shape == (1, 8, 8, WIDTH)


def test_the_readout_and_its_peer_give_one_vector():
    assert work("efficient_probing", (8, 8)).forward().shape == (1, WIDTH)
    assert peer("readout", (8, 8)).forward().shape == (1, WIDTH)


def test_like_is_compared_with_like():
    assert {kind_of(name) for name in MODULES} == {"module"}
    assert kind_of("routed") == "plan"
    assert peer("module", (8, 8)).flops - peer("plan", (8, 8)).flops == 8 * 64 * WIDTH**2


def test_gain_takes_the_density_of_a_plan_and_the_operations_of_a_module():
    plan = Measured("s2", 16, "forward", "plan", 1.0, 3.0, 0.25, 10, 20)
    module = Measured("inline", 16, "forward", "module", 1.0, 3.0, None, 10, 20)
    assert (plan.ratio, plan.gain, module.gain) == (3.0, 0.75, 1.5)


def test_the_target_on_cuda_is_a_share_of_what_is_left_out():
    fast = CudaRow("s2", 32768, "forward", "SDPA", 1.0, 4.0, 0.2, judged=True)
    slow = CudaRow("s2", 32768, "forward", "SDPA", 1.0, 3.9, 0.2, judged=True)
    assert (fast.row().passed, slow.row().passed) == (True, False)
    assert fast.row().target == "ratio x density >= 0.8"
    assert "| s2 | 32768 | forward | 1 | 0.2 |" in document([], [fast])


def test_without_a_cuda_device_its_rows_are_not_run():
    assert "No CUDA device could be had where this ran: these rows are not run." in document([], None)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_rows():
    rows = attention_cuda.measure_cuda(("s2", "hilo_2"), (16,), quick=True)
    assert all(row.seconds for row in rows)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--only", "windo"], "expected cases of window_8, "),
        (["--rounds", "0"], "expected --rounds of 1 or more, got 0; take 5"),
        (["--sides", "0"], "expected --sides of 1 or more"),
        (["--sides", "a"], "invalid _sides value: 'a'"),
    ],
)
def test_a_mistake_is_one_line(tmp_path, capsys, options, line):
    assert main(["attention", "--out", str(tmp_path), *options]) == 2
    said = capsys.readouterr().err
    assert line in said
    assert said.count("\n") == 1


def test_the_suite_is_listed():
    assert suite("attention").SUITE_HELP.startswith("attention plans and modules")


def test_each_case_has_a_mark_of_its_own():
    assert len(set(attention_plot._MARKS)) == len(attention_plot._MARKS) >= len(CASES)
