"""What a query by embedding gets, of the short term or of all else; and whose embeddings go together."""

from dataclasses import replace

import numpy as np
import pytest

from placecell.errors import ArchiveError, ConfigError, FrameError, PlacecellError
from placecell.geometry import Pinhole, Pose
from placecell.memory import Frame, Gate, Query, SpatialMemory, morton
from placecell.memory.describe import describe
from placecell.memory.sight.descriptor import WIDTH, descriptor_of, without_labels
from placecell.memory.tokens import TOKEN_FIELDS, TOKEN_WIDTH, batch_tokens

CAMERA = Pinhole.from_hfov(12, 8, 1.4)


def view(x, step=0, label=0, seed=None, **more):
    """A wall in front of a camera at (x, 0); with ``seed`` one with a pattern."""
    depth = np.full((8, 12), 2.0, np.float32)
    if seed is not None:
        depth = np.random.default_rng(seed).choice([0.5, 1.0, 2.0, 3.0, 5.0], (8, 12)).astype(np.float32)
    labels = np.zeros((8, 12), int)
    labels[3:6, 3:9] = label
    return Frame(Pose(x, 0, 0, 1.57).T_world_camera(0.9), CAMERA, depth, None, labels, step, **more)


def walked(steps=10, stride_m=2.0, **settings):
    """A way along x, at each step another of the unit vectors for an embedding."""
    memory = SpatialMemory(max_depth_m=10.0, **settings)
    for step in range(steps):
        memory.write(view(step * stride_m, step, embedding=np.eye(steps)[step]))
    return memory


def asked(memory, embedding, k=20, at=(0.0, 0.0, 0.9), radius_m=1e3, category=None):
    return memory.retrieve(Query(np.array(at), radius_m, category, embedding), k).items


def places(items):
    return [round(float(item.position[0]), 6) for item in items]


def test_the_short_term_answers_what_was_seen_of_late_and_near_and_the_long_term_all_else():
    memory, vectors = walked(topology=False), np.eye(10)
    recent = asked(memory, vectors[9], at=(18.0, 0.0, 0.9))
    assert {item.source for item in recent} == {"short_term"}
    assert places(recent)[0] == 18.0
    assert recent[0].score == pytest.approx(1.0)
    far = asked(memory, vectors[2], at=(18.0, 0.0, 0.9))
    assert {item.source for item in far} == {"long_term"}
    assert places(far)[0] == 4.0
    assert (far[0].score, far[0].age_steps) == (pytest.approx(1.0, abs=1e-3), 7)
    np.testing.assert_allclose(far[0].embedding, vectors[2], atol=1e-3)


def test_the_gate_opens_at_its_threshold():
    wanted = np.array([0.8, 0.6, *np.zeros(8)])
    for gate, source in ((0.79, "short_term"), (0.81, "long_term"), (1.0, "long_term"), (-1.0, "short_term")):
        memory = walked(gate=gate, topology=False)
        items = asked(memory, wanted, at=(0.0, 0.0, 0.9))
        assert items[0].source == source
        assert ("short_term" in {item.source for item in items}) == (source == "short_term")
    assert Gate(0.5).takes_short_term([-1.0, 0.5])
    assert not Gate(0.5).takes_short_term([0.499])
    assert not Gate(-1.0).takes_short_term([])
    with pytest.raises(ConfigError, match=r"a gate from -1 to 1, which is a cosine, got 1\.5"):
        SpatialMemory(gate=1.5)


def test_without_a_long_term_no_gate_stands_between_the_parts():
    memory = walked(long_term=False)
    items = asked(memory, np.eye(10)[9], at=(18.0, 0.0, 0.9))
    assert {item.source for item in items} == {"topology", "short_term"}
    assert memory.long_term is None
    memory.topology.clear()
    assert {item.source for item in asked(memory, np.eye(10)[9], at=(18.0, 0.0, 0.9))} == {"short_term"}


