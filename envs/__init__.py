"""Worlds, tasks and measures: usable alone, without memory or agents.

Importing this registers the Gymnasium ids.

>>> import gymnasium, placecell.envs
>>> {"placecell/MeshNav-v0", "placecell/GraphNav-v0"} <= set(gymnasium.registry)
True
"""

import gymnasium

gymnasium.register("placecell/MeshNav-v0", entry_point="placecell.envs.mesh:make_mesh_env")
gymnasium.register(
    "placecell/GraphNav-v0",
    entry_point="placecell.envs.graph:make_graph_env",
    vector_entry_point="placecell.envs.graph.vector:make_graph_vector_env",
)
