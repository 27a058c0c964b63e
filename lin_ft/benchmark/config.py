"""What a benchmark is: models x tasks x shots x seeds, and what is done in every cell of that matrix."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from lin_ft.batch_statistics import STATISTICS, Statistics
from lin_ft.errors import InputError
from lin_ft.files.config_file import config_of
from lin_ft.finetune import FinetuneConfig
from lin_ft.zoo import REFERENCE, ZooModel
from lin_ft.zoo.identity import card_digest

Part = Literal["scores", "finetune"]
PARTS: tuple[Part, ...] = ("scores", "finetune")


@dataclasses.dataclass(frozen=True)
class PlannedModel:
    """A model that is still to be had: `lin-ft bench plan` counts with it, `run` says that it is missing."""

    name: str
    gflops: float
    """Of the forward pass of one image; a multiplication and an addition count as two."""
    image_size: int = 224


@dataclasses.dataclass(frozen=True)
class PlannedTask:
    """A task that is still to be had, named as in `BenchConfig.tasks`."""

    name: str
    n_train: int
    n_test: int
    n_classes: int


@dataclasses.dataclass(frozen=True)
class FurtherDraws:
    """Other numbers of images of the same benchmark, on as many draws and tasks as they are worth."""

    shots: tuple[int, ...]
    seeds: tuple[int, ...]
    tasks: tuple[str, ...] = ()
    """Of the benchmark's; none: all."""


@dataclasses.dataclass(frozen=True)
class BenchConfig:
    """A benchmark, as a `config` in a Python file; see configs/bench_core.py.

    Raises InputError for an empty or repeated entry.
    """

    name: str
    tasks: tuple[str, ...]
    """Data set names, folders or .npz files."""
    models: tuple[str, ...] = ()
    """Zoo entries; none: all of the zoo."""
    zoo: str = "embedded"
    """As `lin_ft.zoo.named_zoo` takes it: embedded, multi_domain, packaged, user, a folder; or several with commas."""
    image_size: int = 0
    """Pixels, the same for all models; 0: what each was trained on."""
    shots: tuple[int, ...] = (10,)
    """Training images a class; 0: all but the tenth that validates."""
    seeds: tuple[int, ...] = (0, 1)
    """Each draws its own few-shot sample and its own order of training."""
    heads: tuple[str, ...] = ("random", "zero")
    """New heads to predict with; see lin_ft.heads. zero is the linear probe."""
    probes: int = 2
    statistics: Statistics = "source"
    """Of BatchNorm where the scores look at the network; see lin_ft.ranking.RankConfig."""
    left_out: tuple[str, ...] = ("image",)
    """Predict each image from the others, each shot from the others (lin_ft.ranking.RankConfig), or both."""
    scores: tuple[str, ...] = ("all",)
    """Of lin_ft.scores.SCORES or "file.py:function", beside the predictions; ("all",) for all of SCORES."""
    source_shots: int = 0
    """Images a class of each model's source data, for the scores that need them; 0: these have no value."""
    finetune: FinetuneConfig = dataclasses.field(default_factory=FinetuneConfig)
    """Its seed is replaced by the cell's."""
    reference: str = REFERENCE
    development: tuple[str, ...] = ()
    """Tasks on which variants may be chosen; the report gives the others apart."""
    max_test: int = 2000
    """Larger test sets are thinned to so many images, evenly over the classes."""
    planned_models: tuple[PlannedModel, ...] = ()
    planned_tasks: tuple[PlannedTask, ...] = ()
    also: tuple[FurtherDraws, ...] = ()
    """Done after the rest."""

    @property
    def parts(self) -> tuple[FurtherDraws, ...]:
        """All draws, in the order in which they are done, each with its tasks."""
        first = FurtherDraws(self.shots, self.seeds, self.tasks)
        return first, *(each if each.tasks else dataclasses.replace(each, tasks=self.tasks) for each in self.also)

    def side(self, trained_on: int) -> int:
        """Pixels of the images for a model that was trained on images of `trained_on`."""
        return self.image_size or trained_on

    def __post_init__(self):
        problems = [
            f"{name} is empty" for name in ("name", "tasks", "shots", "seeds", "left_out") if not getattr(self, name)
        ]
        for name in ("tasks", "models", "shots", "seeds", "heads", "left_out"):
            values = getattr(self, name)
            problems += [f"{name}: {value} comes twice" for value in values if values.count(value) > 1][:1]
        problems += [f"left_out: {value} is neither image nor shot" for value in {*self.left_out} - {"image", "shot"}]
        problems += [f"statistics: {self.statistics} is none of {', '.join(STATISTICS)}"] * (
            self.statistics not in STATISTICS
        )
        problems += [f"shots: {value} is below 0" for value in self.shots if value < 0]
        problems += [f"seeds: {value} is below 0" for value in self.seeds if value < 0]
        problems += [f"development: {task} is not among the tasks" for task in set(self.development) - set(self.tasks)]
        problems += [f"image_size: {self.image_size} is below 0"] * (self.image_size < 0)
        problems += [f"source_shots: {self.source_shots} is below 0"] * (self.source_shots < 0)
        problems += [f"max_test: {self.max_test} is below 1"] * (self.max_test < 1)
        for each in self.also:
            problems += [f"also: {value} is below 0" for value in (*each.shots, *each.seeds) if value < 0]
            problems += [f"also: {task} is not among the tasks" for task in each.tasks if task not in self.tasks]
            problems += ["also: shots or seeds are empty"] * (not each.shots or not each.seeds)
        if problems:
            raise InputError(f"benchmark {self.name!r}: {'; '.join(problems)}.")


