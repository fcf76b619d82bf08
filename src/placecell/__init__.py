"""placecell: a spatial memory for navigation agents.

``PLACECELL_TYPECHECK=1`` in the environment checks the shapes and types of every annotated call
(jaxtyping and beartype); the tests set it.
"""

import os

__version__ = "0.1.0"

if os.environ.get("PLACECELL_TYPECHECK") == "1":
    from jaxtyping import install_import_hook

    install_import_hook(["placecell.memory", "placecell.envs", "placecell.agent"], "beartype.beartype")
