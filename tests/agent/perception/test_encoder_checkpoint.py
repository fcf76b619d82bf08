"""An encoder's folder: written, read back offline, and refused where it is another's."""

import copy
import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from placecell.agent.perception.encoder import RgbdEncoder
from placecell.agent.perception.rgbd_planes import planes
from placecell.errors import ArchiveError

SMALL = {"widths": (8, 16), "depths": (2, 1), "heads": (2, 2), "width": 12, "size": (64, 64)}


def image(seed=0):
    g = torch.Generator().manual_seed(seed)
    rgb = torch.randint(0, 256, (1, 64, 64, 3), dtype=torch.uint8, generator=g)
    return planes(rgb, torch.rand(1, 64, 64, generator=g) * 5)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """An encoder and the folder that holds it; tests copy what they change."""
    torch.manual_seed(1)
    net = RgbdEncoder("hilo", {"window": 4}, full_from=1, **SMALL)
    folder = tmp_path_factory.mktemp("encoder") / "kept"
    net.save_pretrained(folder)
    return net.eval(), folder


@pytest.fixture
def folder(kept, tmp_path):
    for path in kept[1].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "no cache"))

    def refused(*arguments, **options):
        raise AssertionError("a connection was tried")

    monkeypatch.setattr("socket.socket.connect", refused)


def test_a_folder_gives_back_an_equal_encoder(kept, capsys):
    net, folder = kept
    again = RgbdEncoder.from_pretrained(folder)
    assert not again.training
    wanted, found = net(image()), again(image())
    assert torch.equal(found.tokens, wanted.tokens)
    assert torch.equal(found.pooled, wanted.pooled)
    assert torch.equal(found.pixels, wanted.pixels)
    assert again.attention == "hilo"
    assert capsys.readouterr().out == ""
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "config.json", "model.safetensors"]


def test_what_is_read_can_be_written_again(kept, tmp_path):
    net, folder = kept
    RgbdEncoder.from_pretrained(str(folder)).save_pretrained(tmp_path / "again")
    assert json.loads((tmp_path / "again" / "config.json").read_text()) == json.loads(
        (folder / "config.json").read_text()
    )
    again = RgbdEncoder.from_pretrained(tmp_path / "again")
    assert torch.equal(again(image()).tokens, net(image()).tokens)


def test_an_encoder_of_a_size_by_name_is_kept_whole(tmp_path):
    net = RgbdEncoder.of_size("0.3M", "window").eval()
    net.save_pretrained(tmp_path)
    assert RgbdEncoder.from_pretrained(tmp_path, attention="window", size=(128, 128)).size == (128, 128)


def test_a_backend_may_be_chosen_anew(kept):
    net, folder = kept
    again = RgbdEncoder.from_pretrained(folder, backend="dense")
    torch.testing.assert_close(again(image()).tokens, net(image()).tokens)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"attention": "window"}, "with attention=window, got one with attention=hilo"),
        ({"widths": (16, 16)}, r"with widths=\[16, 16\], got one with widths=\[8, 16\]"),
    ],
)
def test_an_encoder_that_is_not_the_one_asked_for_is_refused(kept, options, words):
    with pytest.raises(ArchiveError, match=words):
        RgbdEncoder.from_pretrained(kept[1], **options)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"attention": "inline", "attention_options": None}, "another architecture's: .* tensors differ"),
        ({"widths": [16, 16]}, "another architecture's: .* tensors differ"),
        ({"depths": [1, 1]}, "another architecture's: .* tensors differ, stages.0.1"),
        ({"attention": "gaze"}, "to describe an encoder: .*got 'gaze'"),
        ({"size": [50, 64]}, r"to describe an encoder: .*got size \[50, 64\]"),
        ({"widths": "wide"}, "to describe an encoder"),
        ({"hidden_size": 768}, "to name an RgbdEncoder's arguments, got another model's .see hidden_size"),
    ],
)
def test_a_config_of_another_architecture_is_one_line(folder, changes, words):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(ArchiveError, match=words) as caught:
        RgbdEncoder.from_pretrained(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "to be JSON, got a file that cannot be read"),
        ("[1]", "another model's"),
        ("{}", "another model's"),
    ],
)
def test_a_broken_config_is_one_line(folder, text, words):
    (folder / "config.json").write_text(text)
    with pytest.raises(ArchiveError, match=words):
        RgbdEncoder.from_pretrained(folder)


@pytest.mark.parametrize("keep", [0, 4, 200, -1])
def test_truncated_weights_are_one_line(folder, keep):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ArchiveError, match=r"model\.safetensors, got a file that cannot be read"):
        RgbdEncoder.from_pretrained(folder)


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(folder, missing):
    (folder / missing).unlink()
    with pytest.raises(ArchiveError, match=f"{missing}, got [Nn]o such file"):
        RgbdEncoder.from_pretrained(folder)


def test_a_missing_tensor_is_named(folder):
    path = folder / "model.safetensors"
    state = load_file(path)
    del state["position"]
    save_file(state, path)
    with pytest.raises(ArchiveError, match="1 tensors differ, position"):
        RgbdEncoder.from_pretrained(folder)


@pytest.mark.parametrize("name", ["no/such", "no such/folder/at all", "gone"])
def test_a_folder_that_is_not_there_is_not_looked_for_elsewhere(name):
    with pytest.raises(ArchiveError, match=f"at {name}, got no such folder"):
        RgbdEncoder.from_pretrained(name)


def test_a_copy_keeps_its_configuration(kept, tmp_path):
    net, _ = kept
    copy.deepcopy(net).save_pretrained(tmp_path)
    assert torch.equal(
        RgbdEncoder.from_pretrained(tmp_path, full_from=1)(image()).tokens, net(image()).tokens
    )
