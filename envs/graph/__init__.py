"""Panorama graphs: rooms of Matterport and streets of Manhattan, walked by human instructions."""

from .env import GraphNavEnv
from .make import make_graph_env, make_r2r_env, make_streets_env

__all__ = ["GraphNavEnv", "make_graph_env", "make_r2r_env", "make_streets_env"]
