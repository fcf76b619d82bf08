"""Every block of docs/perception.md runs as it stands, in a folder of its own."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

PAGE = Path(__file__).parents[3] / "docs" / "perception.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
ATTENTION, ENCODER, CODEBOOK, REGIONS = BLOCKS


@pytest.fixture
def ran(tmp_path, monkeypatch):
    """Runs a block and gives the names that it defined."""
    monkeypatch.chdir(tmp_path)

    def run(block):
        torch.manual_seed(0)
        names = {}
        exec(compile(block, str(PAGE), "exec"), names)
        return names

    return run


def test_the_attention_of_the_page_gathers(ran, capsys):
    names = ran(ATTENTION)
    assert names["picture"].dtype == np.uint8
    said = capsys.readouterr().out
    assert "gathered" in said
    assert "torch.Size([1, 8, 4096, 32])" in said


def test_the_encoder_of_the_page_is_saved_and_read(ran):
    names = ran(ENCODER)
    assert names["features"].shape == (16, 16, 128)
    assert abs(np.linalg.norm(names["embedding"]) - 1) < 1e-5
    torch.testing.assert_close(names["same"].position, names["encoder"].position)


def test_the_codebook_of_the_page_is_drawn(ran, tmp_path):
    names = ran(CODEBOOK)
    torch.testing.assert_close(names["alone"], names["together"].output, atol=1e-5, rtol=1e-5)
    with Image.open(tmp_path / "codes.png") as picture:
        assert min(picture.size) > 32


def test_the_second_look_of_the_page_serves_both_requests_and_tells_the_broken_one(ran, capsys):
    found = ran(REGIONS)["found"]
    assert [type(look.request).__name__ for look in found.looks] == ["Region", "ReEncode"]
    assert len(found.malformed) == 1
    assert capsys.readouterr().out.endswith("49152\n")