def test_queries_without_an_embedding_get_what_they_got_without_a_long_term():
    one, other = (SpatialMemory(max_depth_m=10.0, long_term=held) for held in (True, False))
    for step in range(6):
        for memory in (one, other):
            memory.write(view(step * 0.4, step, label=4 + step % 3, seed=step))
        for query in (Query(np.zeros(3), 50.0), Query(np.zeros(3), 50.0, 4), Query(np.ones(3), 0.4)):
            for k in (3, 3000):
                told = [
                    [(*item.position.tolist(), item.score, item.source, item.age_steps) for item in found]
                    for found in (memory.retrieve(query, k).items for memory in (one, other))
                ]
                assert told[0] == told[1]
    assert len(one.long_term) == 6


def test_views_from_one_spot_are_one_item_however_many_there_are():
    memory = SpatialMemory(max_depth_m=10.0, short_term=False, topology=False)
    rng = np.random.default_rng(0)
    for step in range(200):
        spot = 0.0 if step < 190 else step - 189.0
        memory.write(view(spot, step, embedding=np.array([1.0, *rng.normal(0, 0.1, 3)])))
    items = asked(memory, np.array([1.0, 0, 0, 0]), k=8)
    assert len(items) == 8
    assert len(set(places(items))) == 8
    assert [item.score for item in items] == sorted((item.score for item in items), reverse=True)
    near_by = asked(memory, np.array([1.0, 0, 0, 0]), k=8, radius_m=2.5)
    assert sorted(places(near_by)) == [0.0, 1.0, 2.0]


def test_a_category_with_an_embedding_is_answered_by_the_octree_first():
    memory = SpatialMemory(max_depth_m=10.0)
    features = np.zeros((1, 1, 3), np.float32)
    features[..., 0] = 1
    memory.write(view(0.0, label=4, features=features))
    items = asked(memory, np.array([1.0, 0, 0]), category=4)
    assert {(item.source, item.category) for item in items} == {("octree", 4)}
    assert max(item.score for item in items) == pytest.approx(1.0)


@pytest.fixture
def six_wide(monkeypatch):
    """The reversible token that comes with the package is one for vectors of 6 numbers."""
    from placecell.memory.reversible import ReversibleMemoryToken

    token = ReversibleMemoryToken(6, width=16, depth=2, heads=2, slots=2)
    monkeypatch.setattr(ReversibleMemoryToken, "shipped", classmethod(lambda cls: token))


def test_a_first_observation_that_no_token_is_made_for_is_refused_whole(six_wide):
    memory = SpatialMemory(max_depth_m=10.0, long_term_tokens="reversible")
    with pytest.raises(FrameError, match="width 6, which the token was built for, got 5"):
        memory.write(view(0.0, embedding=np.ones(5)))
    assert memory.stats()["items"] == 0
    memory.write(view(0.0, embedding=np.ones(6)))
    assert memory.stats()["long_term_items"] == 2


@pytest.mark.parametrize("tokens", ["flat", "mean", "reversible"])
def test_every_kind_of_token_is_asked_alike_and_saved(tokens, tmp_path, six_wide):
    memory = walked(6, long_term_tokens=tokens, topology=False)
    items = asked(memory, np.eye(6)[1], at=(10.0, 0.0, 0.9))
    assert {item.source for item in items} == {"long_term"}
    if tokens != "reversible":  # whose keys are learned
        assert places(items)[0] == 2.0
    else:
        assert all(item.embedding is None for item in items)
    memory.save(tmp_path / "memory.placecell")
    loaded = SpatialMemory.load(tmp_path / "memory.placecell")
    told = [
        [(i.position.tolist(), i.score) for i in asked(m, np.eye(6)[3], at=(0, 0, 0.9))]
        for m in (memory, loaded)
    ]
    assert told[0] == told[1]
    assert loaded.stats() == memory.stats()


