"""Other people's configs: packages that add choices through the entry-point group ``placecell.configs``.

In their ``pyproject.toml``::

    [project.entry-points."placecell.configs"]
    toybot = "toybot.conf"

``toybot/conf/`` is a package (it has an ``__init__.py``) with the folders ``env``, ``agent``, ``memory``,
``task``, and a YAML file a choice. A choice of ours wins over one of the same name.
"""

import importlib.util
from importlib.metadata import EntryPoint, entry_points

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.plugins import Plugins
from hydra.plugins.search_path_plugin import SearchPathPlugin

from placecell.errors import ConfigError

GROUP = "placecell.configs"


class InstalledConfigs(SearchPathPlugin):
    """Appends every installed package's configs to Hydra's search path, in the order of their names."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Called by Hydra for each application."""
        for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
            _require_package(entry)
            search_path.append(provider=entry.name, path=f"pkg://{entry.module}")


def register_installed_configs() -> None:
    """Makes Hydra in this process see the installed packages' configs; a second call changes nothing."""
    Plugins.instance().register(InstalledConfigs)


def _require_package(entry: EntryPoint) -> None:
    """Hydra passes over a package that it cannot read without a word: say so instead."""
    try:
        spec = importlib.util.find_spec(entry.module)
    except ImportError:
        spec = None
    if spec is None or spec.origin is None:
        raise ConfigError(
            expected=f"the configs {entry.name!r} of {GROUP} to be a package with an __init__.py",
            came=f"{entry.module}, which is none",
            fix=f"repair or uninstall {entry.dist.name if entry.dist else entry.name}",
        )
