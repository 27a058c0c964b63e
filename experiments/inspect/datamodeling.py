"""Does attribution foretell what other trainings give? Linear datamodeling score of one model on one task.

Command   python -m experiments.inspect.datamodeling
Expected  results/inspect/datamodeling.json and .md
Hardware  1 CPU core, 3 CPU-minutes

The model is fine-tuned for real on 50 random halves of the training images, and the linearized one (kernel ridge
regression) trained on the same in closed form. For each test image the label's margin over the other logits is held
against the sum of attributions of the half's images: Spearman over the halves, mean over test images.
"""

import dataclasses
import json
from pathlib import Path

import numpy as np
import tyro

from experiments.common.figure import RESULTS
from experiments.inspect.kept import KeptView, kept_view
from experiments.inspect.with_error import with_error
from lin_ft.data import Task, load_task
from lin_ft.files.atomic import write_atomically
from lin_ft.files.programs import keep_programs
from lin_ft.finetune import FinetuneConfig, finetune
from lin_ft.functions import from_linen, logits_of
from lin_ft.inspect import attribution, linear_datamodeling_score, margins
from lin_ft.inspect.label_errors import ridge_view
from lin_ft.predict import decompose, predict_logits
from lin_ft.provenance import provenance
from lin_ft.zoo import ZooModel, named_zoo, select_models

TIMES = (0.1, 1.0, 10.0)
"""Of trainings that stop early."""


@dataclasses.dataclass(frozen=True)
class Datamodeling:
    """The measurement."""

    task: str = "optdigits"
    model: str = "cifar10-resnet20"
    zoo: str = "embedded"
    shots: int = 10
    subsets: int = 50
    steps: int = 40
    batch_size: int = 16
    learning_rate: float = 0.03
    max_test: int = 100
    out: Path = RESULTS / "inspect"

    def run(self) -> None:
        path = self.out / "datamodeling.json"
        stored = json.loads(path.read_text()) if path.exists() else {}
        measured, made = stored.get("margins", {}), stored.get("made", {})
        (model,) = select_models(named_zoo(self.zoo), [self.model])
        task = load_task(self.task, shots=self.shots, seed=0, max_test=self.max_test)
        subsets = np.stack([half(task.n, number) for number in range(self.subsets)])
        for number, chosen in enumerate(subsets):
            if str(number) not in measured:
                measured[str(number)] = np.round(self._finetuned(model, task, chosen), 4).tolist()
                made = provenance()
                text = json.dumps({"made": made, "margins": measured}) + "\n"
                write_atomically(path, lambda temporary, text=text: temporary.write_text(text, encoding="utf-8"))
        outputs = np.array([measured[str(number)] for number in range(self.subsets)])
        text = self.report(kept_view(model, task), subsets, outputs, made)
        write_atomically(path.with_suffix(".md"), lambda temporary: temporary.write_text(text, encoding="utf-8"))
        print(text)

    def _finetuned(self, model: ZooModel, task: Task, chosen: np.ndarray) -> np.ndarray:
        """Margins of the test images, (m,), after a real fine-tuning on the chosen images."""
        config = FinetuneConfig(
            steps=self.steps, batch_size=self.batch_size, learning_rates=(self.learning_rate,), seed=0
        )
        part = dataclasses.replace(task, train=task.train.take(np.flatnonzero(chosen)))
        result = finetune(model, part, config)
        apply, params = from_linen(model.module(task.n_classes), result.variables)
        logits = logits_of(apply, params, model.normalise(task.test.images))
        return margins(np.asarray(logits), task.test.labels)

    def report(self, view: KeptView, subsets: np.ndarray, outputs: np.ndarray, made: dict) -> str:
        """Markdown: a row for each attribution, a column for each kind of training."""
        task = view.task
        cross = view.cross_kernel(task.test.images)
        kernel, ridge = np.asarray(view.kernel, np.float64), ridge_view(view).prediction.ridge
        linear = np.stack([
            margins(
                predict_logits(
                    decompose(kernel[np.ix_(s, s)]), cross[:, s], view.targets[s], (np.inf,), (ridge,)
                )[0, 0],
                task.test.labels,
            )
            for s in map(np.flatnonzero, subsets)
        ])  # fmt: skip
        same = np.where(view.labels[:, None] == task.test.labels[None], 1.0, -1 / (task.n_classes - 1))
        features = np.asarray(view.features, np.float64)
        others = np.asarray(view.under(head="zero").cross_kernel(task.test.images), np.float64) - 1
        lengths = np.linalg.norm(features, axis=1)[:, None]
        tables = {
            "derivative (TRAK, linearized)": margins(attribution(view, task.test.images), task.test.labels),
            **{
                f"derivative at time {time:g} / mean eigenvalue": margins(
                    attribution(view, task.test.images, time=time), task.test.labels
                )
                for time in TIMES
            },
            "leaving out": margins(attribution(view, task.test.images, weight=0.0), task.test.labels),
            "cosine of features x label agreement": others.T / lengths * same,
            "label agreement alone": same,
        }
        lines = [
            "# Linear datamodeling score", "",
            f"`python -m experiments.inspect.datamodeling`; {self.model} on {self.task}, {task.n} images,"
            f" {len(subsets)} random halves, {self.steps} steps of {self.batch_size}, {len(task.test)} test images."
            f" Spearman over the halves, mean over test images with its standard error."
            f" Computed at {made.get('commit', '')}; {made.get('device', '')}.", "",
            "| attribution | real fine-tuning | linearized, closed form |", "| --- | --: | --: |",
        ]  # fmt: skip
        for name, table in tables.items():
            scores = [linear_datamodeling_score(table, subsets, each) for each in (outputs, linear)]
            cells = [with_error(score, 3, "") for score in scores]
            lines.append(f"| {name} | {' | '.join(cells)} |")
        return "\n".join(lines) + "\n"


def half(n: int, number: int) -> np.ndarray:
    """A random half of n images, bool (n,); the same for the same number."""
    return np.isin(np.arange(n), np.random.default_rng(number).permutation(n)[: n // 2])


if __name__ == "__main__":
    keep_programs()
    tyro.cli(Datamodeling, config=(tyro.conf.OmitArgPrefixes,)).run()
