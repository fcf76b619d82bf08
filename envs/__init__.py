"""Worlds, tasks and measures: usable alone, without memory or agents.

Importing this registers the Gymnasium ids.

>>> import gymnasium, placecell.envs
>>> "placecell/MeshNav-v0" in gymnasium.registry
True
"""

import gymnasium

gymnasium.register("placecell/MeshNav-v0", entry_point="placecell.envs.mesh:make_mesh_env")
