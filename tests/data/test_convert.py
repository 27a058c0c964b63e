"""The one conversion rule."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from lin_ft.data.convert import convert_array, convert_batch, convert_image
from lin_ft.errors import InputError

sides = st.integers(1, 40)


@settings(max_examples=60, deadline=None)
@given(sides, sides, st.sampled_from([None, 1, 3, 4]), st.sampled_from([1, 8, 32]), st.data())
def test_any_image_becomes_rgb_of_the_size_within_its_range(height, width, channels, size, data):
    shape = (height, width) if channels is None else (height, width, channels)
    image = data.draw(hnp.arrays(np.uint8, shape))
    out = convert_array(image, size)
    assert out.shape == (size, size, 3)
    assert out.dtype == np.uint8
    if channels in (None, 1):
        assert (out == out[..., :1]).all()


def with_white(images: np.ndarray) -> np.ndarray:
    """So that the range is told."""
    images = images.copy()
    images.flat[0] = 255
    return images


@given(hnp.arrays(np.uint8, (3, 5, 5, 3)).map(with_white))
def test_right_size_is_untouched(images):
    assert convert_batch(images, 5, "x") is images


@given(hnp.arrays(np.uint8, (2, 6, 6)).map(with_white))
def test_floats_in_unit_range_equal_their_bytes(images):
    np.testing.assert_array_equal(convert_batch(images / 255, 6, "x"), convert_batch(images, 6, "x"))


def test_centre_square_is_kept():
    image = np.zeros((8, 24, 3), np.uint8)
    image[:, 8:16] = 200
    np.testing.assert_array_equal(convert_array(image, 8), np.full((8, 8, 3), 200))


def test_neither_mirrored_nor_rotated():
    image = np.zeros((16, 16), np.uint8)
    image[:8, :8] = 255
    small = convert_array(image, 4)[..., 0]
    assert small[0, 0] > 200
    assert small[0, 3] < 50
    assert small[3, 0] < 50


def test_transparent_parts_become_white():
    image = np.zeros((4, 4, 4), np.uint8)
    image[0, 0] = (255, 0, 0, 255)
    out = convert_array(image, 4)
    assert out[0, 0].tolist() == [255, 0, 0]
    assert out[3, 3].tolist() == [255, 255, 255]
    palette = Image.new("P", (4, 4), 1)
    palette.info["transparency"] = 1
    assert (convert_image(palette, 4) == 255).all()


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        (np.full((2, 4, 4), np.nan), "32 pixels of x are NaN or infinite, the first in image 0"),
        (np.full((2, 4, 4), np.inf), "NaN or infinite"),
        (np.full((2, 4, 4), 1j), "have type complex128"),
        (np.full((2, 4, 4), "a"), "have type <U1"),
        (np.full((2, 4, 4), -5), "x are int64 from -5 to -5"),
        (np.zeros((4, 4), np.uint8), r"shape \(4, 4\)"),
        (np.zeros((2, 4, 4, 2), np.uint8), r"shape \(2, 4, 4, 2\)"),
        (np.zeros((2, 0, 4), np.uint8), r"shape \(2, 0, 4\)"),
    ],
)
def test_bad_pixels(images, sentence):
    with pytest.raises(InputError, match=sentence):
        convert_batch(images, 4, "x")
