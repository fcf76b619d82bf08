"""What a recording keeps of an episode among panoramas: text, names, the graph, the panoramas entered."""

import json

import numpy as np
import pytest
from panoramas import EDGES, NAMES, PLACES, TEXT, WAY, Panoramas, record_panoramas
from recorded import record

from placecell.agent.recording import Recording, Surroundings, observation_hash
from placecell.agent.recording import surroundings as module
from placecell.errors import ArchiveError, EnvironmentUseError, PlacecellError


def test_text_is_kept_and_hashed_as_a_text_array(tmp_path):
    record_panoramas(tmp_path)
    recording = Recording.read(tmp_path)
    kept = recording.observation(1)
    assert kept["instruction"].dtype == f"<U{len(TEXT)}"
    assert str(kept["instruction"]) == TEXT
    assert observation_hash({**kept, "instruction": TEXT}) == recording.steps[1].observation_hash
    assert observation_hash({**kept, "instruction": TEXT + "!"}) != recording.steps[1].observation_hash
    assert recording.header["sensors"]["instruction"] == {"dtype": "<U0", "shape": None}


def test_the_header_holds_instruction_graph_and_names_of_actions(tmp_path):
    record_panoramas(tmp_path, "light")
    header = Recording.read(tmp_path).header
    assert header["instruction"] == TEXT
    assert header["actions"] == ["stop", "candidate_1"]
    assert header["surroundings"] == {"nodes": PLACES, "edges": EDGES, "gold": [PLACES[n] for n in WAY]}
    assert (header["viewpoint"], header["walked"]) == ("start", [["start", 0.5, 0.0]])
    lines = (tmp_path / "header.json").read_text().splitlines()
    assert sum("surroundings" in line for line in lines) == 1
    assert len(lines) < 120


def test_steps_hold_the_panoramas_that_their_actions_entered(tmp_path):
    record_panoramas(tmp_path, "light")
    steps = Recording.read(tmp_path).steps
    assert [step.viewpoint for step in steps] == ["hall", "café", "door", "door"]
    assert [step.walked for step in steps] == [
        *((((NAMES[node], 0.5, 0.0),)) for node in WAY[1:]), ()
    ]  # fmt: skip


def test_a_world_without_panoramas_has_none_of_these_keys(tmp_path):
    record(tmp_path)
    recording = Recording.read(tmp_path)
    new = {"instruction", "surroundings", "viewpoint", "walked"}
    assert not new & recording.header.keys()
    lines = (tmp_path / "steps.jsonl").read_text().splitlines()
    assert not any(new & json.loads(line).keys() for line in lines)
    assert (recording.steps[0].viewpoint, recording.steps[0].walked) == (None, None)


def test_a_wide_graph_is_kept_around_the_route_and_counted():
    row = [[float(n), 0.0, 0.0] for n in range(9000)]
    plain = {"nodes": row, "edges": [[n, n + 1] for n in range(8999)], "gold": row[5000:5010]}
    kept = Surroundings.of(plain).bounded()
    assert (len(kept.nodes), len(kept.edges), kept.left_out) == (module.MOST_NODES, 3999, 5000)
    assert kept.nodes[0, 0] == pytest.approx(5009.5 - 2000 - 5, abs=6)
    assert (np.diff(kept.nodes[kept.edges][:, :, 0]) == 1).all()
    again = Surroundings.of(json.loads(kept.to_line()))
    assert (again.left_out, len(again.nodes)) == (5000, 4000)


def test_a_dense_graph_is_cut_by_its_edges_too():
    pairs = [[a, b] for a in range(200) for b in range(a)]
    plain = {"nodes": [[float(n), 0.0, 0.0] for n in range(200)], "edges": pairs, "gold": []}
    kept = Surroundings.of(plain).bounded()
    assert 0 < len(kept.edges) <= module.MOST_EDGES
    assert len(kept.nodes) + kept.left_out == 200


@pytest.mark.parametrize(
    ("changes", "came"),
    [
        ({"edges": [[0, 5]]}, r"the edge \[0, 5\] among 5 nodes"),
        ({"edges": [[0, 1, 2]]}, r"where edges \[i, j\] belong"),
        ({"nodes": [[0.0, None, 0.0]]}, "a point that is not finite"),
        ({"gold": [[1.0]]}, r"\[1.0\] where 3 numbers belong"),
    ],
)
def test_surroundings_that_are_none_are_one_line(tmp_path, changes, came):
    class Odd(Panoramas):
        def surroundings(self):
            return {**super().surroundings(), **changes}

    with pytest.raises(EnvironmentUseError, match=f"expected surroundings.. of the environment .*{came}"):
        record_panoramas(tmp_path, env=Odd())
    record_panoramas(tmp_path / "whole")
    path = tmp_path / "whole" / "header.json"
    header = json.loads(path.read_text())
    path.write_text(json.dumps({**header, "surroundings": {**header["surroundings"], **changes}}))
    with pytest.raises(ArchiveError, match="expected surroundings as a recorder writes it"):
        Recording.read(tmp_path / "whole")


@pytest.mark.parametrize(
    ("told", "came"),
    [
        ({"walked": [["hall", 0.5]]}, r"\['hall', 0.5\] where \[name, yaw_rad, pitch_rad\] belongs"),
        ({"walked": [["hall", float("nan"), 0.0]]}, "where finite angles belong"),
        ({"walked": "hall"}, "'hall' where a list of panoramas belongs"),
        ({"viewpoint": 7}, "7 where a name belongs"),
    ],
)
def test_what_an_environment_tells_wrongly_of_panoramas_is_one_line(tmp_path, told, came):
    class Odd(Panoramas):
        def step(self, action):
            *rest, info = super().step(action)
            return *rest, {**info, **told}

    with pytest.raises(PlacecellError, match=rf"expected the environment's info\['viewpoint'\].*{came}"):
        record_panoramas(tmp_path, env=Odd())
