"""Pages, verification, video and exports of episodes among panoramas."""

import json

import pytest
from paged_runs import HOSTILE, HOSTILE_KIND
from panoramas import CLAUSES, NAMES, PLACES, TEXT, Panoramas, follower, record_panoramas

from placecell.agent.exports.lerobot_source import source_of
from placecell.agent.exports.walked import Walked
from placecell.agent.recording import Recording, RecordOptions
from placecell.agent.replay.page import episode_page, index_page, rows_of
from placecell.agent.replay.page.gather import goal_of, scene_of
from placecell.agent.replay.page.images import has_pictures
from placecell.agent.replay.page.instruction import Clauses, beginning_of, hypotheses_of, span_of
from placecell.agent.replay.page.route import route_thumbnail
from placecell.agent.replay.recall import LeftOut, Recall
from placecell.agent.replay.verify import verify
from placecell.agent.replay.video import write_video
from placecell.agent.runner import run
from placecell.agent.stored_run import RecordedEpisode, read_run
from placecell.errors import ArchiveError, ConfigError
from placecell.memory import FlatNeighbours


@pytest.fixture
def recording(tmp_path):
    record_panoramas(tmp_path)
    return Recording.read(tmp_path)


def edited(folder, change):
    """The recording with its steps' lines changed."""
    path = folder / "steps.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(change(line)) + "\n" for line in lines))
    return Recording.read(folder)


def test_the_instruction_is_cut_into_pieces_by_pythons_characters(recording):
    told = Clauses.of(recording).to_json()
    assert "".join(told["pieces"]) == TEXT
    said = ["".join(told["pieces"][slice(*clause)]) for clause in told["clauses"]]
    assert said == [TEXT[begin:end] for begin, end in CLAUSES]
    assert told["followed"] == [*told["clauses"], told["clauses"][-1]]


def test_a_policy_that_names_its_parts_one_by_one_has_them_in_the_order_of_the_text(recording):
    def change(line):
        line.get("trace", {}).pop("clauses", None)
        return line

    clauses = Clauses.of(edited(recording.folder, change))
    assert [list(span) for span in clauses.spans] == CLAUSES
    assert clauses.number_of(1) == 1


@pytest.mark.parametrize("odd", [[0, 99], [3, 3], [0, 3], [-1, 2], [0], "all", [0, True], [0.0, 1.0], None])
def test_a_span_that_is_none_marks_nothing(odd):
    assert span_of(odd, "   and then go left  ") is None


def test_hypotheses_that_are_none_are_left_out_and_sixteen_are_enough():
    odd = [[1.0, 2.0], ["a", 2.0, 0.5], [float("nan"), 0.0, 0.5], 7, [1.0, 2.0, "heavy"]]
    assert hypotheses_of({"hypotheses": odd}) == []
    assert hypotheses_of({"hypotheses": 3}) == hypotheses_of({}) == []
    assert hypotheses_of({"hypotheses": [[1.004, 2.0, 7.0]] * 40}) == [[1.0, 2.0, 1.0, -1]] * 16


def test_blanks_at_the_ends_of_a_span_are_not_marked():
    assert span_of([0, 8], "  go on  then") == (2, 7)


def test_a_page_shows_graph_instruction_and_hypotheses(recording):
    scene = scene_of(recording)
    assert scene["graph"]["nodes"] == [[x, y, 0 if z < 1 else -1] for x, y, z in PLACES]
    assert scene["graph"]["gold"][-1] == [6.0, 1.0]
    first = scene["steps"][0]
    assert first["hypotheses"] == [[2.0, 0.0, 0.75, 1], [4.0, 3.0, 0.25, 2]]
    assert first["action"] == "candidate 1"
    assert first["words"][:3] == [
        "Follows part 1 of 3 of the instruction.",
        "2 hypotheses, the best (0.75) 2.0 m ahead.",
        "Is at hall afterwards.",
    ]
    assert scene["steps"][3]["words"][2] == "Stays at door afterwards."
    assert not any(word.startswith(("clause", "hypotheses:")) for word in first["words"])
    assert goal_of(recording.header) == beginning_of(TEXT)


def test_a_page_of_panoramas_has_no_black_pictures(recording):
    assert not has_pictures(recording)
    page = episode_page(recording)
    assert '<body class="episode light instructed">' in page
    assert "no images" not in page
    assert scene_of(recording)["instruction"] is not None
    assert route_thumbnail(recording).startswith("data:image/webp;base64,")
    assert f'<link rel="icon" href="{route_thumbnail(recording)}">' in page


def test_a_route_that_is_secret_is_left_out_of_page_and_picture(recording):
    path = recording.folder / "header.json"
    header = json.loads(path.read_text())
    told = route_thumbnail(recording)
    header["surroundings"]["gold"], header["goal_positions"] = [], []
    path.write_text(json.dumps(header))
    secret = Recording.read(recording.folder)
    assert route_thumbnail(secret).startswith("data:image/webp;base64,")
    assert route_thumbnail(secret) != told
    assert route_thumbnail(secret) in episode_page(secret)


def test_a_light_recording_of_panoramas_says_what_it_lacks(tmp_path):
    record_panoramas(tmp_path, "light")
    page = episode_page(Recording.read(tmp_path))
    assert "A light recording: no map of the memory. Run with record=full for it." in page


