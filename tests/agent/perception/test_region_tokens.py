"""Tokens of requests: what is emitted is read back, and nothing that a model can say ends an episode."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placecell.agent.perception.region_tokens import (
    REGION_END,
    REGION_START,
    Malformed,
    ReEncode,
    Vocabulary,
    cell,
    control,
    split,
    tokens_to_add,
)
from placecell.agent.perception.regions import Region
from placecell.errors import ConfigError

WORDS = Vocabulary(8, ("clip", "dinov2"))
START, CONTROL, END = control("clip")


def said(text):
    """ "S x1 y2 E" for start, cells, end; "c! c c." for clip's start, control, end; the rest are words."""
    short = {
        "S": REGION_START,
        "E": REGION_END,
        "c!": START,
        "c": CONTROL,
        "c.": END,
        "d!": control("dinov2")[0],
    }
    return [
        short.get(word) or (cell(word[0], int(word[1:])) if word[0] in "xy" and word[1:].isdigit() else word)
        for word in text.split()
    ]


def request(drawn):
    """A name or cells; made here and not in the strategy, where the shape checks' dice are not welcome."""
    return ReEncode(drawn) if isinstance(drawn, str) else Region.hull(drawn)


cells = st.tuples(st.integers(0, 7), st.integers(0, 7))
drawn_requests = st.one_of(st.lists(cells, min_size=1, max_size=4), st.sampled_from(["clip", "dinov2"]))
anything = st.one_of(
    st.sampled_from(WORDS.tokens),
    st.sampled_from(["<|x_8|>", "<|y_99|>", "<|x_-1|>", "<|x_|>", "<|x_03|>", "<|im_end|>", "cat", ""]),
    st.text(max_size=5),
    st.integers(),
    st.integers(-2, 30),
    st.sampled_from(
        [None, True, 2.5, float("nan"), (), b"<|x_1|>", np.int64(3), np.int64(-3), np.array([1, 2])]
    ),
)


def test_the_tokens_are_the_published_ones():
    assert tokens_to_add()[:4] == [REGION_START, "<|region_token_end|>", "<|x_0|>", "<|x_1|>"]
    assert len(tokens_to_add()) == 1 + 1 + 8 + 8
    added = tokens_to_add(4, ["clip"])
    assert added[-4:] == ["<|y_3|>", "<|clip_action_start|>", "<|clip_action|>", "<|clip_action_end|>"]
    assert len(set(added)) == len(added) == 2 + 8 + 3


def test_a_region_is_said_by_its_corners_and_may_be_by_any_cells_of_its_hull():
    region = Region(0, 3, 6, 4)
    assert list(WORDS.emit([region])) == said("S x0 y3 x6 y4 E")
    assert WORDS.parse(said("S x6 y4 x0 y3 E")) == (region,)
    assert WORDS.parse(said("S x0 y4 x6 y4 x2 y3 E")) == (region,)
    assert WORDS.parse(said("S x2 y3 E")) == (Region(2, 3, 2, 3),)


@settings(deadline=None)
@given(drawn=st.lists(drawn_requests, max_size=6), word=st.sampled_from(["so", "", "<|im_end|>", 10**6]))
def test_what_is_emitted_is_read_back_between_words_and_as_ids(drawn, word):
    asked = [request(item) for item in drawn]
    tokens = WORDS.emit(asked)
    assert WORDS.parse(tokens) == tuple(asked)
    texts = [item for one in asked for item in (word, *WORDS.emit([one]))]
    assert WORDS.parse([*texts, word]) == tuple(asked)
    for vocabulary in (WORDS, WORDS.with_ids(range(500, 500 + len(WORDS.tokens)))):
        assert vocabulary.parse([vocabulary.id_of[token] for token in tokens]) == tuple(asked)
    assert WORDS.parse("Let me see. " + "".join(tokens) + "\nThat is it.") == tuple(asked)


def test_two_kinds_in_one_answer_are_read_in_order_and_the_control_token_is_found():
    answer = said("I look S x1 y1 x2 y2 E and c! c c. then S x0 y0 E")
    found = WORDS.parse(answer)
    assert found == (Region(1, 1, 2, 2), ReEncode("clip"), Region(0, 0, 0, 0))
    assert answer[found[1].position] == CONTROL


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("S x1 y1", [(3, "no end of <|region_token_start|>")]),
        ("S", [(1, "no end")]),
        ("S E", [(1, "a region without cells")]),
        ("S y1 x1 E", [(1, "<|y_1|> where an x cell belongs")]),
        ("S x1 x2 E", [(2, "<|x_2|> where a y cell belongs")]),
        ("S x1 y1 x2 E", [(4, "an x cell without its y cell")]),
        ("S x8 y1 E", [(1, "<|x_8|> outside a grid of 8")]),
        ("S x1 cat y1 E E", [(2, "'cat' in a region"), (5, "<|region_token_end|> without a start")]),
        ("S x1 c y1 E", [(2, "'<|clip_action|>' in a region")]),
        ("S x1 y1 c! c c.", [(3, "<|clip_action_start|> before the end"), ReEncode("clip")]),
        ("S x1 y1 S x2 y2 E", [(3, "before the end of <|region_token_start|>"), Region(2, 2, 2, 2)]),
        ("E", [(0, "without a start")]),
        ("x1 y9", [(0, "<|x_1|> without a start"), (1, "<|y_9|> without a start")]),
        ("c! c.", [(1, "no control token after")]),
        ("c! c c c.", [(2, "<|clip_action|> twice")]),
        ("c! E c.", [(1, "'<|region_token_end|>' after <|clip_action_start|>")]),
        ("d! c c.", [(1, "'<|clip_action|>' after <|dinov2_action_start|>")]),
        ("c! c", [(2, "no end of <|clip_action_start|>")]),
        ("c c.", [(0, "<|clip_action|> without"), (1, "<|clip_action_end|> without")]),
    ],
)
def test_what_is_broken_is_told_once_where_it_broke(text, told):
    found = WORDS.parse(said(text))
    assert len(found) == len(told)
    for item, wanted in zip(found, told):
        if isinstance(wanted, tuple):
            assert isinstance(item, Malformed)
            assert item.position == wanted[0]
            assert wanted[1] in item.reason
        else:
            assert item == wanted


