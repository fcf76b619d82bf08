"""Vision models of transformers in the encoder's place: tiny, random, from their configurations alone."""

import json
import sys

import numpy as np
import pytest
import torch

from placecell.agent.perception.hugging_face import HuggingFaceEncoder
from placecell.agent.perception.rgbd_planes import planes
from placecell.errors import ArchiveError, ConfigError, FrameError, MissingPartError
from placecell.geometry import Pinhole
from placecell.memory import Frame

transformers = pytest.importorskip("transformers", reason="the extra transformers is not installed")

TINY = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
LOOK = {"image_size": 32, "patch_size": 8}
KINDS = ["clip", "dinov2", "registers", "siglip"]
MEAN = {"clip": 0.48145466, "dinov2": 0.485, "registers": 0.485, "siglip": 0.5}


def built(kind):
    torch.manual_seed(0)
    common = {**TINY, **LOOK}
    if kind == "clip":
        model = transformers.CLIPVisionModel(transformers.CLIPVisionConfig(**common))
    elif kind == "dinov2":
        model = transformers.Dinov2Model(transformers.Dinov2Config(**common, mlp_ratio=2))
    elif kind == "registers":
        config = transformers.Dinov2WithRegistersConfig(**common, mlp_ratio=2, num_register_tokens=3)
        model = transformers.Dinov2WithRegistersModel(config)
    else:
        model = transformers.SiglipVisionModel(transformers.SiglipVisionConfig(**common))
    with torch.no_grad():  # their own start is too flat to tell patches apart
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0, 0.2)
    return model.eval()


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    for kind in KINDS:
        built(kind).save_pretrained(root / kind)
    return root


def images(height, width, seed=1):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (height, width, 3)).astype(np.uint8), np.full(
        (height, width), 2.0, np.float32
    )


def seen(rgb, depth):
    return planes(torch.from_numpy(rgb)[None], torch.from_numpy(depth)[None])


@pytest.mark.parametrize("kind", KINDS)
def test_tokens_are_the_patches_of_the_last_hidden_state_and_no_others(folders, kind):
    net, model = HuggingFaceEncoder(folders / kind), built(kind)
    assert not net.model.training
    rgb, depth = images(32, 32)
    found = net(seen(rgb, depth))
    pixels = (torch.from_numpy(rgb).permute(2, 0, 1)[None] / 255 - net.mean) / net.std
    wanted = model(pixel_values=pixels)
    extra = {"clip": 1, "dinov2": 1, "registers": 4, "siglip": 0}[kind]
    assert wanted.last_hidden_state.shape[1] == 16 + extra
    assert found.grid == (4, 4)
    torch.testing.assert_close(found.tokens, wanted.last_hidden_state[:, extra:], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found.pooled, wanted.pooler_output, atol=1e-4, rtol=1e-4)
    assert abs(net.mean.flatten()[0] - MEAN[kind]) < 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_patches_lie_where_the_given_image_has_them_when_the_model_resizes(folders, kind):
    net = HuggingFaceEncoder(folders / kind)
    rgb, depth = np.full((96, 128, 3), 128, np.uint8), np.full((96, 128), 2.0, np.float32)
    plain = net(seen(rgb, depth))
    assert plain.pixels[0].tolist() == [16, 12]
    assert plain.pixels[-1].tolist() == [112, 84]
    for patch in (1, 7, 12):
        u, v = plain.pixels[patch].int().tolist()
        spotted = rgb.copy()
        spotted[v - 12 : v + 12, u - 16 : u + 16] = (255, 0, 0)
        changed = (net(seen(spotted, depth)).tokens - plain.tokens)[0].norm(dim=1)
        assert changed.argmax() == patch


def test_a_frame_takes_what_it_encodes(folders):
    rgb, depth = images(48, 64)
    features, embedding = HuggingFaceEncoder(folders / "dinov2").encode(rgb, depth)
    frame = Frame(
        np.eye(4), Pinhole.from_hfov(64, 48, 1.4), depth, rgb, features=features, embedding=embedding
    )
    assert frame.features.shape == (4, 4, 16)
    assert abs(np.linalg.norm(frame.embedding) - 1) < 1e-5


def test_a_built_model_goes_without_a_folder_and_without_its_pooled_vector():
    model = transformers.SiglipVisionModel(
        transformers.SiglipVisionConfig(**TINY, **LOOK, vision_use_head=False)
    ).eval()
    x = seen(*images(32, 32))
    with pytest.raises(ConfigError, match='a pooled vector, got SiglipVisionModel without; pass pool="mean"'):
        HuggingFaceEncoder(model)(x)
    found = HuggingFaceEncoder(model, pool="mean")(x)
    torch.testing.assert_close(found.pooled, found.tokens.mean(1))
    with pytest.raises(ConfigError, match="pool of model or mean, got max"):
        HuggingFaceEncoder(model, pool="max")


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_of_a_model_of_images_and_texts_the_vision_part_is_read(tmp_path, kind):
    text = {**TINY, "vocab_size": 16, "max_position_embeddings": 8, "bos_token_id": 0, "eos_token_id": 1}
    both = {"text_config": text, "vision_config": {**TINY, **LOOK}}
    factory, config = {
        "clip": (transformers.CLIPModel, transformers.CLIPConfig),
        "siglip": (transformers.SiglipModel, transformers.SiglipConfig),
    }[kind]
    model = factory(config(**both)).eval()
    model.save_pretrained(tmp_path)
    net, x = HuggingFaceEncoder(tmp_path), seen(*images(32, 32))
    wanted = HuggingFaceEncoder(
        model.vision_model, mean=net.mean.flatten().tolist(), std=net.std.flatten().tolist()
    )
    torch.testing.assert_close(net(x).tokens, wanted(x).tokens)


