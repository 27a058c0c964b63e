"""What a ranking is: its rows, their order, and the JSON they are written to and read from."""

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lin_ft.data import Task
from lin_ft.errors import InputError
from lin_ft.files.atomic import write_atomically
from lin_ft.finetune import FinetuneConfig, FinetuneResult
from lin_ft.gain import Gains
from lin_ft.gain.curve import CurvePoint
from lin_ft.ranking.agreement import kendall_matrix
from lin_ft.ranking.table import balance_note, ranking_table, score_table
from lin_ft.ranking.verify import verdict, verified
from lin_ft.scores import Scored
from lin_ft.spectra import KernelSpectrum
from lin_ft.zoo import ZooModel


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
    """What it was trained on."""
    rank: int
    predicted_accuracy: float
    """Leave-one-out accuracy of the linearized model at the time and ridge with the least leave-one-out loss; in a
    `Ranking` of unbalanced training classes the balanced one."""
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
    """Of the balanced accuracy where the test classes are unbalanced."""
    scores: dict[str, Scored] = dataclasses.field(default_factory=dict)
    """Values and seconds of the scores of lin_ft.scores that were asked for."""
    details: Details | None = None
    predicted_gain_interval: tuple[float, float] | None = None
    """90 %, of one fine-tuning against one of the reference; by the score `gain` alone."""
    p_best: float | None = None
    """Probability of being the best model of the ranking; by the score `gain` alone."""

    @property
    def held(self) -> bool | None:
        """Whether the measured gain lies in the predicted interval; None where either is missing."""
        if self.predicted_gain_interval is None or self.measured_gain is None:
            return None
        low, high = self.predicted_gain_interval
        return low <= self.measured_gain <= high

    def key(self, score: str) -> tuple[float, ...]:
        """What rows are ordered by, the largest first; -inf where the score has no value for this model."""
        if score == GAIN:
            return (-np.inf if self.predicted_gain is None else self.predicted_gain,)
        if score in SCORES:
            return SCORES[score](self)
        value = self.scores[score].value
        return (-np.inf if value is None else value,)


GAIN = "gain"
"""Ranks by the predicted gain in points (lin_ft.gain), the one score that says how much and how sure."""

SCORES: dict[str, Callable[[RankedModel], tuple[float, ...]]] = {
    "predicted_decrease": lambda row: (row.predicted_decrease,),
    "predicted_accuracy": lambda row: (row.predicted_accuracy, -row.predicted_loss),
    "predicted_loss": lambda row: (-row.predicted_loss,),
    "label_gradient_cka": lambda row: (row.label_gradient,),
    "label_feature_cka": lambda row: (row.label_feature_correlation,),
}
"""Scores of lin_ft.scores.SCORES that every row has: the key to rank it by, the largest first."""


@dataclasses.dataclass(frozen=True)
class Failed:
    """A model that could not be ranked, and why."""

    name: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Ranking:
    """The rows, best first. `print(ranking)` shows the table."""

    task: str
    n: int
    n_classes: int
    reference: str
    score: str
    models: tuple[RankedModel, ...]
    class_counts: tuple[int, ...] = ()
    """Training images of each class."""
    failed: tuple[Failed, ...] = ()
    """Models without a row."""
    gains: Gains | None = dataclasses.field(default=None, compare=False)
    """The joint posterior, models in the order of the zoo; by the score `gain` alone."""
    advice: str = ""
    """Which model to fine-tune, how sure that is, what the choice costs; by the score `gain` alone."""
    notes: tuple[str, ...] = ()
    """What was assumed for the gains."""
    curve: tuple[CurvePoint, ...] = ()
    """Of the first model: accuracy with a quarter to four times the training images; where asked for."""
    made_of: Mapping[str, Any] = dataclasses.field(default_factory=dict, compare=False)
    """Digests of images, weights and cards, and the settings: see `lin_ft.ranking.outdated`."""

    @property
    def balance_note(self) -> str:
        """What accuracies mean where training or test classes are unbalanced, with the largest share; else ""."""
        return balance_note(self)

    def __str__(self) -> str:
        from rich.console import Console

        console = Console(width=120, color_system=None)
        with console.capture() as capture:
            console.print(self.table())
        return capture.get().rstrip()

    def table(self, *, wide: bool = False) -> Any:
        """For a rich console: the rows, accuracies and gains in percent, model names whole.

        Of a ranking by gain, `wide` shows Label-Gradient, Label-Feature Correlation and the decrease of the loss too.
        """
        return ranking_table(self, wide=wide)

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()

    def plot(self, path: str | Path | None = None) -> Any:
        """The picture, a matplotlib figure that notebooks show; written as well where a `path` is given."""
        from lin_ft.report import ranking_picture

        picture = ranking_picture(self)
        if path is not None:
            picture.save(path)
        return picture

    def to_polars(self) -> Any:
        """A polars DataFrame, a row a model, best first.

        The columns are those of the JSON, intervals as two columns each, and the scores that were asked for as
        score/NAME.

        Raises:
            InputError: polars is not installed.
        """
        try:
            import polars
        except ImportError as error:
            raise InputError("polars is not installed: pip install 'lin-ft[bench]'.") from error
        rows = []
        for row in self.as_dict()["models"]:
            scores = row.pop("scores")
            flat = {}
            for name, value in row.items():
                if name.endswith("_interval") and value is not None:
                    flat[f"{name}_low"], flat[f"{name}_high"] = value
                else:
                    flat[name] = value
            rows.append(flat | {f"score/{name}": each["value"] for name, each in scores.items()})
        return polars.from_dicts(rows, infer_schema_length=None)

    def value(self, row: RankedModel) -> float | None:
        """What the row is ranked by; None where the score has no value for it."""
        value = row.key(self.score)[0]
        return None if value == -np.inf else value

    def score_table(self) -> Any:
        """For a rich console: all scores of lin_ft.scores that were asked for."""
        return score_table([(row.name, row.scores) for row in self.models])

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
                | ({"note": each.note} if each.note else {})
                for name, each in row.scores.items()
            }
            if row.measured:
                measured = row.measured.as_dict()
                if row.held is not None:
                    values["measured_gain_in_interval"] = row.held
                values["measured_accuracy"] = measured["test_accuracy"]
                values["measured_accuracy_interval"] = measured["test_accuracy_interval"]
                values["measured_balanced_accuracy"] = measured["test_balanced_accuracy"]
                values["measured_balanced_accuracy_interval"] = measured["test_balanced_accuracy_interval"]
                values["test_class_counts"] = measured["test_class_counts"]
                values["measured_gain"] = row.measured_gain
                values["learning_rate"] = measured["learning_rate"]
            models.append(values)
        names = ("task", "n", "n_classes", "reference", "score", "class_counts")
        failed = {"failed": [dataclasses.asdict(each) for each in self.failed]} if self.failed else {}
        told: dict[str, Any] = {"advice": self.advice} if self.advice else {}
        told |= {"notes": list(self.notes)} if self.notes else {}
        if self.curve:
            told["curve"] = {"model": self.models[0].name, "points": [dataclasses.asdict(each) for each in self.curve]}
        made_of = {"made_of": dict(self.made_of)} if self.made_of else {}
        return {name: getattr(self, name) for name in names} | {"models": models} | failed | told | made_of

    def save_json(self, path: str | Path) -> None:
        """Write `as_dict` to the file, in one step."""
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
        return verified(self, zoo, task, place, config, progress=progress)

    def verdict(self) -> str:
        """One sentence: did fine-tuning order the measured models as predicted?"""
        return verdict(self)


