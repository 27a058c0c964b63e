"""Indian Pines: no pixel in both splits, colours fitted on the training blocks, the right patch for a label."""

import io

import numpy as np
import pytest
from fake_packages import wheel

from lin_ft.data.packaged.indian_pines import DATASET, RADIUS, area_of_test, false_colours, pure_centres

SIDE = 145


def covered(centres: np.ndarray) -> np.ndarray:
    """The pixels that the patches around `centres` see."""
    seen = np.zeros_like(centres)
    for row, column in np.argwhere(centres):
        seen[row - RADIUS : row + RADIUS + 1, column - RADIUS : column + RADIUS + 1] = True
    return seen


def test_no_pixel_is_seen_by_both_splits():
    test, pure = area_of_test(), pure_centres()
    assert not (covered(pure & test) & covered(pure & ~test)).any()
    assert not (covered(pure & test) & ~test).any()
    assert 0.2 < test.mean() < 0.5
    assert pure.mean() > 0.4


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    """Six bands of noise, (145, 145, 6), the first three of them dominant and of different strength."""
    deviations = np.array([800, 600, 400, 9, 6, 3])
    return (4000 + np.random.default_rng(0).normal(size=(SIDE, SIDE, 6)) * deviations).astype(np.uint16)


def test_patches_lie_around_pixels_of_their_class(tmp_path, scene):
    numbers = np.random.default_rng(1).integers(0, 17, (SIDE, SIDE), np.uint8)
    folder = "tensorly/datasets/data/Indian_pines_"
    path = wheel(tmp_path / "t.whl", {f"{folder}corrected.npy": npy(scene), f"{folder}gt.npy": npy(numbers)})
    examples = list(DATASET.examples([path]))
    image = false_colours(scene, ~area_of_test())
    places = {image[r : r + 9, c : c + 9].tobytes(): (r + 4, c + 4) for r in range(SIDE - 8) for c in range(SIDE - 8)}
    kept = (2, 3, 4, 5, 6, 8, 10, 11, 12, 13, 14, 15)
    assert len(examples) == (pure_centres() & np.isin(numbers, kept)).sum()
    for e in examples:
        place = places[e.image.tobytes()]
        assert e.image.shape == (9, 9, 3)
        assert kept[e.label] == numbers[place]
        assert (e.split == "test") == area_of_test()[place]
        assert e.group == f"block {place[0] // 16} {place[1] // 16}"


def test_colours_are_the_strongest_components_and_never_look_at_the_test_area(scene):
    fitted = ~area_of_test()
    image = false_colours(scene, fitted)
    for channel in range(3):  # the bands are independent: component k is band k, brighter where it is larger
        assert np.corrcoef(image[fitted][:, channel], scene[fitted][:, channel])[0, 1] > 0.98
    other = scene.copy()
    other[~fitted] = 9000 - other[~fitted]
    np.testing.assert_array_equal(false_colours(other, fitted)[fitted], image[fitted])
    share = (image[fitted] == 0).mean((0,)), (image[fitted] == 255).mean((0,))
    np.testing.assert_allclose(share, 0.01, atol=0.004)
