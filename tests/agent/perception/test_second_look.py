"""The second round: every request served by the encoder it names, alone or in a mixed batch, and paid for."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from placecell.agent.perception.encoded import Encoded, patch_centres
from placecell.agent.perception.encoder import RgbdEncoder
from placecell.agent.perception.reencoding import NewTokens, ReEncoding
from placecell.agent.perception.region_crops import crop, resampled
from placecell.agent.perception.region_tokens import Malformed, ReEncode, Vocabulary
from placecell.agent.perception.regions import PixelBox, Region, crop_box
from placecell.agent.perception.rgbd_planes import planes
from placecell.agent.perception.second_look import Branch, encoded_pixels, second_round
from placecell.errors import ConfigError

WORDS = Vocabulary(8, ("own", "deep", "plain"))
WIDTH = 6
LONG = 16


class Patches(nn.Module):
    """Patches of 8 x 8 pixels, projected."""

    def __init__(self, channels, width):
        super().__init__()
        self.project = nn.Conv2d(channels, width, 8, 8)

    def forward(self, x):
        y = self.project(x)
        grid = (y.shape[2], y.shape[3])
        tokens = y.flatten(2).transpose(1, 2)
        return Encoded(tokens, patch_centres(grid, (x.shape[2], x.shape[3])), grid, tokens.mean(1))


def brightness(x):
    """A plain function as an encoder: one token, the mean of each plane."""
    tokens = x.mean((2, 3))[:, None]
    return Encoded(tokens, patch_centres((1, 1), (x.shape[2], x.shape[3])), (1, 1), tokens[:, 0])


@pytest.fixture
def branches():
    torch.manual_seed(0)
    return {
        "own": Branch(Patches(3, 4), ReEncoding(WIDTH, 4), size=(32, 32)),
        "deep": Branch(Patches(3, 7), ReEncoding(WIDTH, 7), size=(16, 24)),
        "plain": Branch(brightness, ReEncoding(WIDTH, 3)),
    }


def world(rows, seed=0):
    generator = torch.Generator().manual_seed(seed)
    sizes = [(64, 96), (40, 80), (64, 96), (50, 70)]
    images = [torch.rand(3, *sizes[row % 4], generator=generator) for row in range(rows)]
    return images, torch.randn(rows, LONG, WIDTH, generator=generator)


def asked(*requests):
    return WORDS.parse(WORDS.emit(requests))


MIXED = [
    asked(ReEncode("own"), Region(2, 2, 3, 3)),
    (),
    asked(ReEncode("deep")),
    asked(Region(0, 0, 1, 1), Region(6, 6, 7, 7), ReEncode("plain")),
]


def test_two_kinds_of_token_in_one_answer_both_get_their_round(branches):
    images, hidden = world(1)
    answer = WORDS.parse(WORDS.emit([Region(3, 3, 4, 4), ReEncode("deep")]))
    (found,) = second_round([answer], images, hidden, branches, region_branch="own")
    region, again = found.looks
    assert (region.request, region.branch, region.shown) == (Region(3, 3, 4, 4), "own", (32, 32))
    assert region.box == crop_box(Region(3, 3, 4, 4), (64, 96))
    own = branches["own"]
    seen = own.encoder(resampled(crop(images[0], region.box)[None], (32, 32)))
    torch.testing.assert_close(region.tokens, own.projection(seen.tokens)[0])
    assert (again.request.encoder, again.box) == ("deep", PixelBox(0, 0, 96, 64))
    deep = branches["deep"]
    seen = deep.encoder(resampled(images[0][None], (16, 24)))
    state = hidden[:, answer[1].position]
    torch.testing.assert_close(again.tokens, deep.projection(seen.tokens, state)[0])
    assert (again.tokens - deep.projection(seen.tokens)[0]).abs().max() > 0.01


def test_a_batch_that_mixes_encoders_gives_what_each_row_gives_alone(branches):
    images, hidden = world(4)
    together = second_round(MIXED, images, hidden, branches, region_branch="own")
    assert [[look.branch for look in row.looks] for row in together] == [
        ["own", "own"],
        [],
        ["deep"],
        ["own", "own", "plain"],
    ]
    for row in range(4):
        (alone,) = second_round(
            [MIXED[row]], images[row : row + 1], hidden[row : row + 1], branches, region_branch="own"
        )
        for a, b in zip(alone.looks, together[row].looks, strict=True):
            torch.testing.assert_close(a.tokens, b.tokens, atol=1e-5, rtol=1e-5)
            assert torch.equal(a.pixels, b.pixels)
            assert (a.request, a.branch, a.box, a.shown) == (b.request, b.branch, b.box, b.shown)


def test_one_encoder_is_called_once_for_all_that_it_is_asked(branches):
    calls = []
    branches["own"].encoder.register_forward_hook(lambda module, given, out: calls.append(len(given[0])))
    images, hidden = world(4)
    second_round(MIXED, images, hidden, branches, region_branch="own")
    assert calls == [4]


def test_malformed_requests_are_handed_on_and_stop_nothing(branches):
    images, hidden = world(2)
    broken = WORDS.parse([*WORDS.emit([Region(1, 1, 2, 2)])[:-1], *WORDS.emit([ReEncode("own")])])
    found = second_round([broken, ()], images, hidden, branches, region_branch="own")
    assert [str(item) for item in found[0].malformed] == [
        "malformed request at token 5: <|own_action_start|> before the end of <|region_token_start|>"
    ]
    assert [look.branch for look in found[0].looks] == ["own"]
    assert found[1].looks == found[1].malformed == ()
    assert found[1].encoded_pixels == 0
    assert second_round([], [], torch.zeros(0, 3, WIDTH), branches, region_branch="own") == ()
    assert isinstance(broken[0], Malformed)


@settings(deadline=None, max_examples=50)
@given(rows=st.lists(st.lists(st.sampled_from([*WORDS.tokens, "<|x_9|>", "so"]), max_size=LONG), max_size=3))
def test_whatever_a_model_says_the_round_ends(rows):
    images, hidden = world(len(rows))
    branches = {name: Branch(brightness, ReEncoding(WIDTH, 3)) for name in WORDS.encoders}
    answers = [WORDS.parse(row) for row in rows]
    found = second_round(answers, images, hidden, branches, region_branch="own")
    assert [len(row.looks) + len(row.malformed) for row in found] == [len(answer) for answer in answers]


def test_tokens_lie_in_the_original_image(branches):
    images, hidden = world(1)
    (found,) = second_round(
        [asked(Region(4, 4, 5, 5), ReEncode("own"))], images, hidden, branches, region_branch="own"
    )
    crop_look, whole_look = found.looks
    assert crop_look.box == PixelBox(36, 24, 84, 56)
    assert crop_look.pixels[0].tolist() == [36 + 48 / 8, 24 + 32 / 8]
    assert crop_look.pixels[-1].tolist() == [84 - 48 / 8, 56 - 32 / 8]
    assert whole_look.pixels[0].tolist() == [96 / 8, 64 / 8]


def test_the_cost_is_counted_in_encoded_pixels_first_look_and_second(branches):
    images, hidden = world(4)
    found = second_round(MIXED, images, hidden, branches, region_branch="own")
    assert [row.encoded_pixels for row in found] == [2 * 32 * 32, 0, 16 * 24, 2 * 32 * 32 + 50 * 70]
    assert encoded_pixels((128, 128), *(look.shown for look in found[0].looks)) == 128 * 128 + 2 * 32 * 32
    # Crops as they are cost what they cover.
    grown = second_round([asked(Region(3, 3, 3, 3))], images[:1], hidden[:1], branches, region_branch="plain")
    assert grown[0].encoded_pixels == (3 * 8) * (3 * 12)
    tight = second_round(
        [asked(Region(3, 3, 3, 3))], images[:1], hidden[:1], branches, region_branch="plain", grow=0
    )
    assert tight[0].encoded_pixels == 8 * 12


def test_gradients_reach_new_tokens_projections_and_encoders_of_every_row(branches):
    table = torch.randn(20, WIDTH, generator=torch.Generator().manual_seed(5))
    vocabulary = WORDS.with_ids(range(20, 20 + len(WORDS.tokens)))
    tokens = NewTokens(table, len(WORDS.tokens), torch.Generator().manual_seed(6))
    asked_for = [[ReEncode("own")], [Region(1, 1, 2, 2), ReEncode("deep")]]
    ids = [[vocabulary.id_of[token] for token in vocabulary.emit(row)] for row in asked_for]
    answers = [vocabulary.parse(row) for row in ids]
    length = max(map(len, ids))
    hidden = torch.tanh(tokens(torch.tensor([row + [0] * (length - len(row)) for row in ids])))
    found = second_round(answers, world(2)[0], hidden, branches, region_branch="own")
    sum(look.tokens.square().sum() for row in found for look in row.looks).backward()
    grads = tokens.new.grad.abs().sum(1)
    learned = {WORDS.tokens[number] for number in grads.nonzero().flatten().tolist()}
    assert learned == {"<|own_action|>", "<|deep_action|>"}
    for name in ("own", "deep"):
        for parameter in branches[name].parameters():
            assert parameter.grad.abs().sum() > 0


def test_the_rgbd_encoder_looks_again_in_more_detail():
    torch.manual_seed(0)
    net = RgbdEncoder(widths=(8, 16, 16), depths=(1, 1, 1), heads=(2, 2, 2), width=12, size=(32, 32)).eval()
    rng = np.random.default_rng(0)
    rgb = torch.from_numpy(rng.integers(0, 256, (1, 96, 128, 3)).astype(np.uint8))
    depth = torch.full((1, 96, 128), 2.0)
    branches = {"own": Branch(net, ReEncoding(WIDTH, 12), size=net.size)}
    vocabulary = Vocabulary(8, ("own",))
    answer = vocabulary.parse(vocabulary.emit([Region(0, 0, 1, 1), ReEncode("own")]))
    (found,) = second_round(
        [answer], planes(rgb, depth), torch.randn(1, 9, WIDTH), branches, region_branch="own"
    )
    assert [look.tokens.shape for look in found.looks] == [(16, WIDTH), (16, WIDTH)]
    assert found.looks[0].pixels.max() < found.looks[1].pixels.max()
    assert found.encoded_pixels == 2 * 32 * 32


@pytest.mark.parametrize(
    ("answers", "options", "text"),
    [
        ([asked(ReEncode("own"))] * 2, {}, r"as many images.*got 2 answers, 1 images, 1 rows"),
        ([(ReEncode("sam", 1),)], {}, r"an encoder: own, deep, plain, got sam; give second_round a branch"),
        ([asked(Region(0, 0, 1, 1))], {"region_branch": "x"}, r"an encoder: own, deep, plain, got x"),
        ([(ReEncode("own", LONG),)], {}, r"a control token at 0 to 15.*row 0.*got 16; parse the tokens"),
        ([(ReEncode("own"),)], {}, r"a control token at 0 to 15.*got None"),
        ([(Region(0, 0, 9, 9, 65),)], {}, r"an image of 65 x 65 pixels or more.*got 96 x 64"),
        ([asked(Region(0, 0, 1, 1))], {"grow": -1}, r"0 or more cells of growth"),
    ],
)
def test_bad_input_is_told_in_a_line(branches, answers, options, text):
    with pytest.raises(ConfigError, match=text) as told:
        second_round(answers, *world(1), branches, **{"region_branch": "own", **options})
    assert "\n" not in str(told.value)
