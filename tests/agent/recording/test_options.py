from importlib.resources import files

import pytest
from omegaconf import OmegaConf

from placecell.agent.recording import RecordOptions
from placecell.errors import ConfigError


def test_a_recording_is_light_unless_told_otherwise():
    assert RecordOptions() == RecordOptions.of({}) == RecordOptions("light", 1)


@pytest.mark.parametrize("level", ["off", "light", "full"])
def test_every_level_is_a_choice_of_the_configuration(level):
    text = files("placecell.conf").joinpath("record", f"{level}.yaml").read_text()
    found = RecordOptions.of(OmegaConf.to_container(OmegaConf.create(text)))
    assert found == RecordOptions(level)


@pytest.mark.parametrize(
    ("mapping", "line"),
    [
        ({"level": "loud"}, "expected record.level of off, light, full, got 'loud'; set record=off"),
        ({"level": False}, "expected record.level of off, light, full, got False"),
        ({"every": 0}, "expected record.every of 1 or more whole steps, got 0; set record.every=1"),
        ({"every": 2.0}, "expected record.every of 1 or more whole steps, got 2.0"),
        ({"every": True}, "expected record.every of 1 or more whole steps, got True"),
        (
            {"video": True, "kbps": 3},
            "expected the keys of record: level, every, got record.video, record.kbps",
        ),
    ],
)
def test_other_options_are_one_line(mapping, line):
    with pytest.raises(ConfigError) as refused:
        RecordOptions.of(mapping)
    assert str(refused.value).startswith(line)
