"""The reversible token: it depends on all that was written, and turns back in either mode."""

import json

import pytest
import torch
from safetensors.torch import save_file
from small_token import EMBEDDED, WIDTH, embeddings, small_token

from placecell.errors import ArchiveError, ConfigError, PlacecellError
from placecell.memory.reversal.masks import draw_seeds, keep_mask
from placecell.memory.reversible import SHIPPED, ReversibleMemoryToken
from placecell.memory.sight import descriptor


def observed(token, count, seed=1):
    return token.observe(torch.from_numpy(embeddings(count, seed)).to(token.key.weight)).detach()


@torch.no_grad()
def written(token, observations, seeds=None):
    """Writes (n, b, width) observations one after the other."""
    head, writes = token.start(observations.shape[1]), []
    for rows in observations:
        writes.append(token.write(head, rows, seeds))
        head = writes[-1].token
    return head, writes


@torch.no_grad()
def turned_back(token, head, writes):
    found = []
    for write in reversed(writes):
        head, observation = token.invert(head, write.residue, write.seeds)
        found.append(observation)
    return head, torch.stack(found[::-1])


def test_head_depends_on_each_of_all_writes():
    token = small_token()
    observations = observed(token, 40)[:, None].repeat(1, 41, 1)
    for row in range(40):  # in chain row, observation row is another; chain 40 is as it was
        observations[row, row] += 0.1 * torch.randn(WIDTH, generator=torch.Generator().manual_seed(row))
    heads = written(token, observations)[0]
    assert bool(((heads[:40] - heads[40]).norm(dim=1) > 0.01).all())
    plain = observations[:, 40:]
    assert not torch.allclose(heads[40:], written(token, plain[-1:])[0])  # not the last alone
    assert not torch.allclose(heads[40:], written(token, plain.flip(0))[0], atol=1e-3)  # their order, too


def test_each_entry_of_the_head_depends_on_each_entry_of_the_observation():
    token = small_token()
    observation = observed(token, 1)
    slopes = torch.autograd.functional.jacobian(lambda x: token.write(token.start(1), x).token, observation)
    assert bool((slopes.abs().view(WIDTH, WIDTH) > 1e-7).all())


@pytest.mark.parametrize(
    ("kind", "n", "tolerance"), [(torch.float32, 1000, 1e-3), (torch.float64, 100, 1e-12)]
)
def test_a_thousand_writes_come_back_within_the_tolerance(kind, n, tolerance):
    token = small_token(dropout=0.2).to(kind)
    observations = observed(token, n)[:, None].repeat(1, 2, 1)
    training = token.train().seeds(1)
    seeds = torch.cat([training, token.eval().seeds(1)])
    assert seeds.tolist() == [int(training), 0]
    assert int(training) != 0
    head, writes = written(token, observations, seeds)
    start, found = turned_back(token, head, writes)
    assert (found - observations).abs().max() < tolerance
    assert start.abs().max() < 100 * tolerance
    assert bool((head.norm(dim=1) > 30).all())  # the start is small beside it


def test_a_write_of_training_mode_is_turned_back_in_evaluation_mode_and_the_other_way():
    token = small_token(dropout=0.5).double()
    observations = observed(token, 20)[:, None]
    for training in (True, False):
        head, writes = written(token.train(training), observations)
        found = turned_back(token.train(not training), head, writes)[1]
        assert (found - observations).abs().max() < 1e-12
        assert bool((torch.cat([write.seeds for write in writes]) != 0).all()) == training


def test_dropout_changes_what_is_written_and_needs_its_own_seed():
    token = small_token(dropout=0.5).double().train()
    observation, start = observed(token, 1), token.start(1)
    one, same, other, plain = (token.write(start, observation, torch.tensor([s])) for s in (7, 7, 8, 0))
    assert torch.equal(one.token, same.token)
    assert not torch.allclose(one.token, other.token)
    assert not torch.allclose(one.token, plain.token)
    assert torch.equal(plain.token, token.eval().write(start, observation).token)
    wrong = token.invert(one.token, one.residue, other.seeds)[1]
    assert (wrong - observation).abs().max() > 0.01


