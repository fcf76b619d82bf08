"""Every key that a recording among panoramas has is in docs/recording.md, and its plain way reads text."""

import json
import re
from pathlib import Path

from panoramas import TEXT, record_panoramas

PAGE = Path(__file__).parents[3] / "docs" / "recording.md"


def test_every_key_is_on_the_page(tmp_path):
    record_panoramas(tmp_path)
    header = json.loads((tmp_path / "header.json").read_text())
    keys = {*header, *header["surroundings"]}
    for line in (tmp_path / "steps.jsonl").read_text().splitlines():
        told = json.loads(line)
        keys |= {*told, *told.get("trace", {})} - {"end", "mode"}
    assert not [key for key in keys if f"`{key}`" not in PAGE.read_text()]


def test_the_plain_way_reads_the_instruction(tmp_path):
    record_panoramas(tmp_path)
    plain = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[1]
    names = {"folder": tmp_path}
    exec(plain, names)
    assert str(names["arrays"]["observation/instruction"]) == TEXT