def test_a_token_s_key_is_the_same_however_many_are_written_at_once(six_wide, monkeypatch):
    """And it is computed alone: torch takes two threads for two rows, and many times as long."""
    from placecell.memory.token_chains import TokenChains

    asked_for = []
    own = TokenChains.search_keys
    monkeypatch.setattr(
        TokenChains, "search_keys", lambda chains, rows: asked_for.append(len(rows)) or own(chains, rows)
    )
    memory = walked(6, stride_m=0.4, long_term_tokens="reversible")
    assert set(asked_for) == {1}
    entries = memory.long_term.near(np.zeros(3), 100.0)
    assert {entry.space for entry in entries} == {"leaf", "node"}
    chains = memory.long_term.chains
    for entry in entries:
        row = chains.row(entry.space, entry.key)
        np.testing.assert_array_equal(entry.vector, own(chains, np.array([row]))[0].astype(np.float16))


def test_an_observation_is_of_the_leaf_of_its_camera_and_of_its_place():
    memory = SpatialMemory(max_depth_m=10.0, leaf_level=3)
    memory.write(view(-0.1, 0))
    memory.write(view(5.0, 1, seed=1))
    entries = memory.long_term.near(np.zeros(3), 100.0)
    for entry, cell in zip(entries, ([-1, 0, 1], [6, 0, 1]), strict=True):
        assert entry.leaf == morton.encode(np.array([cell]))[0]
    assert [entry.node for entry in entries] == memory.topology.place_ids.tolist()
    alone = SpatialMemory(topology=False)
    alone.write(view(0.0))
    assert alone.long_term.near(np.zeros(3), 100.0)[0].node is None


def test_places_that_become_one_take_their_observations_along():
    memory = SpatialMemory(max_depth_m=10.0)
    for step, x in enumerate((0.0, 0.9, *np.linspace(0.42, 0.5, 40))):
        memory.write(view(float(x), step, seed=0))
    known = set(memory.topology.place_ids.tolist())
    assert len(known) == 1
    assert {entry.node for entry in memory.long_term.near(np.zeros(3), 10.0)} == known


def test_what_is_given_counts_as_used_and_only_that():
    memory = walked(topology=False)
    first = asked(memory, np.eye(10)[3], at=(18.0, 0.0, 0.9), k=1)
    assert first[0].source == "long_term"
    uses = {entry.last_step: entry.uses for entry in memory.long_term.near(np.zeros(3), 100.0)}
    assert uses == {step: int(step == 3) for step in range(10)}


def test_labels_that_are_forgotten_are_in_no_observation():
    labelled, plain = view(0.0, label=7, seed=3), view(0.0, seed=3)
    assert (descriptor_of(labelled) != descriptor_of(plain)).any()
    np.testing.assert_allclose(
        without_labels(descriptor_of(labelled)[None])[0], descriptor_of(plain), atol=1e-6
    )
    memory = SpatialMemory(topology=False, short_term=False)
    memory.write(labelled)
    memory.forget_labels()
    (entry,) = memory.long_term.near(np.zeros(3), 10.0)
    assert len(entry.vector) == WIDTH
    np.testing.assert_allclose(entry.vector, descriptor_of(plain), atol=1e-3)
    tokens = SpatialMemory(topology=False, short_term=False, long_term_tokens="mean")
    tokens.write(labelled)
    tokens.forget_labels()
    assert len(tokens.long_term) == 0
    encoded = walked(3, topology=False, encoder="some model")
    encoded.forget_labels()
    assert asked(encoded, np.eye(3)[0], at=(9.0, 0.0, 0.9))[0].source == "long_term"


