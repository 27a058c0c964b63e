"""The main job: rank the models of a zoo for a task, from the training images alone."""

import contextlib
import dataclasses
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from lin_ft import scores as suite
from lin_ft.data import Task
from lin_ft.data.progress import bar
from lin_ft.errors import InputError
from lin_ft.finetune import FinetuneConfig, FinetuneResult, finetune
from lin_ft.functions import with_head
from lin_ft.heads import init_head
from lin_ft.kernels import probe_gram
from lin_ft.predict import bootstrap_interval, decompose, select, stratified_folds
from lin_ft.predict.selection import Prediction
from lin_ft.scores import alignment, encode, label_feature, predicted_decrease
from lin_ft.side_by_side import kendall_matrix, score_inputs, score_table
from lin_ft.spectra import KernelSpectrum, spectrum_of
from lin_ft.zoo import REFERENCE, ZooModel
from lin_ft.zoo.feature_cache import cached_features
from lin_ft.zoo.weights import write_atomically


@dataclasses.dataclass(frozen=True)
class RankConfig:
    """What is computed for every model, and by what they are ranked."""

    score: str = "predicted_decrease"
    """The default is the score of ours that ranked best on the development tasks of two zoos (README, "Measured so
    far"). One of SCORES, or any of lin_ft.scores.SCORES, or a function of your own, "file.py:function"."""
    head: str = "random"
    """One of HEADS: what the backbone's part of the kernel sees."""
    probes: int = 2
    """Random head columns that probe the backbone's part of the kernel; more cost more and vary less."""
    trainable: str = "all"
    reference: str = REFERENCE
    ridges: tuple[float, ...] = tuple(10.0**power for power in range(-4, 2))
    """In units of the mean eigenvalue of the kernel."""
    times: tuple[float, ...] = (1.0, 10.0, 100.0, 1000.0, np.inf)
    """Training times eta t, in units of 1 / (mean eigenvalue of the kernel)."""
    left_out: str = "image"
    """What is predicted from the rest: "image", one after the other, or "shot", one image of each class at a time."""
    seed: int = 0
    scores: tuple[str, ...] = ()
    """Shown beside: names of lin_ft.scores.SCORES, "all", or functions of your own, "file.py:function"."""
    source_shots: int = 0
    """Images a class of each model's source data, for the scores that need them; 0: those scores are left out."""
    details: bool = False
    """Keep what the HTML report shows of each model; costs one more decomposition."""

    def __post_init__(self):
        if self.score not in SCORES and self.score not in suite.SCORES and ":" not in self.score:
            raise InputError(f"score {self.score!r}: unknown; one of {', '.join([*SCORES, *suite.SCORES])}.")
        if self.head not in HEADS:
            raise InputError(f"head {self.head!r}: no ranking with it; one of {', '.join(HEADS)}.")
        if self.left_out not in ("image", "shot"):
            raise InputError(f"left_out {self.left_out!r}: unknown; one of image, shot.")
        _ = self.chosen  # unknown names are refused before any work

    @property
    def chosen(self) -> dict[str, suite.Score]:
        """The scores of lin_ft.scores that take part."""
        return suite.chosen([*(name for name in self.scores if name not in SCORES), *self._main])

    @property
    def _main(self) -> tuple[str, ...]:
        return () if self.score in SCORES else (self.score,)


HEADS = ("zero", "random")
"""A ridge head has seen the labels of the images that leave-one-out leaves out; see lin_ft.heads."""


@dataclasses.dataclass(frozen=True, eq=False)
class Details:
    """What the HTML report shows of one model."""

    times: tuple[float, ...]
    """Training times of RankConfig, ascending."""
    accuracies: tuple[float, ...]
    """Leave-one-out accuracy at each, at the chosen ridge."""
    predicted: tuple[int, ...]
    """Class of each training image when left out."""
    spectrum: KernelSpectrum


@dataclasses.dataclass(frozen=True)
class RankedModel:
    """One row. Accuracies and gains are fractions; gains are against the reference model on the same task."""

    name: str
    source: str
    rank: int
    predicted_accuracy: float
    """Leave-one-out accuracy of the linearized model at the time and ridge with the least leave-one-out loss."""
    predicted_accuracy_interval: tuple[float, float]
    predicted_loss: float
    """Leave-one-out squared loss, (1 / 2n) sum over samples and classes; breaks ties of the accuracy."""
    predicted_gain: float | None
    predicted_decrease: float
    """Share of the squared loss that gradient flow removes in a short time, G(t) / G(0); see lin_ft.scores."""
    label_gradient: float
    """Cosine of the centred kernel with the centred label kernel, in [-1, 1]; see lin_ft.scores.alignment."""
    label_feature_correlation: float
    """The same with the kernel of the features alone."""
    seconds: float
    correct: tuple[float, ...] = ()
    """1 for each training image that is predicted rightly when left out."""
    measured: FinetuneResult | None = None
    measured_gain: float | None = None
    scores: dict[str, suite.Scored] = dataclasses.field(default_factory=dict)
    """Values and seconds of the scores of lin_ft.scores that were asked for."""
    details: Details | None = None

    def key(self, score: str) -> tuple[float, ...]:
        """What rows are ordered by, the largest first; -inf where the score has no value for this model."""
        if score in SCORES:
            return SCORES[score](self)
        value = self.scores[score].value
        return (-np.inf if value is None else value,)