def test_a_graph_that_was_cut_is_told(recording):
    path = recording.folder / "header.json"
    header = json.loads(path.read_text())
    header["surroundings"]["left_out"] = 12
    path.write_text(json.dumps(header))
    assert "12 panoramas far from the route were not recorded" in episode_page(
        Recording.read(recording.folder)
    )


def test_a_hostile_instruction_is_text(tmp_path):
    class Hostile(Panoramas):
        instruction = HOSTILE_KIND + HOSTILE + "</title>&amp; \" ' $title"

    record_panoramas(tmp_path, env=Hostile())
    page = episode_page(Recording.read(tmp_path))
    assert "<script>document" not in page
    assert "</script>/a" not in page
    assert "<img src=x" not in page


def stored(tmp_path, record="full", **env):
    """A run of both episodes."""
    out = tmp_path / "run"
    options = RecordOptions(record)
    agent = follower(env.pop("stops_after", 3))
    run(Panoramas(**env), agent, episodes=2, seed=3, out=out, config={"seed": 3}, record=options)
    return read_run(out)


def test_verify_walks_the_graph_again_and_finds_what_differs(tmp_path):
    found = stored(tmp_path)
    verdicts = list(verify(found, found.recorded(), Panoramas()))
    assert [(verdict.outcome, verdict.steps) for verdict in verdicts] == [("same", 4), ("same", 4)]

    class Reworded(Panoramas):
        instruction = TEXT.replace("left", "right")

    (first, _) = verify(found, found.recorded(), Reworded())
    assert first.outcome == "differs"
    assert first.why.startswith('step 0: instruction "Go past')


@pytest.mark.parametrize(("name", "told"), [("walked", [[NAMES[1], 0.25, 0.0]]), ("viewpoint", "elsewhere")])
def test_verify_compares_the_panoramas_entered(tmp_path, name, told):
    class Otherwise(Panoramas):
        def step(self, action):
            *rest, info = super().step(action)
            return *rest, {**info, name: told}

    found = stored(tmp_path)
    (first, _) = verify(found, found.recorded(), Otherwise())
    assert first.outcome == "differs"
    assert f"step 0: {name} " in first.why


def test_the_index_begins_with_the_instructions(tmp_path):
    found = stored(tmp_path)
    rows = rows_of(found)
    assert [row.goal for row in rows] == [beginning_of(TEXT)] * 2
    assert all(row.thumbnail.startswith("data:image/webp") for row in rows)
    assert "turn &lt;b&gt;left&lt;/b&gt;" in index_page(found, rows)


def test_in_the_streets_task_completion_is_success(tmp_path):
    found = stored(tmp_path, family="streets", stops_after=1)
    assert [result.failure for result in found.results] == ["stopped elsewhere"] * 2
    rows = rows_of(found)
    assert [row.outcome for row in rows] == [("bad", "stopped elsewhere")] * 2
    page = index_page(found, rows)
    assert "task completion" in page
    assert '<button type="button">task completion' not in page
    again = stored(tmp_path / "right", family="streets")
    assert [row.outcome for row in rows_of(again)] == [("good", "success")] * 2


def test_there_is_no_video_of_panoramas_without_images(recording, tmp_path):
    with pytest.raises(
        ConfigError, match=r"one of panoramas, of which no image was recorded; look at its page"
    ):
        write_video(recording.folder, tmp_path / "a.mp4")


def test_exports_say_what_the_instruction_was_and_what_there_is_none_of(recording):
    assert any(note.startswith("instruction: Go past") for note in Walked(recording).notes)
    with pytest.raises(
        ArchiveError, match="a world of panoramas has no images here: export it to rerun or mcap"
    ):
        source_of([recording.folder], depth=False)


@pytest.mark.parametrize(("text", "begins"), [("a b", "a b"), ("", ""), ("word " * 40, "word word word…")])
def test_the_beginning_of_an_instruction_ends_with_a_word(text, begins):
    assert beginning_of(text, 18) == begins


def test_a_walk_of_several_panoramas_is_drawn_along_them(recording):
    def change(line):
        if line.get("step") == 3:
            line["walked"] = [[name, 0.0, 0.0] for name in ("hall", "café", "unknown", "door")]
        return line

    ways = [step["way"] for step in scene_of(edited(recording.folder, change))["steps"]]
    assert ways == [[], [], [], [[2.0, 0.0], [4.0, 0.5]]]


def test_a_visit_that_the_agent_was_carried_to_is_not_asked_of_other_memories(tmp_path):
    for visit in (0, 1):
        tags = {"kind": "instruction", "tour": "five:0", "visit": visit}
        folder = tmp_path / f"{visit}"
        record_panoramas(folder, tags=tags, episode=visit, arm="warm")
    episodes = [RecordedEpisode(visit, "7_0", tmp_path / f"{visit}") for visit in (0, 1)]
    found = list(Recall({"flat": FlatNeighbours}).replay(episodes, episodes))
    assert [one.why for one in found if isinstance(one, LeftOut)] == [
        "what the memory was shown while the agent was carried to this visit is not recorded"
    ]
    assert len(found) == 4 + 1
