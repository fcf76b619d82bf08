"""From the names in a config to an environment of panorama graphs."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from placecell.arrays import content_hash
from placecell.errors import ConfigError, DataError

from ..folders import data_folder
from .action_spaces import MOST_STEPS, make_action_space
from .datasets import read_dataset
from .env import GraphNavEnv, InstructionTask
from .features import FeatureSource, open_features
from .folds import chosen
from .instructed import InstructedEpisode, nodes_of
from .manhattan import load_streets
from .matterport import load_scans
from .objects import ObjectLabels
from .observation import Sensors, Sizes, World
from .panorama_graph import PanoramaGraph
from .points_of_interest import PointsOnGraph, read_points
from .r4r import join_r4r
from .tours import MOST_VISITS, InstructionTour, make_instruction_tour, tours_of
from .walk import R2R, STREETS

ID = "placecell/GraphNav-v0"
INDOORS, OUTDOORS = ("local", "global"), ("local", "orar", "velma")


def make_graph_env(world: str = "r2r", **options: Any) -> GraphNavEnv:
    """What ``gymnasium.make("placecell/GraphNav-v0", world=..., ...)`` calls.

    Args:
        world: ``r2r`` or ``streets``.
        **options: of :func:`make_r2r_env` or :func:`make_streets_env`.

    Raises:
        ConfigError: another world, and what those raise.
    """
    makes: dict[str, Callable[..., GraphNavEnv]] = {"r2r": make_r2r_env, "streets": make_streets_env}
    _require_one_of("world", world, tuple(makes))
    return makes[world](**options)


def make_r2r_env(
    dataset: str = "r2r",
    split: str = "val_seen",
    *,
    fold: str | None = None,
    half: str | None = None,
    scans: Sequence[str] | str | None = None,
    actions: str = "local",
    semantics: bool = False,
    features: str | None = None,
    features_width: int | None = None,
    max_steps: int | None = None,
    task: Mapping[str, Any] | None = None,
    episodes: int | None = None,
    seed: int = 0,
    render_mode: str | None = None,
) -> GraphNavEnv:
    """Instructions in Matterport's homes.

    Args:
        dataset: ``r2r``, ``r4r`` (joined from R2R's paths) or ``rxr``.
        split: as its file is named: ``train``, ``val_seen``, ...
        fold: of the scans by hash, see :mod:`~placecell.envs.graph.folds`; None takes all.
        half: of the episodes by hash, ``even`` or ``odd``; None takes both.
        scans: those kept, or one; None takes all.
        actions: ``local`` or ``global``, see :mod:`~placecell.envs.graph.action_spaces`.
        semantics: adds the labels of objects with their boxes (an oracle).
        features: a file of image features, one array a panorama; None adds none.
        features_width: numbers a view that a model takes; None takes what the file has.
        max_steps: of an episode, stop included; None takes 35.
        task: ``name`` ``instruction`` or ``tour``, and the keys of
            :class:`~placecell.envs.graph.tours.InstructionTour`.
        episodes: how many will be walked; the dataset has its own number.
        seed: nothing here is drawn.
        render_mode: None.

    Raises:
        ConfigError: an unknown name, a value of another type, or a part of the dataset with no episode.
        DataError, EpisodeError: data that are missing, damaged or do not fit each other.
    """
    asked = _task(task, tours=True)
    _require_one_of("env.dataset", dataset, ("r2r", "r4r", "rxr"))
    _require_one_of("env.actions", actions, INDOORS)
    _require_counts(max_steps, episodes)
    found, graphs = _indoors(dataset, split, scans)
    found = chosen(found, dataset=dataset, fold=fold, half=half)
    graphs = {name: graphs[name] for name in dict.fromkeys(episode.scene_id for episode in found)}
    _require_paths(found, graphs)
    lengths: tuple[int, ...] = ()
    if isinstance(asked, InstructionTour):
        found, lengths = tours_of(found, graphs, asked.visits or MOST_VISITS)
    labels = ObjectLabels() if semantics else None
    worlds = {
        name: World(graph, None if labels is None else labels.of(graph), scan=name)
        for name, graph in graphs.items()
    }
    sizes = Sizes(_most(graphs.values()), None if labels is None else labels.most)
    source = _features(features, features_width)
    return GraphNavEnv(
        lambda episode: worlds[episode.scene_id], found,
        actions=make_action_space(
            actions, most_neighbours=sizes.candidates, most_nodes=max(map(len, graphs.values()))
        ),
        sensors=Sensors(sizes, (e.instruction for e in found), views=True, features=source), rules=R2R,
        max_steps=max_steps or MOST_STEPS[actions],
        categories=() if labels is None else labels.categories,
        origins=_origins(
            found, graphs, world="r2r", dataset=dataset, split=split, fold=fold, half=half, actions=actions,
            semantics=semantics, labels_hash=None if labels is None else labels.content_hash,
            features=_told(features, source),
        ),
        oracle=("perfect_pose",) if labels is None else ("oracle_semantics", "perfect_pose"),
        task=asked, visits_per_tour=lengths or 1, render_mode=render_mode,
    )  # fmt: skip


def make_streets_env(
    dataset: str = "map2seq_unseen",
    split: str = "dev",
    *,
    half: str | None = None,
    actions: str = "orar",
    points_of_interest: str | None = None,
    permute_points: bool = False,
    features: str | None = None,
    features_width: int | None = None,
    max_steps: int | None = None,
    task: Mapping[str, Any] | None = None,
    episodes: int | None = None,
    seed: int = 0,
    render_mode: str | None = None,
) -> GraphNavEnv:
    """Instructions in the streets of Manhattan.

    Args:
        dataset: a folder under ``PLACECELL_DATA`` with ``{split}.json``, ``nodes.txt`` and ``links.txt``.
        split: the file's name.
        half: of the episodes by hash, ``even`` or ``odd``; None takes both.
        actions: ``orar``, ``velma`` or ``local``, see :mod:`~placecell.envs.graph.action_spaces`.
        points_of_interest: a file of ``id,lat,lng,tags`` lines (an oracle); None adds none.
        permute_points: shuffles them along each episode's route, drawn from ``seed``: the control.
        features: a file of image features, one array a panorama; None adds none.
        features_width: numbers a view that a model takes; None takes what the file has.
        max_steps: of an episode, turns and stop included; None takes the action space's own (55; local 35).
        task: ``name`` ``instruction``.
        episodes: how many will be walked; the dataset has its own number.
        seed: of ``permute_points``.
        render_mode: None.

    Raises:
        ConfigError, DataError, EpisodeError: as :func:`make_r2r_env`.
    """
    asked = _task(task, tours=False)
    _require_one_of("env.actions", actions, OUTDOORS)
    _require_counts(max_steps, episodes)
    found = chosen(read_dataset(dataset, split), dataset=dataset, half=half)
    graph = load_streets(data_folder(dataset))
    _require_paths(found, {graph.name: graph})
    points = None
    if points_of_interest is not None:
        points = PointsOnGraph.of(graph, read_points(Path(points_of_interest).expanduser()))
        if not points.most:
            raise DataError(
                expected=f"points of interest near the panoramas of {dataset}, in {points_of_interest}",
                came="none within reach of any of them",
                fix="name a file for this city, or set env.points_of_interest=null",
            )
    sizes = Sizes(graph.most_neighbours, points=None if points is None else points.most)
    source = _features(features, features_width)
    return GraphNavEnv(
        _street_worlds(graph, points, seed if permute_points else None), found,
        actions=make_action_space(actions, most_neighbours=sizes.candidates, most_nodes=len(graph)),
        sensors=Sensors(sizes, (e.instruction for e in found), views=False, features=source),
        rules=STREETS, max_steps=max_steps or MOST_STEPS[actions],
        categories=() if points is None else points.texts,
        origins=_origins(
            found, {graph.name: graph}, world="streets", dataset=dataset, split=split, half=half,
            actions=actions, points_of_interest=_hash_of(points, permute_points),
            permuted_by=seed if permute_points else None,
            features=_told(features, source),
        ),
        oracle=("perfect_pose",) if points is None else ("oracle_landmarks", "perfect_pose"),
        task=asked, render_mode=render_mode,
    )  # fmt: skip


def _street_worlds(
    graph: PanoramaGraph, points: PointsOnGraph | None, permute_seed: int | None
) -> Callable[[InstructedEpisode], World]:
    """The world of an episode: the same for all, or with landmarks shuffled along its route."""
    world = World(graph, points=points)
    if points is None or permute_seed is None:
        return lambda _: world

    @lru_cache(maxsize=2)
    def shuffled(path: tuple[str, ...]) -> World:
        return World(graph, points=points.permuted(permute_seed, graph.indices_of(path)))

    return lambda episode: shuffled(episode.path)


def _indoors(
    dataset: str, split: str, scans: Sequence[str] | str | None
) -> tuple[tuple[InstructedEpisode, ...], dict[str, PanoramaGraph]]:
    """A split's episodes in the scans that are kept, and their graphs."""
    found = read_dataset("r2r" if dataset == "r4r" else dataset, split)
    known = sorted({episode.scene_id for episode in found})
    kept = known if scans is None else listed_scans(scans)
    unknown = [scan for scan in kept if scan not in known]
    if unknown or not kept:
        raise ConfigError(
            expected=f"env.scans of the {len(known)} that {dataset} {split} has, as [{', '.join(known[:3])}]",
            came=f"the unknown scan {unknown[0]!r}" if unknown else "an empty list",
            fix="correct the list, or set env.scans=null for all",
        )
    # R4R's ids count its paths over all scans: joined whole, they do not hang on what is kept.
    graphs = load_scans(known if dataset == "r4r" else kept)
    whole = join_r4r(found, graphs) if dataset == "r4r" else found
    found = tuple(episode for episode in whole if episode.scene_id in set(kept))
    if not found:
        raise ConfigError(
            expected=f"episodes of {dataset} {split} in the scans {', '.join(kept[:3])}",
            came="none, for no two of their paths can be joined",
            fix="keep other scans, or set env.scans=null for all",
        )
    return found, graphs


def listed_scans(scans: object) -> list[str]:
    """Names of scans, of one or of a list.

    Raises:
        ConfigError: something else.
    """
    if isinstance(scans, str):
        return [scans]
    # A config's list is a sequence of its own kind.
    if not isinstance(scans, Sequence) or not all(isinstance(scan, str) for scan in scans):
        raise ConfigError(
            expected="env.scans to be a list of names, or null",
            came=repr(scans),
            fix="set env.scans=[NAME,...]",
        )
    return list(scans)


def _task(options: Mapping[str, Any] | None, *, tours: bool) -> InstructionTask | InstructionTour:
    """The task of a config node.

    Raises:
        ConfigError: a task for other worlds, or a key that it does not have.
    """
    options = dict(options or {"name": InstructionTask.name})
    name = options.pop("name", None)
    if name == InstructionTour.name and tours:
        return make_instruction_tour(options)
    if name != InstructionTask.name:
        raise ConfigError(
            expected="a task of panorama graphs",
            came=repr(name),
            fix=f"set task=instruction{' (or task=tour)' if tours else ''}",
        )
    if options:
        raise ConfigError(
            expected="task=instruction without further keys",
            came=", ".join(map(str, options)),
            fix="take them out",
        )
    return InstructionTask()


def _require_one_of(name: str, value: object, known: Sequence[str]) -> None:
    if value not in known:
        raise ConfigError(
            expected=f"{name} of {', '.join(known)}", came=repr(value), fix="choose one of them"
        )


def _require_counts(max_steps: object, episodes: object) -> None:
    for name, value in (("env.max_steps", max_steps), ("episodes", episodes)):
        _require_count(name, value)


def _require_count(name: str, value: object) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    if value is not None and not whole:
        raise ConfigError(expected=f"{name} of 1 or more, or null", came=repr(value), fix=f"set {name}=N")


def _require_paths(episodes: Sequence[InstructedEpisode], graphs: Mapping[str, PanoramaGraph]) -> None:
    """Says before the first episode what one of them would break with; a path's instructions share it."""
    for episode in {(episode.scene_id, episode.path_id): episode for episode in episodes}.values():
        nodes_of(graphs[episode.scene_id], episode)


def _features(path: str | None, width: int | None) -> FeatureSource[Any] | None:
    _require_count("env.features_width", width)
    if path is not None:
        return open_features(Path(path).expanduser(), width)
    if width is not None:
        raise ConfigError(
            expected="env.features, for env.features_width to check",
            came="null",
            fix="name a file of them, or set env.features_width=null",
        )
    return None


def _told(path: str | None, source: FeatureSource[Any] | None) -> dict[str, Any] | None:
    """What ``provenance()`` says of a file of features."""
    if source is None:
        return None
    return {"file": path, "shape": list(source.shape), "sampled_hash": source.sampled_hash()}


def _most(graphs: Any) -> int:
    return max(graph.most_neighbours for graph in graphs)


def _hash_of(points: PointsOnGraph | None, permuted: bool) -> str | None:
    """Of the landmarks as they stand; shuffling needs some.

    Raises:
        ConfigError: there is nothing to shuffle.
    """
    if points is not None:
        return content_hash(points.texts, points.first, points.point, points.text_of, points.distance_m)
    if permuted:
        raise ConfigError(
            expected="env.points_of_interest, for env.permute_points to shuffle",
            came="null",
            fix="name a file of them, or set env.permute_points=false",
        )
    return None


def _origins(
    episodes: Sequence[InstructedEpisode], graphs: Mapping[str, PanoramaGraph], **names: Any
) -> dict[str, Any]:
    """What ``provenance()`` says: names, and hashes of the episodes and of the graphs that they use."""
    told = ((e.episode_id, e.scene_id, e.instruction, e.start_yaw_rad, e.path) for e in episodes)
    parts = [
        part
        for name, graph in sorted(graphs.items())
        for part in (name, graph.names, graph.positions, graph.first, graph.other, graph.yaw)
    ]
    return {
        "environment": ID,
        **names,
        "graphs": len(graphs),
        "episodes_hash": content_hash(*map(repr, told)),
        "graphs_hash": content_hash(*parts),
    }