SCORES: dict[str, Callable[[RankedModel], tuple[float, ...]]] = {
    "predicted_decrease": lambda row: (row.predicted_decrease,),
    "predicted_accuracy": lambda row: (row.predicted_accuracy, -row.predicted_loss),
    "predicted_loss": lambda row: (-row.predicted_loss,),
    "label_gradient": lambda row: (row.label_gradient,),
    "label_feature_correlation": lambda row: (row.label_feature_correlation,),
}
"""What to rank by: a key of each row, the largest first."""


@dataclasses.dataclass(frozen=True)
class Ranking:
    """The rows, best first. `print(ranking)` shows the table."""

    task: str
    n: int
    n_classes: int
    reference: str
    score: str
    models: tuple[RankedModel, ...]

    def __str__(self) -> str:
        from rich.console import Console

        console = Console(width=120, color_system=None)
        with console.capture() as capture:
            console.print(self.table())
        return capture.get().rstrip()

    def table(self) -> Any:
        """A rich table of at most 80 columns; accuracies and gains in percent."""
        from rich.box import SIMPLE_HEAD
        from rich.table import Table

        verified = any(row.measured for row in self.models)
        size = f"{self.n} training images, {self.n_classes} classes"
        title = f"{self.task}: {size}, by {self.score} (* reference)"
        table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
        heads = ["#  ", "source", "predicted\n% [95 % CI]", "\ngain"]
        heads += (
            ["measured\n% [95 % CI]", "\ngain"]
            if verified
            else ["loss\nfalls %", "Label-\nGradient", "Label-\nFeature", "\ns"]
        )
        lines = []
        for row in self.models:
            place = f"{row.rank} *" if row.name == self.reference else f"{row.rank}  "
            predicted = _with_interval(row.predicted_accuracy, row.predicted_accuracy_interval)
            cells = [place, row.source, predicted, _signed(row.predicted_gain)]
            if verified:
                result = row.measured
                cells.append(_with_interval(result.test_accuracy, result.test_accuracy_interval) if result else "")
                cells.append(_signed(row.measured_gain))
            else:
                cells += [f"{100 * row.predicted_decrease:.1f}", f"{row.label_gradient:.3f}"]
                cells += [f"{row.label_feature_correlation:.3f}", f"{row.seconds:.1f}"]
            lines.append(cells)
        for head, cells in zip(heads, zip(*lines, strict=True), strict=True):
            if head == "source":  # where it is narrow, names are cut and numbers are not
                table.add_column(head, overflow="ellipsis")
                continue
            width = max(len(text) for text in (*head.split("\n"), *cells))
            table.add_column(head, justify="right", no_wrap=True, min_width=width)
        for cells in lines:
            table.add_row(*cells)
        return table

    def value(self, row: RankedModel) -> float | None:
        """What the row is ranked by; None where the score has no value for it."""
        value = row.key(self.score)[0]
        return None if value == -np.inf else value

    def score_table(self) -> Any:
        """A rich table of all scores of lin_ft.scores that were asked for."""
        return score_table([(row.source, row.scores) for row in self.models])

    def agreement(self) -> tuple[list[str], Any]:
        """Names, and Kendall's tau of every two scores over the models, those of every row included."""
        values = {name: [key(row)[0] for row in self.models] for name, key in SCORES.items()}
        values |= {name: [row.scores[name].value for row in self.models] for name in self.models[0].scores}
        return kendall_matrix(values)

    def as_dict(self) -> dict[str, Any]:
        """JSON types; `models` in the order of the ranking."""
        models = []
        for row in self.models:
            values = dataclasses.asdict(dataclasses.replace(row, measured=None, scores={}, details=None))
            for name in ("correct", "measured", "measured_gain", "details"):
                values.pop(name)
            values["scores"] = {
                name: {"value": each.value, "seconds": round(each.seconds, 4)}
                | ({"reason": each.reason} if each.reason else {})
                for name, each in row.scores.items()
            }
            if row.measured:
                measured = row.measured.as_dict()
                values["measured_accuracy"] = measured["test_accuracy"]
                values["measured_accuracy_interval"] = measured["test_accuracy_interval"]
                values["measured_gain"] = row.measured_gain
                values["learning_rate"] = measured["learning_rate"]
            models.append(values)
        return {name: getattr(self, name) for name in ("task", "n", "n_classes", "reference", "score")} | {
            "models": models
        }

    def save_json(self, path: str | Path) -> None:
        text = json.dumps(self.as_dict(), indent=1) + "\n"
        write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))

    def verified(
        self,
        zoo: Sequence[ZooModel],
        task: Task,
        place: int,
        config: FinetuneConfig | None = None,
        *,
        progress: bool = False,
    ) -> "Ranking":
        """The same ranking, with the model at `place` (0: the first) fine-tuned for real."""
        (model,) = (model for model in zoo if model.name == self.models[place].name)
        result = finetune(model, task, config, progress=progress)
        rows = list(self.models)
        rows[place] = dataclasses.replace(rows[place], measured=result)
        reference = next((row.measured for row in rows if row.name == self.reference), None)
        if reference:
            rows = [
                dataclasses.replace(row, measured_gain=row.measured.test_accuracy - reference.test_accuracy)
                if row.measured
                else row
                for row in rows
            ]
        return dataclasses.replace(self, models=tuple(rows))

    def verdict(self) -> str:
        """One sentence: did fine-tuning order the measured models as predicted?"""
        rows = [row for row in self.models if row.measured]
        if len(rows) < 2:
            return "Fine-tune at least two models to check the order."
        accuracies = [row.measured.test_accuracy for row in rows if row.measured]
        pairs = [(i, j) for i in range(len(rows)) for j in range(i + 1, len(rows))]
        right = sum(accuracies[i] > accuracies[j] for i, j in pairs)
        return (
            f"Fine-tuned for real, {rows[0].source} reaches {accuracies[0]:.1%} and"
            f" {rows[-1].source} {accuracies[-1]:.1%}: {right} of {len(pairs)} pairs are in the predicted order."
        )


