"""``placecell-run`` on the mesh simulator: what a user gets wrong is one line, whatever part notices it."""

import pytest

from placecell.scripts.run import main


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (["seed=-1"], "a seed of 0 or more, got -1; set seed=N"),
        (["env.cameras=[5]"], "each of env.cameras as a mapping, got 5"),
        (["env.width=100000", "env.height=100000"], "of 1 x 1 to 8192 x 8192 pixels, got 100000 x 100000"),
        (["agent.k=0"], "k of 1 or more memories a step, got 0; set agent.k=3"),
        (["agent.range_m=0"], "a range_m above 0 metres, got 0; set agent.range_m=10"),
        (["memory.voxel_size_m=0.001"], "a view of at most 1000 voxels across to plan on, got 20000"),
        (["+env.seed=77"], "no key seed in env: it comes from the run itself, got env.seed=77; set seed="),
        (["env.up=x"], "up to be auto, y or z, got 'x'"),
        (["task.dataset=d s=1,2.json.gz"], "a dataset of episodes at d s=1,2.json.gz, got No such file"),
    ],
)
def test_a_mistake_is_one_line(overrides, line, tmp_path, capsys):
    assert main([*overrides, f"out={tmp_path / 'out'}", "episodes=1", "progress=false"]) == 2
    told = capsys.readouterr().err.strip()
    assert line in told
    assert len(told.splitlines()) == 1


def test_no_folder_for_the_results_is_refused(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["out=", "episodes=1", "progress=false"]) == 2
    assert "a folder for the results, got out= with nothing; name one" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