def test_a_second_encoder_is_one_clear_error_and_changes_nothing(tmp_path):
    memory, other = walked(4, encoder="clip"), walked(4, encoder="dino")
    before = asked(memory, np.eye(4)[1], at=(9.0, 0, 0.9))
    with pytest.raises(
        ArchiveError, match="of the encoder 'clip', as this memory's, got those of the encoder 'dino'"
    ):
        memory.unpack(other.pack())
    unnamed = walked(4).pack()
    with pytest.raises(ArchiveError, match="got those of no named encoder"):
        memory.unpack(unnamed)
    wider = walked(5, encoder="clip")
    with pytest.raises(ArchiveError, match="embeddings of views of width 4, as this memory's, got width 5"):
        memory.unpack(wider.pack())
    with pytest.raises(PlacecellError, match="a memory with encoder 'clip', as this one's, got 'dino'"):
        memory.absorb(other, np.eye(4))
    with pytest.raises(PlacecellError, match="embeddings of views of width 4, as this one's, got width 5"):
        memory.absorb(wider, np.eye(4))
    with pytest.raises(FrameError, match="of width 4, got a frame with one of width 3"):
        memory.write(view(0.0, 9, embedding=np.ones(3)))
    assert places(asked(memory, np.eye(4)[1], at=(9.0, 0, 0.9))) == places(before)
    memory.save(tmp_path / "memory.placecell")
    assert SpatialMemory.load(tmp_path / "memory.placecell").encoder == "clip"


def test_an_archive_of_before_there_was_a_long_term_loads_with_an_empty_one():
    stored = walked(4).pack()
    later = ("long_term", "long_term_tokens", "leaf_level", "gate", "encoder")
    later = (*later, "max_bytes", "max_items", "max_prompt_tokens", "budget_policy")
    manifest = {name: value for name, value in stored.manifest.items() if name not in later}
    arrays = {n: a for n, a in stored.arrays.items() if not n.startswith(("long_term.", "upkeep."))}
    loaded = SpatialMemory.for_archive(old := replace(stored, manifest=manifest, arrays=arrays))
    loaded.write(view(0.0))
    loaded.begin_episode("cold")
    loaded.unpack(old)
    assert (len(loaded.long_term), len(loaded.topology), len(loaded.usage().steps)) == (0, 4, 0)
    assert asked(loaded, np.eye(4)[1], at=(9.0, 0, 0.9))[0].source == "topology"
    loaded.write(view(9.0, 5, embedding=np.eye(4)[3]))
    assert len(loaded.long_term) == 1


def test_observations_of_another_width_than_the_archive_says_are_refused():
    stored, memory = walked(4).pack(), walked(4)
    other = {n: a for n, a in walked(5).pack().arrays.items() if n.startswith("long_term.")}
    with pytest.raises(ArchiveError, match=r"observations of width 4, as sight\.widths says, got 5"):
        memory.unpack(replace(stored, arrays={**stored.arrays, **other}))
    assert len(memory.long_term) == 4


def test_a_camera_beyond_all_cells_is_refused_before_anything_changes():
    memory = SpatialMemory(octree=False, topology=False)
    bad = view(0.0)
    bad.T_world_camera[0, 3], bad.depth[:] = 2e6, 0
    with pytest.raises(FrameError, match="cameras within 1000000 m of the origin, got one beyond"):
        memory.write(bad)
    assert memory.stats()["items"] == 0


def test_items_of_the_long_term_become_tokens_and_text():
    memory = walked(6, topology=False)
    found = memory.retrieve(Query(np.array([10.0, 0, 0.9]), 100.0, embedding=np.eye(6)[1]), 3)
    rows, mask = batch_tokens([found], [Pose(10.0, 0.0, 0.0, 0.0)], 4, embedding_width=6)
    assert (rows.shape, mask.sum()) == ((1, 4, TOKEN_WIDTH + 6), 3)
    assert rows[0, :3, TOKEN_FIELDS.index("other")].tolist() == [1, 1, 1]
    np.testing.assert_allclose(rows[0, 0, TOKEN_WIDTH:], np.eye(6)[1], atol=1e-3)
    assert describe(found, Pose(10.0, 0.0, 0.0, 0.0)).splitlines()[0].startswith("view, 8.0 m, behind")
    assert describe(found, Pose(10.0, 0.0, 0.0, 0.0)).splitlines()[0].endswith("1.00 (long_term)")
