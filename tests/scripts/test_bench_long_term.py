import numpy as np
import pytest

from placecell.errors import MissingPartError
from placecell.scripts.bench import long_term_append, long_term_made, long_term_peers, long_term_search


@pytest.fixture(scope="module")
def rows():
    pytest.importorskip("faiss")
    pytest.importorskip("hnswlib")
    made = long_term_made.world(2500, long_term_search.BATCH)
    appended, graph = long_term_append.rows(made, 3000, 500)
    return {row.name: row for row in [*long_term_search.rows(made, graph, 1), *appended]}


def test_the_rows_judge_what_the_issue_names(rows):
    targets = {name: row.target for name, row in rows.items() if row.target and "recall" not in name}
    assert targets == {
        "search_single": ">= 0.5 x faiss flat fp16",
        "search_batch_200": ">= 10 x faiss flat fp16",
        "search_batch_200_fp32_peer": ">= 10 x faiss flat fp32",
        "search_box_5_percent": ">= 1 x faiss flat fp16 + id bitmap",
        "search_box_hnswlib": ">= 5 x hnswlib filter",
        "append_3000_one_by_one": ">= 100 x hnswlib insert",
    }
    assert rows["append_3000_one_by_one"].peer == "hnswlib add_items, 500 rows one by one"
    for name in targets:
        assert rows[name].ratio == pytest.approx(rows[name].value / rows[name].peer_value)


def test_every_search_finds_what_the_exact_answer_in_float32_holds(rows):
    for name in ("search_single_recall", "search_batch_200_recall", "search_box_recall"):
        assert rows[name].value >= 0.999
        assert rows[name].passed


def test_a_recall_below_its_target_is_missed():
    row = long_term_search.recall("r", [[1, 2], [3, 4]], np.array([[1, 2], [3, 5]]))
    assert (row.value, row.passed) == (0.75, False)


def test_boxes_hold_their_part_of_the_floor():
    made = long_term_made.world(20_000, 1)
    for box in long_term_made.boxes(3):
        inside = ((made.positions >= box[0]) & (made.positions <= box[1])).all(1)
        assert inside.mean() == pytest.approx(0.05, abs=0.01)


def test_a_missing_peer_is_said_before_anything_is_measured(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingPartError, match=r"the package faiss-cpu.*pip install 'placecell\[bench\]'"):
        long_term_peers.require_all()
