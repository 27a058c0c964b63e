"""Pre-training: what a resumed run ends in, what augmentation may do, what the card says."""

import dataclasses

import jax
import numpy as np
import pytest

from lin_ft.errors import InputError
from lin_ft.functions import from_linen
from lin_ft.zoo import load_zoo
from lin_ft.zoo.architectures import architecture
from lin_ft.zoo.recipe import Recipe, Restart, load_recipe
from lin_ft.zoo.train import batches, train


@pytest.fixture
def source(tmp_path):
    """40 + 16 images of 32 x 32 pixels, of two classes: dark and bright."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "source"
    from PIL import Image

    for split, n in (("train", 20), ("test", 8)):
        for label, offset in (("bright", 120), ("dark", 0)):
            (folder / split / label).mkdir(parents=True)
            for index in range(n):
                image = rng.integers(0, 100, (32, 32, 3)).astype(np.uint8)
                image += np.uint8(offset)
                Image.fromarray(image).save(folder / split / label / f"{index}.png")
    return str(folder)


def recipe(source, **changes) -> Recipe:
    chosen = {
        "epochs": 3,
        "full_epochs": 1,
        "crop": 8,
        "batch_size": 8,
        "name": "tiny",
        "learning_rate": 0.02,
    }
    return Recipe(source=source, **(chosen | changes))


def test_an_interrupted_run_ends_in_the_same_weights_as_a_whole_one(source, tmp_path, monkeypatch):
    import lin_ft.zoo.train as module

    whole = train(recipe(source), tmp_path / "whole", progress=False)

    def interrupted(images, labels, recipe, epoch):
        if epoch == 2:
            raise KeyboardInterrupt
        return batches(images, labels, recipe, epoch)

    monkeypatch.setattr(module, "batches", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(recipe(source), tmp_path / "parts", progress=False)
    assert not list((tmp_path / "parts").glob("*.json")), "no card before the end"
    monkeypatch.undo()
    resumed = train(recipe(source), tmp_path / "parts", progress=False)
    assert resumed.sha256 == whole.sha256
    assert sorted(path.name for path in (tmp_path / "parts").iterdir()) == ["tiny.json", "tiny.safetensors"]


def test_a_cycle_ends_in_the_mean_of_its_last_weights(source, tmp_path, monkeypatch):
    import lin_ft.zoo.train as module

    def kernels(restart):
        seen, real = [], module.save_weights

        def kept(path, tensors):
            if "epoch" in tensors:
                seen.append(tensors)
            real(path, tensors)

        monkeypatch.setattr(module, "save_weights", kept)
        train(recipe(source, epochs=1, full_epochs=1, restarts=(restart,)), tmp_path / str(restart), progress=False)
        monkeypatch.undo()
        return [np.asarray(tensors["0001"], np.float64) for tensors in seen]

    plain = kernels(Restart(4, 0.03, final_rate=1.0))
    averaged = kernels(Restart(4, 0.03, final_rate=1.0, average=3))
    assert len(plain) == len(averaged) == 5
    for one, other in zip(plain[:4], averaged[:4], strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(averaged[4], np.mean(plain[2:], axis=0), rtol=1e-5, atol=1e-7)
    assert np.abs(averaged[4] - plain[4]).max() > 1e-4


def test_a_cycle_beside_another_begins_where_it_began_and_both_count_in_the_mean(source, tmp_path, monkeypatch):
    import lin_ft.zoo.train as module

    real = module.save_weights

    def weights_after_each_epoch(restarts, **replaced):
        seen = []

        def kept(path, tensors):
            if "epoch" in tensors:
                seen.append(np.asarray(tensors["0001"], np.float64))
            real(path, tensors)

        with monkeypatch.context() as patch:
            patch.setattr(module, "save_weights", kept)
            for name, value in replaced.items():
                patch.setattr(module, name, value)
            train(recipe(source, epochs=1, full_epochs=1, restarts=restarts), tmp_path / "out", progress=False)
        return seen

    before = Restart(1, 0.03)
    one = Restart(2, 0.03, final_rate=1.0, average=1, teachers=1)
    other = dataclasses.replace(one, average=2, beside=True)
    single, both = (weights_after_each_epoch(restarts) for restarts in ((before, one), (before, one, other)))
    np.testing.assert_array_equal(single, both[:4])
    begin, first, second = both[1], both[2:4], both[4]
    assert np.abs(second - begin).max() < np.abs(second - first[1]).max()
    assert np.abs(second - first[0]).max() > 1e-5, "other batches"
    without_mean = weights_after_each_epoch((before, one, other), averaged_epochs=lambda recipe, epoch: 0)
    np.testing.assert_array_equal(without_mean[:5], both[:5])
    np.testing.assert_allclose(both[5], np.mean(without_mean[3:], axis=0), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("before", [(), (Restart(1, 0.03),)])
def test_a_cycle_beside_one_without_a_mean_is_refused(source, tmp_path, before):
    restarts = (*before, Restart(1, 0.03, average=1, beside=True))
    with pytest.raises(InputError, match="both must be restarts with average > 0"):
        train(recipe(source, restarts=restarts), tmp_path, progress=False)


def test_teachers_are_the_networks_that_the_cycles_before_ended_in(source, tmp_path, monkeypatch):
    import lin_ft.zoo.train as module

    targets, kept, real, save = {}, {}, module.batches, module.save_weights

    def seen(images, labels, recipe, epoch):
        targets[epoch] = (images, labels)
        return real(images, labels, recipe, epoch)

    def saved(path, tensors):
        kept[path.name] = tensors
        save(path, tensors)

    monkeypatch.setattr(module, "batches", seen)
    monkeypatch.setattr(module, "save_weights", saved)
    restarts = (Restart(1, 0.03), Restart(1, 0.01, teachers=2, teacher_share=0.6))
    train(recipe(source, epochs=1, full_epochs=1, flip=True, restarts=restarts), tmp_path / "out", progress=False)
    images, labels = targets[0]
    assert labels.ndim == 1
    assert targets[1][1] is labels
    pixels = images.reshape(-1, 3) / 255
    x = ((images / 255 - pixels.mean(0)) / np.maximum(pixels.std(0), 1e-3)).astype(np.float32)
    teachers = [kept[f".tiny.cycle{cycle}.safetensors"] for cycle in (1, 2)]
    functions = [from_linen(architecture("resnet20")(2), teacher) for teacher in teachers]
    rows = [jax.nn.softmax(apply(params, view)) for apply, params in functions for view in (x, x[:, :, ::-1])]
    assert np.abs(rows[0] - rows[2]).max() > 1e-3, "the teachers differ"
    np.testing.assert_allclose(targets[2][1], 0.6 * np.mean(rows, 0) + 0.4 * np.eye(2)[labels], atol=1e-5)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["tiny.json", "tiny.safetensors"]


@pytest.mark.parametrize("average", [-1, 3])
def test_more_averaged_epochs_than_epochs_are_refused(source, tmp_path, average):
    with pytest.raises(InputError, match=f"cycle 2 has 2 epochs and averages {average}; give 0 to 2"):
        train(recipe(source, restarts=(Restart(2, 0.03, average=average),)), tmp_path, progress=False)


def test_more_teachers_than_cycles_are_refused(source, tmp_path):
    with pytest.raises(InputError, match="cycle 2 has 2 teachers; give 0 to 1"):
        train(recipe(source, restarts=(Restart(1, 0.03, teachers=2),)), tmp_path, progress=False)


@pytest.mark.parametrize("stop", [2, 4, 5, 6])
def test_a_restarted_cycle_resumes_exactly_too(source, tmp_path, monkeypatch, stop):
    import lin_ft.zoo.train as module

    last = Restart(2, 0.01, weight_decay=1e-2, final_rate=0.5, average=2, teachers=2)
    restarts = (Restart(1, 0.03), last, dataclasses.replace(last, beside=True))
    chosen = recipe(source, epochs=2, full_epochs=1, restarts=restarts)
    whole = train(chosen, tmp_path / "whole", progress=False)

    def interrupted(images, labels, recipe, epoch):
        if epoch == stop:
            raise KeyboardInterrupt
        return batches(images, labels, recipe, epoch)

    monkeypatch.setattr(module, "batches", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(chosen, tmp_path / "parts", progress=False)
    monkeypatch.undo()
    assert train(chosen, tmp_path / "parts", progress=False).sha256 == whole.sha256
    assert whole.sha256 != train(recipe(source, epochs=2), tmp_path / "short", progress=False).sha256


def test_training_learns_and_the_zoo_entry_can_be_used(source, tmp_path):
    card = train(recipe(source, epochs=8, full_epochs=4, crop=16), tmp_path, progress=False)
    assert card.test_accuracy == 1.0
    (model,) = load_zoo(tmp_path)
    assert model.card == card
    apply, params = model.function
    assert apply(params, model.normalise(np.zeros((2, 32, 32, 3), np.uint8))).shape == (2, 2)


def test_batches_are_a_function_of_seed_and_epoch_and_visit_every_image_once():
    images = np.arange(20, dtype=np.uint8)[:, None, None, None] * np.ones((1, 10, 10, 3), np.uint8)
    labels = np.arange(20)
    settings = Recipe(source="s", epochs=2, full_epochs=1, crop=6, batch_size=5, flip=True)
    first = list(batches(images, labels, settings, 0))
    again = list(batches(images, labels, settings, 0))
    other = list(batches(images, labels, settings, 1))
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(first, again, strict=True))
    assert sorted(np.concatenate([y for _, y in first])) == list(range(20))
    assert first[0][0].shape == (5, 6, 6, 3)
    assert other[0][0].shape == (5, 10, 10, 3)
    assert not np.array_equal(first[0][1], other[0][1])
    for x, y in first + other:
        np.testing.assert_allclose(x, np.broadcast_to(y[:, None, None, None] / 255, x.shape), rtol=1e-6)


def test_sides_of_the_batches_in_every_epoch_of_every_cycle():
    restarts = (Restart(1, 0.03), Restart(3, 0.03, crop_epochs=2), Restart(1, 0.03, crop_epochs=1))
    settings = Recipe(source="s", epochs=2, full_epochs=1, crop=6, batch_size=5, restarts=restarts)
    images, labels = np.zeros((5, 10, 10, 3), np.uint8), np.arange(5)
    sides = [next(batches(images, labels, settings, epoch))[0].shape[1] for epoch in range(7)]
    assert sides == [6, 10, 10, 6, 6, 10, 6]


def test_a_recipe_of_another_seed_draws_other_batches():
    images, labels = np.zeros((20, 10, 10, 3), np.uint8), np.arange(20)
    settings = Recipe(source="s", crop=6, batch_size=5)
    (one, *_), (two, *_) = (
        [y for _, y in batches(images, labels, dataclasses.replace(settings, seed=seed), 0)] for seed in (0, 1)
    )
    assert not np.array_equal(one, two)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such config"),
        ("config = 3", "no `config`"),
        ("1 / 0", "cannot be run"),
        ("x = 1", "no `config`"),
    ],
)
def test_a_bad_config_is_one_sentence(tmp_path, text, message):
    path = tmp_path / "config.py"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=message):
        load_recipe(path)


def test_an_unknown_architecture_is_named(source, tmp_path):
    with pytest.raises(InputError, match="architecture 'vgg'"):
        train(recipe(source, architecture="vgg"), tmp_path, progress=False)


def test_statistics_of_the_norms_become_those_of_the_training_images(source, tmp_path):
    from lin_ft.data import load_split
    from lin_ft.zoo import load_weights
    from lin_ft.zoo.architectures import architecture

    train(recipe(source), tmp_path / "moving", progress=False)
    card = train(recipe(source, statistics_images=1_000_000), tmp_path / "exact", progress=False)
    moving, exact = (load_weights(tmp_path / name / "tiny.safetensors") for name in ("moving", "exact"))
    jax.tree.map(np.testing.assert_array_equal, moving["params"], exact["params"])
    images = load_split(source, "train").images
    assert len(images) <= 500, "one batch, so that the twin below is exact"
    x = (images / np.float32(255) - np.float32(card.mean)) / np.float32(card.std)
    module = architecture(card.architecture)(2)
    stem = module.apply(exact, x, method=lambda module, x: module.stem(x))
    np.testing.assert_allclose(exact["batch_stats"]["stem_norm"]["mean"], stem.mean((0, 1, 2)), atol=1e-4)
    np.testing.assert_allclose(exact["batch_stats"]["stem_norm"]["var"], stem.var((0, 1, 2)), rtol=1e-3)
    assert not np.allclose(moving["batch_stats"]["stem_norm"]["mean"], stem.mean((0, 1, 2)), atol=1e-3)


def test_the_second_cycle_has_its_own_shift(source):
    image = np.arange(32 * 32 * 3).reshape(1, 32, 32, 3).astype(np.uint8)
    images, labels = np.repeat(image, 64, 0), np.zeros(64, int)
    chosen = recipe(source, epochs=1, full_epochs=1, shift=0, restarts=(Restart(1, 0.01, shift=1),))
    views = {epoch: np.concatenate([x for x, _ in batches(images, labels, chosen, epoch)]) for epoch in (0, 1)}
    assert len(np.unique(views[0], axis=0)) == 1
    assert len(np.unique(views[1], axis=0)) == 9, "the 3 x 3 shifts by at most one pixel"