def test_colours_are_normalised_as_the_processor_says_where_there_is_one(folders, tmp_path):
    built("clip").save_pretrained(tmp_path)
    said = {
        "image_mean": [0.1, 0.2, 0.3],
        "image_std": [0.5, 0.6, 0.7],
        "image_processor_type": "CLIPImageProcessor",
    }
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(said))
    net = HuggingFaceEncoder(tmp_path)
    torch.testing.assert_close(net.mean.flatten(), torch.tensor([0.1, 0.2, 0.3]))
    torch.testing.assert_close(net.std.flatten(), torch.tensor([0.5, 0.6, 0.7]))
    own = HuggingFaceEncoder(tmp_path, mean=[0.0, 0.0, 0.0], std=[1.0, 1.0, 1.0])
    assert own.mean.flatten().tolist() == [0, 0, 0]
    with pytest.raises(ConfigError, match=r"std of three colours, above 0, got \[1.0, 0.0, 1.0\]"):
        HuggingFaceEncoder(tmp_path, std=[1.0, 0.0, 1.0])


def test_a_family_whose_normalisation_is_not_known_asks_for_it():
    model = transformers.ViTModel(transformers.ViTConfig(**TINY, **LOOK)).eval()
    with pytest.raises(
        ConfigError, match=r"known without a processor for clip.*, got vit; pass mean and std"
    ):
        HuggingFaceEncoder(model)
    found = HuggingFaceEncoder(model, mean=[0.5] * 3, std=[0.5] * 3)(seen(*images(32, 32)))
    assert found.tokens.shape == (1, 16, 16)


def test_a_model_without_a_token_for_each_patch_is_refused():
    config = transformers.SwinConfig(
        image_size=32, patch_size=4, embed_dim=8, depths=[1, 1], num_heads=[1, 2], window_size=4
    )
    net = HuggingFaceEncoder(transformers.SwinModel(config).eval(), mean=[0.5] * 3, std=[0.5] * 3)
    with pytest.raises(
        ConfigError, match=r"each of 8 x 8 patches, got SwinModel with an output of \(1, 16, 16\)"
    ):
        net(seen(*images(32, 32)))
    config = transformers.YolosConfig(**TINY, image_size=[32, 32], patch_size=8, num_detection_tokens=5)
    net = HuggingFaceEncoder(transformers.YolosModel(config).eval(), mean=[0.5] * 3, std=[0.5] * 3)
    with pytest.raises(ConfigError, match="each of 4 x 4 patches, got YolosModel"):
        net(seen(*images(32, 32)))
    with pytest.raises(
        ConfigError, match="whose configuration has image_size, got resnet with image_size=None"
    ):
        HuggingFaceEncoder(transformers.ResNetModel(transformers.ResNetConfig(depths=[1], hidden_sizes=[8])))


def test_positions_and_images_that_do_not_belong_together_are_refused(folders):
    net = HuggingFaceEncoder(folders / "clip")
    rgb, depth = images(32, 32)
    with pytest.raises(ConfigError, match="positions=None for a Hugging Face model"):
        net(seen(rgb, depth), torch.ones(1, 16, dtype=torch.bool))
    with pytest.raises(FrameError, match="got rgb 16 x 32, depth 32 x 32"):
        net.encode(rgb[:, :16], depth)


def test_without_transformers_it_says_what_to_install(folders, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingPartError, match=r"pip install 'placecell\[transformers\]'"):
        HuggingFaceEncoder(folders / "clip")


def test_a_folder_that_does_not_hold_the_model_is_one_line(folders, tmp_path):
    (tmp_path / "empty").mkdir()
    for name in ("gone", "empty"):
        with pytest.raises(ArchiveError, match=f"{name}, got") as caught:
            HuggingFaceEncoder(tmp_path / name)
        assert "\n" not in str(caught.value)
    for keep in (0, 100, 2000):
        bad = tmp_path / f"cut{keep}"
        bad.mkdir()
        for path in (folders / "clip").iterdir():
            (bad / path.name).write_bytes(path.read_bytes())
        (bad / "model.safetensors").write_bytes((folders / "clip" / "model.safetensors").read_bytes()[:keep])
        with pytest.raises(ArchiveError, match=f"cut{keep}, got"):
            HuggingFaceEncoder(bad)


@pytest.mark.parametrize("change", [{"num_hidden_layers": 3}, {"hidden_size": 32}])
def test_weights_of_another_architecture_are_refused(folders, tmp_path, change):
    for path in (folders / "dinov2").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, **change}))
    with pytest.raises(ArchiveError, match="a vision model of transformers, in safetensors, at"):
        HuggingFaceEncoder(tmp_path)