def test_ids_out_of_range_and_things_that_are_no_tokens_are_malformed():
    start = WORDS.id_of[REGION_START]
    first = WORDS.parse([start, 10**9, WORDS.id_of[REGION_END]])
    assert [str(item) for item in first] == ["malformed request at token 1: id 1000000000 in a region"]
    assert [item.reason for item in WORDS.parse([-1, 5.5, True])] == [
        "id -1 is no token",
        "a float is no token",
        "a bool is no token",
    ]


@settings(max_examples=300, deadline=None)
@given(sequence=st.lists(anything, max_size=20), last=drawn_requests)
def test_no_sequence_raises_and_a_whole_request_after_it_is_still_read(sequence, last):
    found = WORDS.parse(iter(sequence))
    for item in found:
        if isinstance(item, Malformed):
            assert 0 <= item.position <= len(sequence)
            assert "\n" not in str(item)
            assert len(str(item)) < 160
        elif isinstance(item, ReEncode):
            token = sequence[item.position]
            assert (token if isinstance(token, str) else WORDS.token_of[int(token)]) == control(item.encoder)[
                1
            ]
    positions = [item.position for item in found if isinstance(item, Malformed)]
    assert positions == sorted(set(positions))
    assert WORDS.parse([*sequence, *WORDS.emit([request(last)])])[-1] == request(last)


@settings(deadline=None)
@given(drawn=drawn_requests, place=st.integers(0, 100), swap=st.booleans())
def test_a_request_with_one_token_lost_or_two_swapped_is_never_taken_for_one(drawn, place, swap):
    tokens = list(WORDS.emit([request(drawn)]))
    at = place % (len(tokens) - swap)
    tokens[at : at + 1 + swap] = reversed(tokens[at : at + 2]) if swap else []
    found = WORDS.parse(tokens)
    assert found
    assert all(isinstance(item, Malformed) for item in found)


def test_a_tokenizer_takes_the_tokens_and_gives_their_ids_back():
    pytest.importorskip("transformers", reason="the extra transformers is not installed")
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    plain = Tokenizer(models.WordLevel({"[UNK]": 0, "look": 1, "there": 2}, unk_token="[UNK]"))
    plain.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, unk_token="[UNK]")
    with pytest.raises(
        ConfigError, match=r"24 different ids, got 24, 1 of them different; add tokens_to_add"
    ):
        WORDS.with_ids(tokenizer.convert_tokens_to_ids(list(WORDS.tokens)))
    added = tokens_to_add(8, ["clip", "dinov2"])
    assert tokenizer.add_tokens(added, special_tokens=True) == 24
    vocabulary = WORDS.with_ids(tokenizer.convert_tokens_to_ids(added))
    assert vocabulary.ids == tuple(range(3, 27))
    asked = (Region(1, 0, 7, 3), ReEncode("dinov2"))
    ids = tokenizer("look " + "".join(vocabulary.emit(asked)) + " there").input_ids
    assert ids == [1, *(vocabulary.id_of[token] for token in vocabulary.emit(asked)), 2]
    assert vocabulary.parse(ids) == asked
    assert vocabulary.parse(split(tokenizer.decode(ids))) == asked


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: tokens_to_add(0), r"a grid of 1 or more cells a side, got k = 0"),
        (lambda: Vocabulary(8, ("a b",)), r"of a-z, 0-9 and _, got 'a b'"),
        (lambda: Vocabulary(8, ("a", "a")), r"different names of encoders.*got 'a', 'a'"),
        (lambda: WORDS.with_ids([1, 2]), r"24 different ids, got 2"),
        (lambda: WORDS.emit([Region(0, 0, 1, 1, 4)]), r"a region on a grid of 8, got one of 4"),
        (lambda: WORDS.emit([ReEncode("sam")]), r"an encoder of the vocabulary: clip, dinov2, got sam"),
    ],
)
def test_bad_input_is_told_in_a_line(make, text):
    with pytest.raises(ConfigError, match=text) as told:
        make()
    assert "\n" not in str(told.value)
