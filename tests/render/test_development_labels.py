"""Labels of pixels survive their files."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from render.development import label_images as labels

SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 9))


@given(arrays.arrays(np.bool_, SHAPES))
def test_masks_come_back(mask: np.ndarray):
    data = labels.encode_mask(mask)
    np.testing.assert_array_equal(labels.decode_mask(data), mask)
    assert set(np.unique(np.array(Image.open(io.BytesIO(data))))) <= {0, 255}


def test_the_mask_begins_at_half_a_pixel():
    coverage = np.array([[0.0, 0.499, 0.5, 1.0]])
    np.testing.assert_array_equal(labels.hand_mask(coverage), [[False, False, True, True]])


@given(arrays.arrays(np.float32, SHAPES, elements=st.floats(0.0078125, 6.5, width=32)))
def test_depth_comes_back_within_half_a_unit(depth_m: np.ndarray):
    depth_m.ravel()[0] = np.inf
    back = labels.decode_depth(labels.encode_depth(depth_m))
    assert back.dtype == np.float32
    np.testing.assert_array_equal(np.isinf(back), np.isinf(depth_m))
    seen = np.isfinite(depth_m)
    np.testing.assert_allclose(back[seen], depth_m[seen], atol=0.51e-4)


def test_depth_is_16_bit_and_stops_at_its_deepest():
    data = labels.encode_depth(np.array([[1e-6, 0.12345, 7.0, np.inf]]))
    np.testing.assert_array_equal(np.array(Image.open(io.BytesIO(data))), [[1, 1234, 65535, 0]])


@given(arrays.arrays(np.uint8, SHAPES))
def test_parts_come_back(parts: np.ndarray):
    np.testing.assert_array_equal(
        labels.decode_parts(labels.encode_parts(parts.astype(np.int32))), parts
    )


@pytest.mark.parametrize("number", [-1, 256])
def test_parts_that_do_not_fit_are_refused(number: int):
    with pytest.raises(ValueError, match="0 to 255"):
        labels.encode_parts(np.array([[0, number]]))


@given(st.integers(0, 2**32 - 1))
def test_normals_come_back_within_half_a_degree(seed: int):
    normals = np.random.default_rng(seed).normal(size=(4, 5, 3))
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    normals[0, 0] = 0
    back = labels.decode_normals(labels.encode_normals(normals))
    assert (back[0, 0] == 0).all()
    cosine = np.clip((back * normals).sum(-1), -1, 1).ravel()[1:]
    assert np.degrees(np.arccos(cosine)).max() < 0.5


def test_axes_are_exact_in_normals():
    normals = np.concatenate([np.eye(3), -np.eye(3)])[None]
    np.testing.assert_array_equal(labels.decode_normals(labels.encode_normals(normals)), normals)