def test_masks_are_of_a_row_alone_and_drop_their_share():
    seeds = draw_seeds(500, torch.Generator().manual_seed(0))
    like = torch.zeros(1)
    masks = keep_mask(seeds, 3, 64, 0.25, like)
    assert torch.equal(keep_mask(seeds[7:8], 3, 64, 0.25, like), masks[7:8])
    assert not torch.equal(keep_mask(seeds, 4, 64, 0.25, like), masks)
    assert masks.unique().tolist() == [0, pytest.approx(4 / 3)]
    assert abs((masks == 0).float().mean() - 0.25) < 0.01
    assert (masks == 0).float().mean(0).sub(0.25).abs().max() < 0.1  # in each column
    assert bool((keep_mask(torch.tensor([0]), 3, 64, 0.25, like) == 1).all())


def test_what_a_write_adds_is_bounded_whatever_is_written():
    token = small_token()
    small, large = (token.write(token.start(1), observed(token, 1) * scale).token for scale in (1, 1e6))
    assert large.norm() < 10 * small.norm()
    assert bool(token.keys(token.start(2)).isfinite().all())


def test_untrained_the_key_is_that_of_the_mean_and_finds_its_place_again():
    token = small_token(rough=1)
    places = observed(token, 30)
    noise = torch.randn(5, 30, WIDTH, generator=torch.Generator().manual_seed(2))
    seen = places + 0.5 * noise
    with torch.no_grad():
        heads = written(token, seen[:4])[0]
        cosines = token.queries(seen[4]) @ token.keys(heads).T
    assert bool((token.keys(heads).norm(dim=1) - 1).abs().max() < 1e-5)
    assert (cosines.argmax(1) == torch.arange(30)).float().mean() > 0.8  # chance: 0.03


def test_the_task_and_the_cycle_reach_every_weight():
    token = small_token()
    raw = torch.from_numpy(embeddings(6))
    head, cycle = token.start(3), 0.0
    for part in (raw[:3], raw[3:]):
        observation = token.observe(part)
        head = token.write(head, observation).token
        cycle = cycle + (token.decode(head) - observation).square().mean()
    cosines = token.queries(token.observe(raw[3:])) @ token.keys(head).T
    loss = torch.nn.functional.cross_entropy(cosines * 10, torch.arange(3))
    loss.backward(retain_graph=True)
    assert token.query.weight.grad.norm() > 1e-3
    assert token.key.weight.grad.norm() > 1e-3
    (0.1 * cycle).backward()
    # A softmax does not see what all its scores have in common: the keys' part of the attention's bias.
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in token.parameters())
    assert all(p.grad.abs().max() > 0 for p in token.parameters())


def test_decoding_is_turning_back_without_a_residue_and_can_be_learned():
    token = small_token(rough=1)
    observations, start = observed(token, 64), token.start(64)
    head = token.write(start, observations).token
    zeros, none = torch.zeros_like(head), torch.zeros(64, dtype=torch.int64)
    assert torch.equal(token.decode(head), token.invert(head, zeros, none)[1])
    optimizer = torch.optim.Adam(token.parameters(), 1e-2)
    losses = []
    for _ in range(60):
        loss = (token.decode(token.write(start, observations).token) - observations).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]


def test_observing_keeps_angles():
    token = ReversibleMemoryToken(EMBEDDED, 32, 1, 2, 2)
    raw = torch.from_numpy(embeddings(9))
    seen = token.observe(raw)
    assert torch.allclose(seen @ seen.T / 32, raw @ raw.T, atol=1e-5)


def test_saved_and_loaded_it_is_the_same_to_the_bit(tmp_path):
    token = small_token(dropout=0.25).train()
    path = tmp_path / "token.safetensors"
    token.save(path)
    loaded = ReversibleMemoryToken.load(path)
    assert loaded.config() == token.config()
    assert not loaded.training
    for name, tensor in token.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)
    token.double().save(path)
    assert ReversibleMemoryToken.load(path).key.weight.dtype == torch.float64


