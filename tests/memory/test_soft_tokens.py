"""The plug in a Hugging Face vision-language model: tiny, random, built from its configuration alone."""

import copy

import numpy as np
import pytest
import torch

from placecell.errors import PlacecellError
from placecell.memory.fusion import MemoryFusion
from placecell.memory.soft_tokens import SoftTokens

pytest.importorskip("transformers", reason="the extra transformers is not installed")

ENTRIES, WIDTH, IMAGE, STEPS = 12, 32, 120, 6
CLOSE = 1e-5  # of logits of about 1, float32


@pytest.fixture(scope="module")
def model():
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    text = {
        **{"vocab_size": 128, "hidden_size": WIDTH, "intermediate_size": 64, "num_hidden_layers": 2},
        **{"num_attention_heads": 4, "num_key_value_heads": 2, "initializer_range": 0.2},
        **{"bos_token_id": 1, "eos_token_id": None, "pad_token_id": 0},
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [1, 1, 2]},
    }
    vision = {
        **{"depth": 1, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "patch_size": 4},
        **{"window_size": 16, "out_hidden_size": WIDTH, "fullatt_block_indexes": [0]},
    }
    ids = {"image_token_id": IMAGE, "video_token_id": 121, "vision_start_token_id": 122}
    torch.manual_seed(0)
    built = Qwen2_5_VLForConditionalGeneration(
        Qwen2_5_VLConfig(text_config=text, vision_config=vision, vision_end_token_id=123, **ids)
    )
    return built.eval().requires_grad_(False)


@pytest.fixture(autouse=True)
def no_positions_of_an_earlier_call(model):
    model.model.rope_deltas = None


@pytest.fixture
def soft():
    torch.manual_seed(1)
    return SoftTokens(WIDTH, ENTRIES, scale=0.2)


def memory(rows, k=4, seed=2):
    return torch.randn(rows, k, ENTRIES, generator=torch.Generator().manual_seed(seed))


UNEVEN = torch.tensor(
    [[True, True, True, True], [True, False, False, False], [False] * 4, [True, True, True, False]]
)


def prompts():
    """Four texts, padded on the left as for generation."""
    ids = torch.randint(3, 100, (4, 7), generator=torch.Generator().manual_seed(4))
    attention_mask = torch.ones_like(ids)
    attention_mask[0, :2] = attention_mask[3, :3] = 0
    return ids, attention_mask


def joined(model, soft, **rest):
    ids, attention_mask = prompts()
    return soft.join(model.get_input_embeddings()(ids), attention_mask, memory(4), UNEVEN, **rest)


def uncached(model, inputs, **images):
    """Greedy generation that computes everything anew for each token.

    By hand, for ``generate(inputs_embeds=..., use_cache=False)`` uses a cache all the same.
    """
    embeds, attention_mask, position_ids = inputs.values()
    ids, logits = [], []
    for _ in range(STEPS):
        out = model(
            inputs_embeds=embeds,
            attention_mask=attention_mask,
            position_ids=position_ids,
            use_cache=False,
            **images,
        )
        assert out.past_key_values is None
        logits.append(out.logits[:, -1])
        ids.append(logits[-1].argmax(-1, keepdim=True))
        embeds = torch.cat([embeds, model.get_input_embeddings()(ids[-1])], 1)
        attention_mask = torch.nn.functional.pad(attention_mask, (0, 1), value=1)
        position_ids = torch.cat([position_ids, position_ids[..., -1:] + 1], -1)
    return torch.cat(ids, 1), torch.stack(logits)


def cached(model, inputs, **images):
    options = {"max_new_tokens": STEPS, "do_sample": False, "return_dict_in_generate": True}
    out = model.generate(**inputs, **options, **images, use_cache=True, output_logits=True)
    assert out.past_key_values.get_seq_length() == inputs["inputs_embeds"].shape[1] + STEPS - 1
    return out.sequences, torch.stack(out.logits)


def require_the_same(model, inputs, **images):
    with torch.no_grad():
        (ids, logits), (other_ids, other_logits) = (
            cached(model, inputs, **images),
            uncached(model, inputs, **images),
        )
    assert torch.equal(ids, other_ids)
    assert torch.allclose(logits, other_logits, rtol=0, atol=CLOSE)
    return ids, logits


