"""What a benchmark is: models x tasks x shots x seeds, and what is done in every cell of that matrix."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from lin_ft.errors import InputError
from lin_ft.files.config_file import config_of
from lin_ft.finetune import FinetuneConfig
from lin_ft.zoo import REFERENCE, ZooModel

Part = Literal["scores", "finetune"]
PARTS: tuple[Part, ...] = ("scores", "finetune")
FORMAT = 1
"""Of the cell files; a new one makes new cells."""


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
        problems += [f"shots: {value} is below 0" for value in self.shots if value < 0]
        problems += [f"seeds: {value} is below 0" for value in self.seeds if value < 0]
        problems += [f"development: {task} is not among the tasks" for task in set(self.development) - set(self.tasks)]
        problems += [f"image_size: {self.image_size} is below 0"] * (self.image_size < 0)
        problems += [f"source_shots: {self.source_shots} is below 0"] * (self.source_shots < 0)
        problems += [f"max_test: {self.max_test} is below 1"] * (self.max_test < 1)
        if problems:
            raise InputError(f"benchmark {self.name!r}: {'; '.join(problems)}.")


@dataclasses.dataclass(frozen=True)
class Cell:
    """One piece of work: the scores of a model on a task, or its fine-tuning.

    The two are apart so that a new score never repeats a fine-tuning, and a new learning rate no score.
    """

    part: Part
    model: str
    task: str
    shots: int
    seed: int
    settings: tuple[tuple[str, str], ...]
    """Everything else that the result depends on, as sorted (name, JSON) pairs."""

    @property
    def key(self) -> str:
        """16 hexadecimal digits of the SHA-256 of all fields: another setting is another cell."""
        text = json.dumps([FORMAT, dataclasses.astuple(self)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def filename(self) -> str:
        task, model = (re.sub(r"[^\w.-]+", "_", Path(name).name) for name in (self.task, self.model))
        return f"{task}-{self.shots}shot-seed{self.seed}-{model}-{self.part}-{self.key}.json"

    @property
    def label(self) -> str:
        return f"{self.part} of {self.model} on {self.task}, {self.shots} shots, seed {self.seed}"


def cells(config: BenchConfig, zoo: Sequence[ZooModel | PlannedModel], score_names: Sequence[str]) -> tuple[Cell, ...]:
    """All cells; scores first, since they are cheap, and each seed whole before the next begins.

    `zoo` holds the models of the benchmark; the SHA-256 of their weights is part of the key.
    """
    tuning = dataclasses.asdict(config.finetune)
    del tuning["seed"], tuning["together"]
    if config.finetune.statistics == "source":
        del tuning["statistics"]
    tuning |= {"max_test": config.max_test}
    scoring = {"heads": config.heads, "probes": config.probes, "scores": tuple(sorted(score_names))}
    rows = []
    for part in PARTS:
        settings = scoring if part == "scores" else tuning
        if part == "scores" and config.left_out != ("image",):
            settings = settings | {"left_out": config.left_out}
        if part == "scores" and config.source_shots:
            settings = settings | {"source_shots": config.source_shots}
        if config.image_size:
            settings = settings | {"image_size": config.image_size}
        for shots in config.shots:
            for seed in config.seeds:
                for task in config.tasks:
                    for model in zoo:
                        weights = model.card.sha256 if isinstance(model, ZooModel) else ""
                        values = {**settings, "weights": weights}
                        pairs = tuple((name, json.dumps(values[name])) for name in sorted(values))
                        rows.append(Cell(part, model.name, task, shots, seed, pairs))
    return tuple(rows)


def load_config(path: str | Path) -> BenchConfig:
    """The `config` of a Python file; see `config_of`."""
    return config_of(path, BenchConfig, example="configs/bench_core.py")