def test_other_files_are_errors(tmp_path):
    path = tmp_path / "token.safetensors"
    with pytest.raises(ArchiveError, match=r"reversible token in .*, got no such file; train one"):
        ReversibleMemoryToken.load(path)
    path.write_bytes(b"nothing")
    with pytest.raises(ArchiveError, match="cannot be read"):
        ReversibleMemoryToken.load(path)
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(ArchiveError, match="a file of another kind"):
        ReversibleMemoryToken.load(path)
    kind = {"kind": "placecell reversible token 1"}
    config = '{"observation_width": 4, "width": 8, "depth": 1, "heads": 1, "slots": 2}'
    for text in (config, "[]", "{", '{"width": 1000000000}'):
        save_file({"key.weight": torch.zeros(1)}, path, {**kind, "config": text})
        with pytest.raises(ArchiveError, match="sizes and weights that don't fit") as raised:
            ReversibleMemoryToken.load(path)
        assert len(str(raised.value)) < 400 + len(str(path))


def test_weights_that_are_no_numbers_of_a_token_are_errors(tmp_path):
    token, path = small_token(), tmp_path / "token.safetensors"
    metadata = {"kind": "placecell reversible token 1", "config": json.dumps(token.config())}
    for kind in (torch.int32, torch.float16):
        save_file({name: weight.to(kind) for name, weight in token.state_dict().items()}, path, metadata)
        with pytest.raises(ArchiveError, match="not all float32 or all float64"):
            ReversibleMemoryToken.load(path)


def test_the_shipped_token_is_one_of_the_built_in_descriptor():
    assert SHIPPED.stat().st_size <= 5e6
    token = ReversibleMemoryToken.shipped()
    assert (token.observation_width, token.training) == (descriptor.WIDTH, False)
    assert all(bool(weight.isfinite().all()) for weight in token.parameters())
    raw = torch.nn.functional.normalize(torch.randn(5, descriptor.WIDTH), dim=1)
    observations = token.observe(raw).detach()[:, None]
    head, writes = written(token, observations)
    assert (turned_back(token, head, writes)[1] - observations).abs().max() < 6e-5


def test_bad_sizes_and_widths_are_errors():
    with pytest.raises(ConfigError, match="width that slots \\* heads divides"):
        ReversibleMemoryToken(4, width=20, heads=8, slots=8)
    with pytest.raises(ConfigError, match="dropout from 0 to below 1, got 1"):
        ReversibleMemoryToken(4, dropout=1.0)
    token = small_token()
    with pytest.raises(PlacecellError, match=f"embeddings of width {EMBEDDED}, got 5"):
        token.observe(torch.zeros(1, 5))
    with pytest.raises(PlacecellError, match=f"observations of width {WIDTH}, got {EMBEDDED}"):
        token.write(token.start(1), torch.from_numpy(embeddings(1)))
    with pytest.raises(PlacecellError, match="observations for 2 tokens, got 1; pass one a token"):
        token.write(token.start(2), token.start(1))
    with pytest.raises(PlacecellError, match=f"tokens of width {WIDTH}, got 3"):
        token.invert(torch.zeros(1, 3), token.start(1), torch.zeros(1, dtype=torch.int64))


@pytest.mark.parametrize("name", ["observation_width", "width", "depth"])
def test_sizes_that_a_file_claims_cost_nothing(tmp_path, name):
    path = tmp_path / "token.safetensors"
    sizes = {"observation_width": 64, "width": 64, "depth": 1, "heads": 1, "slots": 1, name: 10**9}
    metadata = {"kind": "placecell reversible token 1", "config": json.dumps(sizes)}
    save_file({"key.weight": torch.zeros(64, 64)}, path, metadata)
    with pytest.raises(ArchiveError, match="don't fit"):
        ReversibleMemoryToken.load(path)