@dataclasses.dataclass(frozen=True)
class Wanted:
    """One record of a cell: its fine-tuning (`score` is empty), or one score of it."""

    score: str = ""
    head: str | None = None
    """The new head that a score of the tangent kernel sees; None: the score sees no kernel."""
    left_out: str | None = None
    """Of a prediction: each image predicted from the others, or each shot from the other shots."""
    settings: tuple[tuple[str, str], ...] = ()
    """What this record depends on beside model and images, as sorted (name, JSON) pairs."""

    @property
    def identity(self) -> tuple[str, str | None, str | None]:
        """What tells the records of one cell apart."""
        return self.score, self.head, self.left_out


@dataclasses.dataclass(frozen=True)
class Cell:
    """One piece of work: the fine-tuning of a model on a draw of a task, or its scores.

    The two are apart so that a new score never repeats a fine-tuning, and a new learning rate no score. What is kept
    of it are records, one a score: see `lin_ft.benchmark.store`.
    """

    part: Part
    model: str
    task: str
    shots: int
    seed: int
    image_size: int
    max_test: int
    of_model: tuple[tuple[str, str], ...]
    """Digests of the model's weights and of its card; empty for a model that is planned."""
    wanted: tuple[Wanted, ...]
    source: str = ""
    """The data that the model was trained on, for the scores that see some of it."""

    @property
    def place(self) -> str:
        """16 hexadecimal digits: no two workers are at one place at a time.

        Scores of one model and draw share it, whichever are asked for; fine-tunings by other settings are other places.
        """
        settings = self.wanted[0].settings if self.part == "finetune" else ()
        fields = [self.part, self.model, self.task, self.shots, self.seed, self.image_size, self.of_model, settings]
        return digest(fields)

    @property
    def stem(self) -> str:
        """Begins the names of its files."""
        task, model = (re.sub(r"[^\w.-]+", "_", Path(name).name) for name in (self.task, self.model))
        return f"{task}-{self.shots}shot-seed{self.seed}-{model}-{self.part}"

    @property
    def label(self) -> str:
        """The cell in words, for progress and messages."""
        return f"{self.part} of {self.model} on {self.task}, {self.shots} shots, seed {self.seed}"


def digest(values: Any) -> str:
    """16 hexadecimal digits of the SHA-256 of values of JSON types."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def cells(config: BenchConfig, zoo: Sequence[ZooModel | PlannedModel], scores: Sequence[Wanted]) -> tuple[Cell, ...]:
    """All cells, each draw whole before the next begins: its scores, since they are cheap, then its fine-tunings."""
    tuning = (Wanted(settings=finetune_settings(config)),)
    of_models = [_of_model(config, model) for model in zoo]
    rows = []
    for shots, seed, tasks in draws(config):
        for part in PARTS:
            wanted = tuple(scores) if part == "scores" else tuning
            for task in tasks if wanted else ():
                for name, size, digests, source in of_models:
                    rows.append(Cell(part, name, task, shots, seed, size, config.max_test, digests, wanted, source))
    return tuple(dict.fromkeys(rows))


def draws(config: BenchConfig) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """(shots, seed, tasks) in the order in which they are done."""
    for part in config.parts:
        for shots in part.shots:
            for seed in part.seeds:
                yield shots, seed, part.tasks


def _of_model(config: BenchConfig, model: ZooModel | PlannedModel) -> tuple[str, int, tuple[tuple[str, str], ...], str]:
    """(name, pixels a side of its images, digests, source)."""
    if isinstance(model, PlannedModel):
        return model.name, config.side(model.image_size), (), ""
    return model.name, config.side(model.card.image_size), digests_of(model), model.card.source


def digests_of(model: ZooModel) -> tuple[tuple[str, str], ...]:
    """What a record keeps of the model it was made of."""
    return ("card", card_digest(model.card)), ("weights", model.weights_digest[:16])


NOT_SETTINGS = ("seed", "together")
"""Fields of FinetuneConfig that are no part of a record's settings: the cell has the seed, and how many pairs are
trained as one program changes no result."""


def finetune_settings(config: BenchConfig) -> tuple[tuple[str, str], ...]:
    """What a fine-tuning depends on beside model and images, as sorted (name, JSON) pairs."""
    values = dataclasses.asdict(config.finetune) | {"max_test": config.max_test}
    return as_settings({name: value for name, value in values.items() if name not in NOT_SETTINGS})


def as_settings(values: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Values as sorted (name, JSON) pairs, equal where the values are."""
    return tuple((name, json.dumps(values[name], sort_keys=True)) for name in sorted(values))


def load_config(path: str | Path) -> BenchConfig:
    """The `config` of a Python file; see `config_of`."""
    return config_of(path, BenchConfig, example="configs/bench_core.py")
