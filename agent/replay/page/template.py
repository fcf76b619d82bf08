"""The files that pages are made of, and how text and data get into them."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from importlib import resources
from string import Template


@cache
def asset(name: str) -> str:
    """The text of one file of ``assets/``."""
    return (resources.files(__package__) / "assets" / name).read_text(encoding="utf-8")


def assembled(template: str, scripts: Sequence[str], values: Mapping[str, str]) -> str:
    """A page with its style and script within, that may load nothing and run nothing else.

    Args:
        template: name of its file.
        scripts: names of its scripts, in order.
        values: markup by the template's names; it is the caller who escapes.
    """
    style, code = asset("page.css"), "\n".join(map(asset, scripts))
    policy = (
        f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(code)}; "
        "base-uri 'none'; form-action 'none'"
    )
    return Template(asset(template)).substitute(
        {**values, "policy": escape(policy), "style": style, "script": code}
    )


def data_of(value: object) -> str:
    """JSON that may stand within a script element, whatever text it holds."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _hash(text: str) -> str:
    """How a content security policy names one inline script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
