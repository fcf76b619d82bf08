"""The plug in backbones that are not ours in form: a recurrent policy, a transformer over graph candidates.

The third, a vision-language model, is in test_soft_tokens.py.
"""

import math

import numpy as np
import pytest
import torch
from torch import nn

from placecell.geometry import Pinhole, Pose
from placecell.memory import Frame, MemoryItem, Query, Retrieval, SpatialMemory
from placecell.memory.fusion import MemoryFusion
from placecell.memory.tokens import TOKEN_WIDTH, batch_tokens

DTYPES = (torch.float32, torch.bfloat16)
CAMERA = Pinhole.from_hfov(16, 16, 1.5)


class RecurrentPolicy(nn.Module):
    """Image to features to a GRU to actions and a value; ``fuse`` is where a memory may look in."""

    def __init__(self):
        super().__init__()
        self.see = nn.Sequential(nn.Conv2d(4, 8, 4, 4), nn.ReLU(), nn.Flatten(), nn.Linear(128, 32))
        self.gru, self.act, self.value = nn.GRUCell(32, 32), nn.Linear(32, 4), nn.Linear(32, 1)

    def forward(self, images, state, fuse=lambda hidden: hidden):
        state = fuse(self.gru(self.see(images).relu(), state))
        return self.act(state), self.value(state), state


class CandidateScorer(nn.Module):
    """A transformer over an instruction and the candidates of a viewpoint: a score a candidate."""

    def __init__(self, layers=2):
        super().__init__()
        self.words, self.candidate = nn.Embedding(20, 32), nn.Linear(2, 32)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True, norm_first=True)
            for _ in range(layers)
        )
        self.score = nn.Linear(32, 1)

    def forward(self, words, candidates, padding):
        hidden = torch.cat([self.words(words), self.candidate(candidates)], 1)
        padding = torch.cat([torch.zeros_like(words, dtype=torch.bool), padding], 1)
        for layer in self.layers:
            hidden = layer(hidden, src_key_padding_mask=padding)
        return self.score(hidden[:, words.shape[1] :])[..., 0]


def walk(agents=2, steps=5):
    """What each of some agents sees and recalls, each with a memory of its own, at each step."""
    rng = np.random.default_rng(0)
    memories = [SpatialMemory(voxel_size_m=0.2, max_depth_m=5.0) for _ in range(agents)]
    for memory in memories:
        memory.begin_episode("cold")
    for step in range(steps):
        poses = [Pose(0.25 * step, float(agent), 0.0, 0.3 * step) for agent in range(agents)]
        depth = rng.uniform(0.5, 3, (agents, 16, 16)).astype(np.float32)
        rgb = rng.integers(0, 256, (agents, 16, 16, 3), np.uint8)
        recalled = [
            memory.retrieve(
                Query(pose.position, 2.0 + 3 * n), k=4 + n
            )  # before the write: the first is empty
            for n, (memory, pose) in enumerate(zip(memories, poses))
        ]
        for n, memory in enumerate(memories):
            memory.write(Frame(poses[n].T_world_camera(1.0), CAMERA, depth[n], rgb[n], step=step))
        images = np.concatenate([rgb / np.float32(255), depth[..., None]], -1).transpose(0, 3, 1, 2)
        yield torch.from_numpy(images), batch_tokens(recalled, poses, k=6)


def roll_out(policy, plug, frames, dtype=torch.float32):
    state, outs = torch.zeros(2, 32, dtype=dtype), []
    for images, (tokens, mask) in frames:
        fuse = (lambda hidden: plug(hidden, tokens, mask)) if plug else (lambda hidden: hidden)  # noqa: B023
        *said, state = policy(images.to(dtype), state, fuse)
        outs += [*said, state]
    return outs


def same_bits(outs, others):
    return all(
        a.detach().numpy().tobytes() == b.detach().numpy().tobytes()
        for a, b in zip(outs, others, strict=True)
    )


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_recurrent_policy_walks_on_as_it_did(dtype):
    torch.manual_seed(0)
    policy, plug = RecurrentPolicy().to(dtype), MemoryFusion(32, TOKEN_WIDTH, 4)
    frames = list(walk())
    assert [int(mask.sum()) for _, (_, mask) in frames][:2] == [0, 9]
    plain = [out.float() for out in roll_out(policy, None, frames, dtype)]
    plugged = [out.float() for out in roll_out(policy, plug, frames, dtype)]
    assert same_bits(plugged, plain)


