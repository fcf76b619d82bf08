import base64
import os
import pickle
import sys

import numpy as np
import pytest

from placecell.envs.graph.features import FeatureSource, open_features
from placecell.errors import ConfigError, DataError, EpisodeError, MissingPartError

ENDINGS = ["hdf5", "npz", "tsv"]


def arrays(width=4, views=36, count=3):
    draw = np.random.default_rng(5)
    return {f"scan_v{n}": draw.random((views, width), np.float32) for n in range(count)}


def line_of(key, array):
    scan, _, viewpoint = key.partition("_")
    text = base64.b64encode(array.tobytes()).decode()
    return f"{scan}\t{viewpoint}\t640\t480\t60\t{text}\n"


def save(path, content):
    if path.suffix in (".hdf5", ".h5"):
        import h5py

        with h5py.File(path, "w") as file:
            for key, array in content.items():
                file[key] = array
    elif path.suffix == ".npz":
        np.savez(path, **content)
    else:
        path.write_text("".join(line_of(key, array) for key, array in content.items()))
    return path


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_was_stored_is_what_is_read(tmp_path, ending):
    content = arrays()
    source = open_features(save(tmp_path / f"clip.{ending}", content))
    assert (source.shape, source.width, source.views) == ((36, 4), 4, 36)
    for key in reversed(content):
        found = source.of("scan", key.removeprefix("scan_"))
        np.testing.assert_array_equal(found, content[key])
        found[:] = 0
        np.testing.assert_array_equal(source.of("scan", key.removeprefix("scan_")), content[key])


@pytest.mark.parametrize("ending", ["h5", "npz"])
def test_one_vector_a_panorama_and_the_keys_of_streets(tmp_path, ending):
    content = {"-a_B": np.arange(7, dtype=np.float64), "c": np.ones(7, np.float64)}
    source = open_features(save(tmp_path / f"resnet.{ending}", content), width=7)
    assert (source.shape, source.views) == ((7,), 0)
    found = source.of(None, "-a_B")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.arange(7))


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_panorama_without_features_is_named(tmp_path, ending):
    source = open_features(save(tmp_path / f"clip.{ending}", arrays()))
    with pytest.raises(
        EpisodeError, match=r"expected features of panorama scan_v9 in .*, got a file without"
    ):
        source.of("scan", "v9")


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_wrong_width_is_one_line(tmp_path, ending):
    path = save(tmp_path / f"clip.{ending}", arrays())
    with pytest.raises(
        DataError, match=r"expected features of width 512 in .*, got width 4; set env.features_width=4 or"
    ):
        open_features(path, width=512)


@pytest.mark.parametrize("ending", ENDINGS)
def test_numbers_that_are_not_finite_are_named_by_panorama(tmp_path, ending):
    content = arrays()
    content["scan_v1"][3, 2] = np.nan
    source = open_features(save(tmp_path / f"clip.{ending}", content))
    with pytest.raises(DataError, match="got numbers at scan_v1 that are not finite"):
        source.of("scan", "v1")


@pytest.mark.parametrize("ending", ["hdf5", "npz"])
@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.ones((36, 5), np.float32), r"shape \(36, 5\) at scan_w, not \(36, 4\) as at the first"),
        (np.ones((12, 4), np.float32), r"shape \(12, 4\) at scan_w, neither \(36, d\) nor \(d,\)"),
        (np.ones((36, 4), np.int64), "int64 numbers at scan_w, no floating point"),
    ],
)
def test_an_array_of_another_form_is_named(tmp_path, ending, array, says):
    source = open_features(save(tmp_path / f"clip.{ending}", {**arrays(), "scan_w": array}))
    with pytest.raises(DataError, match=says):
        source.of("scan", "w")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_truncated_file_is_one_line(tmp_path, ending):
    path = save(tmp_path / f"clip.{ending}", arrays(width=64))
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(DataError, match="expected panorama features in"):
        open_features(path).of("scan", "v2")


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_empty_file_is_one_line(tmp_path, ending):
    path = save(tmp_path / f"clip.{ending}", {})
    with pytest.raises(DataError, match=r"got an empty one|no npz archive"):
        open_features(path)


def test_a_malformed_line_is_named_by_number(tmp_path):
    path = tmp_path / "resnet.tsv"
    good = line_of("scan_a", np.ones((36, 4), np.float32))
    path.write_text(good + "scan\tb\t640\n")
    with pytest.raises(DataError, match="got 3 columns in line 2, not scanId, viewpointId"):
        open_features(path)
    path.write_text(good + "scan\tb\t640\t480\t60\tno base64!\n" + "scan\tc\t640\t480\t60\tAAAA\n")
    source = open_features(path)
    with pytest.raises(DataError, match="features in line 2 that are no base64"):
        source.of("scan", "b")
    with pytest.raises(DataError, match="3 bytes in line 3, not 36 rows of float32"):
        source.of("scan", "c")


def test_opening_a_tsv_keeps_no_features(tmp_path):
    path = save(tmp_path / "resnet.tsv", arrays(width=512, count=8))
    source = open_features(path)
    source.of("scan", "v3")
    assert len(pickle.dumps(source)) < 2000
    assert not [v for v in vars(source).values() if isinstance(v, np.ndarray | bytes)]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_copy_in_another_process_opens_the_file_itself(tmp_path, ending, monkeypatch):
    content = arrays()
    source = open_features(save(tmp_path / f"clip.{ending}", content))
    copy = pickle.loads(pickle.dumps(source))
    np.testing.assert_array_equal(copy.of("scan", "v1"), content["scan_v1"])
    opened = []
    plain = type(source)._opened
    monkeypatch.setattr(type(source), "_opened", lambda self: opened.append(1) or plain(self))
    source.of("scan", "v0")
    assert opened == []
    monkeypatch.setattr(os, "getpid", lambda: -1)
    np.testing.assert_array_equal(source.of("scan", "v2"), content["scan_v2"])
    assert opened == [1]


def test_without_h5py_the_extra_is_named(tmp_path, monkeypatch):
    path = save(tmp_path / "clip.hdf5", arrays())
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingPartError, match=r"got none installed; pip install 'placecell\[features\]'"):
        open_features(path)


def test_a_file_that_is_not_there_or_of_another_kind_is_one_line(tmp_path):
    with pytest.raises(DataError, match=r"got no file .*nowhere\.npz"):
        open_features(tmp_path / "nowhere.npz")
    with pytest.raises(ConfigError, match=r"ends with \.hdf5, \.h5, \.npz, \.tsv, got clip\.pkl"):
        open_features(tmp_path / "clip.pkl")


def test_every_kind_is_a_source(tmp_path):
    for ending in ENDINGS:
        assert isinstance(open_features(save(tmp_path / f"a.{ending}", arrays())), FeatureSource)
