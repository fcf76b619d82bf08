"""Every block of docs/memory.md runs as it stands, and prints what the page says."""

import contextlib
import io
import re
from pathlib import Path

from placecell.scripts.memory import main

PAGE = Path(__file__).parents[2] / "docs" / "memory.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```\n\n```\n(.*?)```", TEXT, re.DOTALL)


def test_the_page_says_what_comes():
    names: dict[str, object] = {}
    assert len(BLOCKS) == TEXT.count("```python") == 3
    for block, said in BLOCKS:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(block, str(PAGE), "exec"), names)
        assert out.getvalue() == said


def test_the_commands_of_the_page_are_known(capsys):
    commands = set(re.findall(r"^placecell-memory (\w+)", TEXT, re.MULTILINE))
    assert commands == {"inspect", "diff", "merge", "prune", "migrate"}
    for command in commands:
        with contextlib.suppress(SystemExit):
            main([command, "--help"])
        options = set(re.findall(rf"^placecell-memory {command} [^#\n]*?(--[a-z-]+)", TEXT, re.MULTILINE))
        told = capsys.readouterr().out
        assert all(option in told for option in options)