def test_a_recurrent_policy_learns_through_the_plug():
    torch.manual_seed(0)
    policy, plug = RecurrentPolicy(), MemoryFusion(32, TOKEN_WIDTH, 4)
    frames = list(walk())
    before = [p.detach().clone() for p in policy.parameters()]
    optimiser = torch.optim.Adam([*policy.parameters(), *plug.parameters()], lr=1e-3)
    for reached in ({"gate"}, {name for name, _ in plug.named_parameters()}):
        optimiser.zero_grad()
        sum(out.square().mean() for out in roll_out(policy, plug, frames)).backward()
        assert {name for name, p in plug.named_parameters() if bool(p.grad.any())} == reached
        optimiser.step()
    assert all(bool((p != old).any()) for p, old in zip(policy.parameters(), before))
    with torch.no_grad():
        assert not same_bits(roll_out(policy, plug, frames), roll_out(policy, None, frames))
        forgotten = [(images, (tokens, np.zeros_like(mask))) for images, (tokens, mask) in frames]
        assert same_bits(roll_out(policy, plug, forgotten), roll_out(policy, None, frames))


def drawn(rows, seed):
    """Rooms with 4 candidates each, a remembered thing beyond one of them, and which."""
    rng = np.random.default_rng(seed)
    turns = rng.uniform(0, 2 * math.pi, rows)[:, None] + np.arange(4) * math.pi / 2
    right = rng.integers(0, 4, rows)
    bearing = turns[np.arange(rows), right]
    places = np.stack([3 * np.cos(bearing), 3 * np.sin(bearing), np.ones(rows)], 1)
    recalled = [Retrieval((MemoryItem(place, 1.0, "octree", 3, category=2),)) for place in places]
    tokens, mask = batch_tokens(recalled, [Pose(0.0, 0.0, 0.0, 0.0)] * rows, k=2)
    candidates = torch.from_numpy(np.stack([np.sin(turns), np.cos(turns)], -1).astype(np.float32))
    words = torch.from_numpy(rng.integers(0, 20, (rows, 5)))
    padding = torch.zeros(rows, 4, dtype=torch.bool)
    return (
        (words, candidates, padding),
        torch.from_numpy(tokens),
        torch.from_numpy(mask),
        torch.from_numpy(right),
    )


class Looking(nn.Module):
    """A layer of somebody's backbone that looks into a memory after its work.

    A wrapper and no forward hook: on a layer with hooks torch leaves its fused path for inference, and
    rounds otherwise.
    """

    def __init__(self, layer, plug):
        super().__init__()
        self.layer, self.plug, self.memory = layer, plug, None

    def forward(self, hidden, **options):
        return self.plug(self.layer(hidden, **options), *self.memory)


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_transformer_scores_candidates_as_it_did(dtype, training):
    torch.manual_seed(0)
    scorer, plug = CandidateScorer().to(dtype).train(training), MemoryFusion(32, TOKEN_WIDTH, 4)
    (words, candidates, padding), tokens, mask, _ = drawn(6, 0)
    padding[::2, 2:] = True
    inputs = words, candidates.to(dtype), padding
    with torch.no_grad():
        plain = scorer(*inputs).float()
        scorer.layers[0] = looking = Looking(scorer.layers[0], plug)
        looking.memory = tokens, mask
        assert same_bits([scorer(*inputs).float()], [plain])
        nn.init.ones_(plug.gate)
        assert not same_bits([scorer(*inputs).float()], [plain])
        looking.memory = tokens, torch.zeros_like(mask)
        assert same_bits([scorer(*inputs).float()], [plain])


def right_choices(content):
    """Of unseen rooms, the share chosen right after training; ``content`` 0 is the control of equal form."""
    torch.manual_seed(0)
    scorer, plug = CandidateScorer(), MemoryFusion(32, TOKEN_WIDTH, 4)
    optimiser = torch.optim.Adam([*scorer.parameters(), *plug.parameters()], lr=3e-3)
    scorer.layers[0] = looking = Looking(scorer.layers[0], plug)

    def scores(inputs, tokens, mask):
        looking.memory = tokens * content, mask
        return scorer(*inputs)

    inputs, tokens, mask, right = drawn(1500, 1)
    for rows in torch.randint(1500, (120, 64), generator=torch.Generator().manual_seed(2)):
        guess = scores([given[rows] for given in inputs], tokens[rows], mask[rows])
        optimiser.zero_grad()
        nn.functional.cross_entropy(guess, right[rows]).backward()
        optimiser.step()
    inputs, tokens, mask, right = drawn(400, 0)
    with torch.no_grad():
        return float((scores(inputs, tokens, mask).argmax(1) == right).float().mean())


def test_a_transformer_learns_to_go_where_a_thing_is_remembered():
    with_memory, with_zeros = right_choices(1.0), right_choices(0.0)
    assert with_memory > 0.9
    assert 0.15 < with_zeros < 0.35