def test_cached_generation_equals_uncached(model, soft):
    inputs = joined(model, soft).inputs()
    _, logits = require_the_same(model, inputs)
    assert logits.std() > 0.5
    # the comparison has teeth: what the positions, the mask and the memory say moves logits by far more
    for name, wrong in (
        ("position_ids", inputs["position_ids"] * 2),
        ("attention_mask", torch.ones_like(inputs["attention_mask"])),
        ("inputs_embeds", inputs["inputs_embeds"].roll(1, 0)),
    ):
        with torch.no_grad():
            assert not torch.allclose(uncached(model, {**inputs, name: wrong})[1], logits, atol=1000 * CLOSE)


def test_positions_are_those_that_generate_would_count(model, soft):
    inputs = joined(model, soft).inputs()
    ids, logits = cached(model, inputs)
    del inputs["position_ids"]
    options = {"max_new_tokens": STEPS, "do_sample": False, "return_dict_in_generate": True}
    own = model.generate(**inputs, **options, output_logits=True)
    assert torch.equal(own.sequences, ids)
    assert torch.equal(torch.stack(own.logits), logits)


def test_a_row_says_the_same_alone(model, soft):
    whole = joined(model, soft)
    ids, attention_mask = prompts()
    with torch.no_grad():
        logits = model(**whole.inputs(), use_cache=False).logits[:, -1]
        for row in range(4):
            there = attention_mask[row].bool()
            embeds = model.get_input_embeddings()(ids[row, there])[None]
            alone = soft.join(
                embeds, torch.ones(embeds.shape[:2], dtype=torch.long), memory(4)[row, UNEVEN[row]][None]
            )
            assert alone.prefix == int(UNEVEN[row].sum())
            assert torch.allclose(
                model(**alone.inputs(), use_cache=False).logits[0, -1], logits[row], atol=CLOSE
            )


def test_without_memory_the_inputs_are_those_that_came(model, soft):
    ids, attention_mask = prompts()
    embeds = model.get_input_embeddings()(ids)
    for tokens, mask in (
        (memory(4), torch.zeros(4, 4, dtype=torch.bool)),
        (torch.zeros(4, 0, ENTRIES), None),
    ):
        plain = soft.join(embeds, attention_mask, tokens, mask)
        assert plain.prefix == 0
        assert torch.equal(plain.inputs_embeds, embeds)
        assert torch.equal(plain.attention_mask, attention_mask)
        out = model.generate(**plain.inputs(), max_new_tokens=STEPS, do_sample=False)
        own = model.generate(ids, attention_mask=attention_mask, max_new_tokens=STEPS, do_sample=False)
        assert torch.equal(out, own[:, ids.shape[1] :])


def image_prompt(model, before=()):
    """A text with an image of 4 x 4 patches, which is 2 x 2 tokens; ids may stand before it."""
    ids = torch.tensor([[*before, 5, 122, *[IMAGE] * 4, 123, 17, 30, 9]])
    grid = torch.tensor([[1, 4, 4]])
    positions, _ = model.model.get_rope_index(ids, (ids == IMAGE).int(), image_grid_thw=grid)
    pixels = torch.randn(16, 96, generator=torch.Generator().manual_seed(6))
    return ids, positions, {"pixel_values": pixels, "image_grid_thw": grid}


def test_a_text_with_an_image_keeps_its_positions(model, soft):
    ids, positions, images = image_prompt(model)
    embeds, tokens = model.get_input_embeddings()(ids), memory(1, 3)
    seen = soft.join(embeds, torch.ones_like(ids), tokens, position_ids=positions)
    _, as_if_text, _ = image_prompt(model, before=(7, 7, 7))
    assert torch.equal(seen.position_ids, as_if_text)
    assert not torch.equal(seen.position_ids[1], seen.position_ids[0])
    _, logits = require_the_same(model, seen.inputs(), **images)
    other = {**images, "pixel_values": images["pixel_values"] + 1}
    with torch.no_grad():
        assert not torch.allclose(uncached(model, seen.inputs(), **other)[1], logits, atol=1000 * CLOSE)