def ranking_from_dict(values: dict[str, Any]) -> Ranking:
    """The ranking whose `as_dict` this is, but for the training images each model got right and fine-tuned curves.

    Raises InputError where something is missing.

    Examples:
        >>> import lin_ft
        >>> task = lin_ft.load_task("optdigits", shots=2, seed=0)
        >>> zoo = lin_ft.embedded_zoo()[:2]
        >>> from lin_ft.ranking import ranking_from_dict
        >>> ranking = lin_ft.rank(zoo, task, lin_ft.RankConfig(head="zero"))
        >>> ranking_from_dict(ranking.as_dict()).as_dict() == ranking.as_dict()
        True
    """
    rows = []
    try:
        for row in values["models"]:
            row, measured = dict(row), None
            accuracy = row.pop("measured_accuracy", None)
            bounds, rate = row.pop("measured_accuracy_interval", None), row.pop("learning_rate", 0.0)
            balanced = row.pop("measured_balanced_accuracy", None)
            balanced_bounds = row.pop("measured_balanced_accuracy_interval", None)
            counts = tuple(row.pop("test_class_counts", ()))
            if accuracy is not None:
                measured = FinetuneResult(
                    row["name"], values["task"], rate, {}, accuracy, (bounds[0], bounds[1]), np.empty(0, bool), (), 0.0,
                    test_class_counts=counts, test_balanced_accuracy=balanced,
                    test_balanced_accuracy_interval=balanced_bounds and (balanced_bounds[0], balanced_bounds[1]),
                )  # fmt: skip
            row["predicted_accuracy_interval"] = tuple(row["predicted_accuracy_interval"])
            if interval := row.pop("predicted_gain_interval", None):
                row["predicted_gain_interval"] = (interval[0], interval[1])
            scores = {name: Scored(**each) for name, each in row.pop("scores", {}).items()}
            gain = row.pop("measured_gain", None)
            row.pop("measured_gain_in_interval", None)
            rows.append(RankedModel(**row, measured=measured, measured_gain=gain, scores=scores))
        names = ("task", "n", "n_classes", "reference", "score")
        counts = tuple(values.get("class_counts", ()))
        failed = tuple(Failed(**each) for each in values.get("failed", ()))
        about = {name: values[name] for name in names}
        told = {"advice": values.get("advice", ""), "notes": tuple(values.get("notes", ()))}
        points = values.get("curve", {}).get("points", ())
        told["curve"] = tuple(CurvePoint(**each | {"interval": tuple(each["interval"])}) for each in points)
        told["made_of"] = values.get("made_of", {})
        return Ranking(**about, models=tuple(rows), class_counts=counts, failed=failed, **told)
    except (KeyError, TypeError) as error:
        raise InputError(f"Not the JSON of a ranking ({error}); write it by `lin-ft rank --json`.") from error
