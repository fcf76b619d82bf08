import pytest


@pytest.fixture(scope="session")
def home():
    """The built-in home with a small camera and three episodes; shared, for an episode leaves nothing."""
    from placecell.envs.mesh import make_mesh_env

    env = make_mesh_env(width=64, height=64, episodes=3)
    yield env
    env.close()