def ranking_from_dict(values: dict[str, Any]) -> Ranking:
    """The ranking whose `as_dict` this is, but for the training images each model got right and fine-tuned curves.

    Raises InputError where something is missing.
    """
    rows = []
    try:
        for row in values["models"]:
            row, measured = dict(row), None
            accuracy = row.pop("measured_accuracy", None)
            bounds, rate = row.pop("measured_accuracy_interval", None), row.pop("learning_rate", 0.0)
            if accuracy is not None:
                empty = np.empty(0, bool)
                measured = FinetuneResult(
                    row["name"], values["task"], rate, {}, accuracy, (bounds[0], bounds[1]), empty, (), 0.0
                )
            row["predicted_accuracy_interval"] = tuple(row["predicted_accuracy_interval"])
            scores = {name: suite.Scored(**each) for name, each in row.pop("scores", {}).items()}
            gain = row.pop("measured_gain", None)
            rows.append(RankedModel(**row, measured=measured, measured_gain=gain, scores=scores))
        names = ("task", "n", "n_classes", "reference", "score")
        return Ranking(**{name: values[name] for name in names}, models=tuple(rows))
    except (KeyError, TypeError) as error:
        raise InputError(f"Not the JSON of a ranking ({error}); write it by `lin-ft rank --json`.") from error


def rank(zoo: Sequence[ZooModel], task: Task, config: RankConfig | None = None, *, progress: bool = False) -> Ranking:
    """Rank the models for the task from its training images; validation and test images are not looked at.

    Every row is `describe`d; gains are against `config.reference`, and None when the zoo does not have it.
    Ties keep the order of the zoo. Cost: see `describe`, once for each model; models of one architecture share
    their compiled programs.
    """
    config = config or RankConfig()
    if not zoo:
        raise InputError("zoo: it is empty; give at least one model.")
    rows = []
    with bar(f"ranking for {task.name}", len(zoo)) if progress else _silent() as show:
        for done, model in enumerate(zoo):
            rows.append(describe(model, task, config))
            show(done + 1)
    reference = next((row for row in rows if row.name == config.reference), None)
    combined = suite.combined(config.chosen, [row.scores for row in rows])
    rows = [dataclasses.replace(row, scores=scores) for row, scores in zip(rows, combined, strict=True)]
    if config.score not in SCORES and all(row.scores[config.score].value is None for row in rows):
        raise InputError(f"score {config.score!r}: no value for any model: {rows[0].scores[config.score].reason}.")
    sources = [row.source for row in rows]
    rows = [row if sources.count(row.source) == 1 else dataclasses.replace(row, source=row.name) for row in rows]
    rows.sort(key=lambda row: row.key(config.score), reverse=True)
    rows = [
        dataclasses.replace(
            row,
            rank=place + 1,
            predicted_gain=None if reference is None else row.predicted_accuracy - reference.predicted_accuracy,
        )
        for place, row in enumerate(rows)
    ]
    return Ranking(task.name, task.n, task.n_classes, config.reference, config.score, tuple(rows))


