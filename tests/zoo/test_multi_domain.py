"""Multi-domain training: what is shared and what is not, one step by hand, resuming, slices as zoo entries."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax.traverse_util import flatten_dict
from small_zoo import TASKS, small_tasks

from lin_ft import cli
from lin_ft.errors import InputError
from lin_ft.models import ResNet
from lin_ft.zoo import architectures, load_weights, load_zoo, multi_domain, select_models
from lin_ft.zoo.multi_domain import Domain, MultiDomainRecipe, load_multi_domain, train_multi_domain
from lin_ft.zoo.recipe import Recipe
from lin_ft.zoo.slices import load_entry
from lin_ft.zoo.train import train

FAMILIES = ("shared", "multi_bn", "adapters")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return small_tasks(tmp_path_factory.mktemp("domains"), n_train=10, n_test=4)


@pytest.fixture(autouse=True)
def small_architectures(monkeypatch):
    monkeypatch.setitem(architectures.ARCHITECTURES, "resnet20", lambda n: ResNet(n, 1, (4, 6)))
    monkeypatch.setitem(architectures.ARCHITECTURES, "resnet20_adapters", lambda n: ResNet(n, 1, (4, 6), adapters=True))
    architectures._shapes.cache_clear()
    yield
    architectures._shapes.cache_clear()


def recipe(folder, family="multi_bn", **changes) -> MultiDomainRecipe:
    domains = tuple(Domain(str(folder / task), name=task) for task in TASKS)
    chosen = {"steps": 6, "full_steps": 2, "batch_size": 4, "crop": 8, "learning_rate": 0.05, "checkpoint_every": 2}
    return MultiDomainRecipe(family, domains, **(chosen | changes))


@pytest.mark.parametrize("family", FAMILIES)
def test_slices_are_zoo_entries_that_share_what_the_family_says(folder, tmp_path, family):
    cards = train_multi_domain(recipe(folder, family), tmp_path, progress=False)
    zoo = load_zoo(tmp_path)
    assert sorted(entry.name for entry in zoo) == sorted(card.name for card in cards)
    assert [entry.card.family for entry in zoo] == [family] * 2
    one, two = (load_entry(tmp_path / f"{task}-{family}.safetensors") for task in TASKS)
    same = jax.tree_util.tree_leaves_with_path(jax.tree.map(np.array_equal, one, two))
    equal = {jax.tree_util.keystr(path, simple=True, separator="/"): value for path, value in same}
    for path, value in equal.items():
        own = "/head/" in path or (
            family != "shared" and ("norm" in path or ("adapter" in path and family == "adapters"))
        )
        assert value == (not own), path
    shared = set(flatten_dict(load_weights(tmp_path / f"{family}-trunk.safetensors"), sep="/"))
    assert shared == {path for path, value in equal.items() if value}, "what is shared is stored once"
    assert not shared & set(flatten_dict(load_weights(zoo[0].weights), sep="/"))
    apply, params = zoo[0].function
    assert apply(params, zoo[0].normalise(np.zeros((2, 32, 32, 3), np.uint8))).shape == (2, 2)
    counts = cards[0].recipe
    assert (counts["own_params"] == 0) == (family == "shared")
    head = 2 * 6 + 2
    assert counts["shared_params"] + counts["own_params"] + head == cards[0].n_params


def test_a_step_moves_shared_weights_by_the_mean_and_own_ones_by_their_domain_alone(folder, tmp_path):
    """One step of plain gradient descent, against the gradients of the two slices trained by themselves."""
    chosen = recipe(folder, steps=1, full_steps=1, momentum=0.0, weight_decay=0.0, warmup=0.0, shift=0)
    build = architectures.architecture("resnet20")
    data = [multi_domain_data(domain) for domain in chosen.domains]
    weights, statistics = multi_domain._start(chosen, build, [2, 2], data[0].images)
    before = [multi_domain.slice_of(weights, statistics, place, True) for place in range(2)]
    optimizer = optax.sgd(0.05)
    x, y = [], []
    for place, part in enumerate(data):
        mean, std = multi_domain._statistics(part.images)
        images, labels = next(multi_domain._stream(chosen, place, part, mean, std)(0))
        x.append(images)
        y.append(labels)
    step = multi_domain._step(build(1), optimizer, True, 2)
    copies = jax.tree.map(np.array, (weights, statistics))
    after, _, _, _ = step(*copies, optimizer.init(weights), np.stack(x), np.stack(y))

    def gradient(place):
        def loss(params):
            variables = {"params": params, "batch_stats": before[place]["batch_stats"]}
            logits, _ = build(2).apply(variables, jnp.asarray(x[place]), train=True, mutable=["batch_stats"])
            return optax.softmax_cross_entropy_with_integer_labels(logits, y[place]).mean()

        return jax.jit(jax.grad(loss))(before[place]["params"])

    gradients = [gradient(place) for place in range(2)]
    for place in range(2):
        new = multi_domain.slice_of(after, statistics, place, True)["params"]
        old = before[place]["params"]
        for path, leaf in jax.tree_util.tree_leaves_with_path(new):
            own = "norm" in jax.tree_util.keystr(path) or "head" in jax.tree_util.keystr(path)
            of_domains = [at(gradients[p], path) for p in range(2)]
            expected = at(old, path) - 0.05 * (of_domains[place] if own else np.mean(of_domains, axis=0))
            np.testing.assert_allclose(leaf, expected, rtol=1e-4, atol=1e-6)


def multi_domain_data(domain):
    from lin_ft.data import load_split

    return load_split(domain.source, "train")


def at(tree, path):
    for key in path:
        tree = tree[key.key]
    return np.asarray(tree)


def test_it_goes_on_from_the_checkpoint(folder, tmp_path, monkeypatch):
    whole = train_multi_domain(recipe(folder), tmp_path / "whole", progress=False)
    real, calls = multi_domain.save_weights, []

    def stop_after_two(path, variables):
        real(path, variables)
        calls.append(path)
        if len(calls) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(multi_domain, "save_weights", stop_after_two)
        with pytest.raises(KeyboardInterrupt):
            train_multi_domain(recipe(folder), tmp_path / "parts", progress=False)
    assert not list((tmp_path / "parts").glob("*.json")), "no card before the end"
    with pytest.raises(InputError, match="another recipe"):
        train_multi_domain(recipe(folder, learning_rate=0.1), tmp_path / "parts", progress=False)
    resumed = train_multi_domain(recipe(folder), tmp_path / "parts", progress=False)
    assert [card.sha256 for card in resumed] == [card.sha256 for card in whole]
    assert not list((tmp_path / "parts").glob(".*"))


def test_every_step_sees_each_domain_and_streams_start_anywhere(folder):
    chosen = recipe(folder, steps=9, full_steps=3)
    data = multi_domain_data(chosen.domains[0])
    mean, std = multi_domain._statistics(data.images)
    stream = multi_domain._stream(chosen, 0, data, mean, std)
    whole = list(stream(0))
    assert [x.shape[1] for x, _ in whole] == [8] * 6 + [32] * 3
    for first in (4, 7):
        for (x, y), (x2, y2) in zip(stream(first), whole[first:], strict=True):
            np.testing.assert_array_equal(x, x2)
            np.testing.assert_array_equal(y, y2)
    first_epoch = np.concatenate([y for _, y in whole[:5]])
    assert np.bincount(first_epoch).tolist() == [10, 10]


def test_an_expert_starts_from_the_trunk(folder, tmp_path):
    train_multi_domain(recipe(folder, "shared"), tmp_path, progress=False)
    start = str(tmp_path / f"{TASKS[0]}-shared.safetensors")
    own = Recipe(source=str(folder / TASKS[0]), name="expert", epochs=1, full_epochs=1, batch_size=4, start=start)
    card = train(dataclasses.replace(own, learning_rate=1e-12), tmp_path / "zoo", progress=False)
    assert card.family == "expert"
    trunk, expert = load_entry(start)["params"], load_weights(tmp_path / "zoo" / "expert.safetensors")["params"]
    np.testing.assert_allclose(expert["stem"]["kernel"], trunk["stem"]["kernel"], rtol=1e-6)
    assert not np.allclose(expert["head"]["kernel"], trunk["head"]["kernel"], atol=1e-3)
    with pytest.raises(InputError, match="not of this architecture"):
        train(dataclasses.replace(own, architecture="resnet20_adapters"), tmp_path / "other", progress=False)


def test_adapters_of_zero_are_no_adapters():
    plain, adapted = ResNet(3, 1, (4, 6)), ResNet(3, 1, (4, 6), adapters=True)
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 16, 16, 3)))
    variables = adapted.init(jax.random.key(0), x)
    for name in ("stage1_block1", "stage2_block1"):
        for adapter in ("adapter1", "adapter2"):
            kernel = variables["params"][name][adapter]["kernel"]
            variables["params"][name][adapter]["kernel"] = 0 * kernel
            assert kernel.shape[:2] == (1, 1)
    shapes = jax.eval_shape(plain.init, jax.random.key(0), x)
    cut = {
        name: {key: leaf for key, leaf in block.items() if "adapter" not in key}
        for name, block in variables["params"].items()
    }
    jax.tree.map(lambda a, b: None, cut, shapes["params"])
    expected = plain.apply({"params": cut, "batch_stats": variables["batch_stats"]}, x)
    np.testing.assert_allclose(adapted.apply(variables, x), expected, rtol=1e-12)


def test_the_command_and_the_short_name_of_the_single_model(folder, tmp_path, capsys):
    path = tmp_path / "config.py"
    path.write_text(
        "from lin_ft.zoo.multi_domain import Domain, MultiDomainRecipe\n"
        f"domains = tuple(Domain({str(folder)!r} + '/' + t, name=t) for t in {TASKS!r})\n"
        "config = MultiDomainRecipe('multi_bn', domains, steps=2, full_steps=1, batch_size=4, crop=8)\n"
    )
    assert cli.main(["zoo", "train", str(path), "--out", str(tmp_path / "zoo")]) == 0
    printed = capsys.readouterr().out
    assert "Each domain more:" in printed
    assert "stripes-multi_bn: test accuracy" in printed
    train(
        Recipe(source=str(folder / TASKS[0]), name="single", epochs=1, batch_size=4), tmp_path / "zoo", progress=False
    )
    zoo = load_zoo(tmp_path / "zoo")
    assert [entry.name for entry in select_models(zoo, [str(folder / TASKS[0])])] == ["single"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"family": "mixed"}, "one of shared"),
        ({"steps": 0}, "too few"),
        ({"full_steps": 9}, "too few"),
        ({"checkpoint_every": 0}, "at least 1"),
        ({"batch_size": 100}, "fewer than a batch of 100"),
    ],
)
def test_bad_recipes(folder, tmp_path, changes, message):
    family = changes.pop("family", "multi_bn")
    with pytest.raises(InputError, match=message):
        train_multi_domain(recipe(folder, family, **changes), tmp_path, progress=False)


def test_shipped_recipes(tmp_path):
    from pathlib import Path

    configs = Path(__file__).parents[2] / "configs"
    for family in FAMILIES:
        shipped = load_multi_domain(configs / f"zoo_{family}.py")
        assert shipped is not None
        assert shipped.family == family
        assert len(shipped.domains) == 8
    assert load_multi_domain(configs / "zoo_cifar10.py") is None
    with pytest.raises(InputError, match="at least two, each once"):
        MultiDomainRecipe("shared", (Domain("a"),))
