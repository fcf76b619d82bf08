"""``placecell-replay`` on runs on panorama graphs: every subcommand works, or says in a line why not."""

import json

import pytest
from graph_data import write_data

from placecell.scripts.replay import main
from placecell.scripts.run import main as walk

COMMON = ["workers=0", "progress=false", "record=full", "task=instruction", "episodes=2"]
WORLDS = {
    "rooms": ["env=r2r", "agent=random", "seed=1"],
    "gold": ["env=r2r", "agent=gold", "seed=1"],
    "streets": ["env=streets", "env.dataset=made_streets", "agent=random"],
    "straight": ["env=streets", "env.dataset=made_streets", "agent=forward"],
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run of each kind."""
    folder = tmp_path_factory.mktemp("graphs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLACECELL_DATA", str(write_data(folder / "data")))
        patch.chdir(folder)
        for name, asked in WORLDS.items():
            assert walk([*asked, f"out={name}", *COMMON]) == 0
        yield folder


def call(capsys, *arguments):
    code = main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.mark.parametrize("name", WORLDS)
def test_the_same_actions_give_the_same_observations(runs, capsys, name):
    code, said, _ = call(capsys, "verify", runs / name)
    assert (code, said.split(" (")[0]) == (0, "episodes: 2 verified")


def test_data_that_were_changed_are_one_line(runs, capsys, tmp_path, monkeypatch):
    data = write_data(tmp_path / "data")
    monkeypatch.setenv("PLACECELL_DATA", str(data))
    for path in (data / "r2r").glob("*.json"):
        told = json.loads(path.read_text())
        path.write_text(json.dumps([{**one, "instructions": ["Go away."]} for one in told]))
    code, said, complaint = call(capsys, "verify", runs / "gold")
    assert (code, said) == (2, "")
    assert "got another world.episodes_hash" in complaint
    assert complaint.count("\n") == 1


@pytest.mark.parametrize("name", ["gold", "streets"])
def test_pages_and_index_begin_with_the_instruction(runs, capsys, name):
    code, said, _ = call(capsys, "page", runs / name)
    assert (code, said.split(";")[0]) == (0, "2 pages")
    (first, _) = sorted((runs / name / "episodes").iterdir())
    header = json.loads((first / "header.json").read_text())
    page = (first / "page.html").read_text()
    told = json.loads(page.split('id="data">')[1].split("</script>")[0])
    assert "".join(told["instruction"]["pieces"]) == header["instruction"]
    assert len(told["graph"]["nodes"]) == len(header["surroundings"]["nodes"]) > 2
    assert len(told["graph"]["gold"]) > 1
    assert header["instruction"].split()[0] in (runs / name / "index.html").read_text()


def test_other_memories_can_be_asked(runs, capsys):
    code, said, _ = call(capsys, "recall", runs / "gold", "--memory", "flat", "--memory", "frames")
    assert code == 0
    assert "2 episodes" in said


def test_a_video_of_panoramas_is_one_line(runs, capsys, tmp_path):
    code, _, complaint = call(capsys, "video", runs / "gold", "0", "--out", tmp_path / "a.mp4")
    assert code == 2
    assert "one of panoramas, of which no image was recorded; look at its page" in complaint
    assert complaint.count("\n") == 1


@pytest.mark.parametrize("kind", ["rerun", "mcap"])
@pytest.mark.parametrize("name", ["gold", "streets"])
def test_exports_take_episodes_of_graphs(runs, capsys, tmp_path, kind, name):
    code, said, _ = call(capsys, "export", runs / name, "--to", kind, "--out", tmp_path / "all")
    assert (code, said.split(";")[0]) == (0, f"2 episodes as {kind}")


def test_a_dataset_of_images_is_refused_in_one_line(runs, capsys, tmp_path):
    code, _, complaint = call(capsys, "export", runs / "gold", "--to", "lerobot", "--out", tmp_path / "all")
    assert code == 1
    assert "a world of panoramas has no images here: export it to rerun or mcap" in complaint
    assert complaint.count("\n") == 1


def test_streets_are_summarised_and_compared_by_their_own_measures(runs, capsys):
    code, said, _ = call(capsys, "compare", runs / "straight", runs / "streets")
    assert code == 0
    assert "task_completion by episode" in said
    assert "shortest_path_distance" in said
    assert "soft_spl" not in said
    _, said, _ = call(capsys, "summary", runs / "streets", runs / "straight", "--out", runs / "summary")
    head = (runs / "summary" / "summary.md").read_text().split("| --- ")[0]
    assert head.endswith("| job | episodes done | houses | TC | SPD | SED | oracle inputs |\n")


def test_rooms_are_compared_by_habitat_s(runs, capsys):
    code, said, _ = call(capsys, "compare", runs / "gold", runs / "rooms")
    assert code == 0
    assert "spl by episode" in said