@dataclasses.dataclass(frozen=True, eq=False)
class Seen:
    """What a model sees of the training images, under one head."""

    features: np.ndarray
    targets: np.ndarray
    """One-hot minus 1 / C."""
    kernel: np.ndarray
    seconds: float


def look(model: ZooModel, task: Task, config: RankConfig) -> Seen:
    """Features and kernel of the training images; `describe` with the same config takes it from there.

    Cost: one forward pass, and `probes` forward-and-backward passes for each training image.
    """
    began = time.monotonic()
    apply, params = model.function
    x, labels = model.normalise(task.train.images), np.asarray(task.train.labels)
    # Minus a constant: the class frequencies would tell leave-one-out the label it leaves out.
    targets = encode(labels, task.n_classes) - 1 / task.n_classes
    features = cached_features(model, task.train.images)
    key = jax.random.key(config.seed)
    params = with_head(params, init_head(config.head, features, targets.astype(x.dtype), key))
    if config.head == "zero" or config.trainable == "head":
        kernel = features.astype(np.float64) @ features.T.astype(np.float64) + 1
    else:
        kernel = probe_gram(apply, params, x, probes=config.probes, key=key, trainable=config.trainable)
    return Seen(np.asarray(features), targets, np.asarray(kernel), time.monotonic() - began)


def describe(model: ZooModel, task: Task, config: RankConfig | None = None, *, seen: Seen | None = None) -> RankedModel:
    """All quantities of one model on one task; `rank` and `predicted_gain` are left for `rank` to fill.

    The initial logits are taken as zero (a head and its negative, Chizat et al. 2019), so the residual is Y itself:
    leave-one-out never meets a head that has seen the label.
    Cost: that of `look`, unless it was `seen` before, and O(n³) for the spectrum.
    """
    config = config or RankConfig()
    seen = seen or look(model, task, config)
    began = time.monotonic() - seen.seconds
    features, targets, kernel, labels = seen.features, seen.targets, seen.kernel, np.asarray(task.train.labels)
    spectrum = decompose(kernel)
    scale = spectrum.scale
    prediction = select(
        spectrum,
        targets,
        labels,
        [time / scale for time in config.times],
        [ridge * scale for ridge in config.ridges],
        folds=None if config.left_out == "image" else stratified_folds(labels, _shots(labels), seed=config.seed),
    )
    ranked = RankedModel(
        name=model.name,
        source=model.card.source if model.card.family == "single" else model.name,
        rank=0,
        predicted_accuracy=prediction.accuracy,
        predicted_accuracy_interval=bootstrap_interval(prediction.correct, seed=config.seed),
        predicted_loss=prediction.loss,
        predicted_gain=None,
        predicted_decrease=predicted_decrease(kernel, targets, spectrum=spectrum),
        label_gradient=alignment(kernel, targets, form="cka"),
        label_feature_correlation=label_feature(features, targets, form="cka"),
        seconds=round(time.monotonic() - began, 3),
        correct=tuple(float(value) for value in prediction.correct),
        details=_details(config, prediction, kernel, labels, model, task) if config.details else None,
    )
    if not config.chosen:
        return ranked
    inputs = score_inputs(
        model,
        task,
        features=features,
        targets=targets,
        kernel=np.asarray(kernel),
        reference=config.reference,
        seed=config.seed,
        source_shots=config.source_shots,
    )
    return dataclasses.replace(ranked, scores=suite.evaluate(config.chosen, inputs))


def _shots(labels: np.ndarray) -> int:
    """Images of the largest class; at least two folds."""
    return max(2, int(np.bincount(labels).max()))


def _details(
    config: RankConfig, prediction: Prediction, kernel: Any, labels: Any, model: ZooModel, task: Task
) -> Details:
    place = int(np.argmin(prediction.losses.min(0)))
    return Details(
        times=tuple(sorted(config.times)),
        accuracies=tuple(prediction.accuracies[:, place].tolist()),
        predicted=tuple(prediction.logits.argmax(1).tolist()),
        spectrum=spectrum_of(np.asarray(kernel, np.float64), encode(labels, task.n_classes), model.name, task.name),
    )


def _with_interval(value: float, interval: tuple[float, float]) -> str:
    return f"{100 * value:.1f} [{100 * interval[0]:.0f}, {100 * interval[1]:.0f}]"


def _signed(value: float | None) -> str:
    return "" if value is None else f"{100 * value:+.1f}"


@contextlib.contextmanager
def _silent() -> Iterator[Callable[[int], None]]:
    yield lambda done: None
