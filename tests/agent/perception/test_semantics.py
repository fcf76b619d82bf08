import numpy as np
import pytest
from percepts import BODY

from placecell.agent.perception.semantics import NoSemantics, OracleSemantics
from placecell.errors import EnvironmentUseError
from placecell.geometry import Pose

HERE = Pose(0.0, 0.0, 0.0, 0.0)


def test_the_oracle_reads_the_simulator_s_image_and_says_that_it_is_one():
    image = np.arange(6, dtype=np.int32).reshape(2, 3)
    assert OracleSemantics().labels({"category": image}, HERE, BODY) is image
    assert OracleSemantics.oracle == ("oracle_semantics",)


def test_without_the_image_it_says_how_to_get_it():
    with pytest.raises(
        EnvironmentUseError, match=r"a category image, got one with rgb; set env\.semantics=true, as"
    ):
        OracleSemantics().labels({"rgb": np.zeros(1)}, HERE, BODY)


def test_no_semantics_names_nothing_and_is_no_oracle():
    assert NoSemantics().labels({"category": np.zeros((2, 2), np.int32)}, HERE, BODY) is None
    assert NoSemantics.oracle == ()