def test_soft_tokens_take_part_from_the_first_step_on_and_learn(model, soft):
    """A frozen model, given the same text twice, learns to name the word that each memory stands for."""
    ids, wanted, tokens = prompts()[0][:1].repeat(2, 1), torch.tensor([40, 77]), memory(2)
    embeds, there = model.get_input_embeddings()(ids), torch.ones_like(ids)
    with torch.no_grad():
        plain = model(ids, attention_mask=there, use_cache=False).logits[:, -1]
    optimiser = torch.optim.Adam(soft.parameters(), lr=2e-2)
    for step in range(60):
        logits = model(**soft.join(embeds, there, tokens).inputs(), use_cache=False).logits[:, -1]
        assert step or not torch.allclose(logits, plain, atol=0.01)
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(logits, wanted).backward()
        assert all(bool(p.grad.any()) for p in soft.parameters())
        optimiser.step()
    assert torch.equal(logits.argmax(1), wanted)


class Looking(torch.nn.Module):
    """A decoder layer that looks into a memory after its work."""

    def __init__(self, layer, plug, *held):
        super().__init__()
        self.layer, self.plug, self.held = layer, plug, held

    def forward(self, hidden, *given, **options):
        return self.plug(self.layer(hidden, *given, **options), *self.held)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_a_closed_plug_in_its_layers_leaves_the_logits_to_the_bit(model, dtype):
    built, plug = copy.deepcopy(model).to(dtype), MemoryFusion(WIDTH, ENTRIES, 4)
    ids, attention_mask = prompts()
    options = {"attention_mask": attention_mask, "max_new_tokens": STEPS, "do_sample": False}
    with torch.no_grad():
        plain = built(ids, attention_mask=attention_mask, use_cache=False).logits
        answer = built.generate(ids, **options)
        layers = built.model.language_model.layers
        layers[0] = Looking(layers[0], plug, memory(4), UNEVEN)
        assert torch.equal(built(ids, attention_mask=attention_mask, use_cache=False).logits, plain)
        assert torch.equal(built.generate(ids, **options), answer)
        torch.nn.init.ones_(plug.gate)
        opened = built(ids, attention_mask=attention_mask, use_cache=False).logits
    assert torch.equal(opened[2], plain[2])  # its row of the mask is empty
    assert not torch.allclose(opened[0], plain[0], atol=0.01)


def test_cached_generation_equals_uncached_with_an_open_plug_too(model):
    built, plug = copy.deepcopy(model), MemoryFusion(WIDTH, ENTRIES, 4)
    torch.nn.init.ones_(plug.gate)
    layers = built.model.language_model.layers
    layers[0] = Looking(layers[0], plug, memory(4), UNEVEN)
    ids, attention_mask = prompts()
    positions = (attention_mask.cumsum(1) - 1).clamp(min=0)
    embeds = built.get_input_embeddings()(ids)
    _, logits = require_the_same(
        built, {"inputs_embeds": embeds, "attention_mask": attention_mask, "position_ids": positions}
    )
    assert not torch.allclose(
        cached(model, {"inputs_embeds": embeds, "attention_mask": attention_mask, "position_ids": positions})[
            1
        ],
        logits,
        atol=0.01,
    )


def test_soft_tokens_have_the_size_of_words_and_leave_zeros():
    soft = SoftTokens(WIDTH, ENTRIES, category_embedding=4)
    out, there = soft(memory(4), UNEVEN, np.arange(16).reshape(4, 4))
    assert torch.equal(there, UNEVEN)
    assert not bool(out[~UNEVEN].any())
    assert float(out.detach()[UNEVEN].square().mean().sqrt()) == pytest.approx(0.02, rel=0.01)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SoftTokens(8, 4, scale=0.0), "scale above 0 and finite, got 0"),
        (lambda: SoftTokens(0, 4), "widths of 1 or more .* got memory_width 4, width 0"),
        (lambda: join(width=7), r"embeddings of width 8.* got embeddings \(2, 3, 7\)"),
        (lambda: join(rows=3), r"each of the batch, got embeddings \(2, 3, 8\), memory \(3, 2, 12\)"),
        (lambda: join(entries=9), "memory tokens of width 12, got 9"),
    ],
)
def test_what_does_not_fit_is_said(call, message):
    with pytest.raises(PlacecellError, match=message):
        call()


def join(width=8, rows=2, entries=ENTRIES):
    text = torch.zeros(2, 3, width)
    return SoftTokens(8, ENTRIES).join(
        text, torch.ones(2, 3, dtype=torch.long), torch.zeros(rows, 2, entries)
    )
