import io
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from placecell.agent.recording.arrays import narrow, pack, unpack, widen

KINDS = ["|b1", "|u1", "<i2", "<i4", ">i4", "<i8", "<u8", "<f2", "<f4", ">f8"]


@given(st.sampled_from(KINDS).flatmap(lambda kind: arrays(kind, array_shapes(min_dims=0, min_side=0))))
def test_what_is_packed_comes_back_bit_for_bit(array):
    small = narrow(array)
    (back,) = widen(unpack(pack({"x": small})), {"x": array.dtype.str}).values()
    assert (back.dtype, back.shape, back.tobytes()) == (array.dtype, array.shape, array.tobytes())


@pytest.mark.parametrize(
    ("least", "most", "kind", "stored"),
    [
        (0, 255, "<i4", "|u1"), (0, 256, "<i4", "<u2"), (0, 65535, "<i4", "<u2"), (0, 65536, "<i4", "<i4"),
        (0, 65536, "<i8", "<u4"), (0, 2**32, "<i8", "<i8"), (-1, 5, "<i4", "<i4"), (-1, 5, "<i8", "<i8"),
        (0, 7, ">i4", "|u1"), (0, 7, "<f4", "<f4"), (0, 7, "|i1", "|i1"), (0, 2**63, "<u8", "<u8"),
    ],
)  # fmt: skip
def test_whole_numbers_take_as_few_bytes_as_hold_them(least, most, kind, stored):
    array = np.full((10, 30), least, kind)
    array[9, 29] = most
    small = narrow(array)
    assert small.dtype.str == stored
    assert (small.astype(kind) == array).all()


def test_equal_arrays_make_equal_files_that_numpy_reads_without_pickle():
    given = {"a/image": np.arange(3000, dtype=np.float32).reshape(30, 100), "b": np.array([1.5])}
    assert pack(given) == pack({name: array.copy() for name, array in given.items()})
    with np.load(io.BytesIO(pack(given)), allow_pickle=False) as file:
        assert file.files == ["a/image", "b"]
        assert (file["a/image"] == given["a/image"]).all()
    with zipfile.ZipFile(io.BytesIO(pack(given))) as file:
        assert file.testzip() is None
        assert [info.compress_type for info in file.infolist()] == [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED]
