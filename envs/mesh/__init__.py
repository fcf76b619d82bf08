"""The embedded simulator: any mesh, ray-cast by Embree on the CPU; no display, no GL, no system library."""

from .env import MeshNavEnv
from .make import make_mesh_env
from .scene import Scene

__all__ = ["MeshNavEnv", "Scene", "make_mesh_env"]
