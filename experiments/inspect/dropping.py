"""Does fine-tuning gain what influence predicts where the worst images are dropped?

Command   python -m experiments.inspect.dropping
Expected  results/inspect/dropping.json and .md
Hardware  1 CPU core, 5 CPU-minutes

Ten images a class of 4 tasks, labels as they are and with 10 % of them flipped. The tenth of the training images with
the least influence on the validation loss (`lin_ft.inspect.influence`) is dropped; the same model is fine-tuned for
real with and without them, 60 steps at one learning rate, 3 draws of images, flips and fine-tuning.
"""

import dataclasses
import json
from pathlib import Path

import numpy as np
import tyro

from experiments.common.figure import RESULTS
from experiments.inspect.flips import flipped
from experiments.inspect.kept import kept_view
from experiments.inspect.with_error import with_error
from lin_ft.data import Task, load_task
from lin_ft.files.atomic import write_atomically
from lin_ft.files.programs import keep_programs
from lin_ft.finetune import FinetuneConfig, finetune
from lin_ft.inspect import influence, loss_without
from lin_ft.provenance import provenance
from lin_ft.zoo import named_zoo, select_models


@dataclasses.dataclass(frozen=True)
class Dropping:
    """The check."""

    tasks: tuple[str, ...] = ("optdigits", "satimage", "osu_leaf", "indian_pines")
    model: str = "cifar10-resnet20"
    zoo: str = "embedded"
    shots: int = 10
    rates: tuple[float, ...] = (0.1, 0.0)
    """Shares of flipped labels."""
    seeds: tuple[int, ...] = (0, 1, 2)
    share: float = 0.1
    """Of the training images that is dropped."""
    steps: int = 60
    learning_rate: float = 0.03
    max_test: int = 200
    out: Path = RESULTS / "inspect"

    def run(self) -> None:
        path = self.out / "dropping.json"
        stored = json.loads(path.read_text()) if path.exists() else {}
        values, made = stored.get("values", {}), stored.get("made", {})
        (model,) = select_models(named_zoo(self.zoo), [self.model])
        for rate in self.rates:
            for seed in self.seeds:
                for name in self.tasks:
                    key = f"{name} {rate:g} {seed}"
                    if key not in values:
                        values[key], made = self._one(model, name, rate, seed), provenance()
                        text = json.dumps({"made": made, "values": values}, indent=1) + "\n"
                        write_atomically(
                            path, lambda temporary, text=text: temporary.write_text(text, encoding="utf-8")
                        )
                        print(key, values[key], flush=True)
        text = self.report(values, made)
        write_atomically(path.with_suffix(".md"), lambda temporary: temporary.write_text(text, encoding="utf-8"))
        print(text)

    def _one(self, model, name: str, rate: float, seed: int) -> dict:
        task = load_task(name, shots=self.shots, seed=seed, max_test=self.max_test)
        wrong = np.zeros(task.n, bool)
        if rate:
            labels, wrong = flipped(task.train.labels, task.n_classes, rate, seed)
            task = dataclasses.replace(task, train=dataclasses.replace(task.train, labels=labels))
        view = kept_view(model, task)
        found = influence(view, on="validation")
        worst = found.order[: max(1, round(self.share * task.n))]
        config = FinetuneConfig(steps=self.steps, learning_rates=(self.learning_rate,), seed=seed)
        kept = np.setdiff1d(np.arange(task.n), worst)
        before, after = (finetune(model, _only(task, places), config) for places in (np.arange(task.n), kept))
        return {
            "n": task.n, "dropped": len(worst), "dropped_flipped": int(wrong[worst].sum()), "flipped": int(wrong.sum()),
            "loss": found.loss, "predicted_loss": loss_without(view, worst, on="validation"),
            "accuracy": before.test_accuracy, "accuracy_without": after.test_accuracy,
        }  # fmt: skip

    def report(self, values: dict, made: dict) -> str:
        """Markdown: a row for each task and share of flipped labels."""
        lines = [
            "# Dropping the images of least influence, checked by fine-tuning", "",
            f"`python -m experiments.inspect.dropping`; {self.model}, {self.shots} images a class,"
            f" {self.share:.0%} of them dropped, {self.steps} steps at learning rate {self.learning_rate:g};"
            " differences in points, their mean with its standard error."
            f" Computed at {made.get('commit', '')}; {made.get('device', '')}.", "",
            "| labels flipped | task | draws | flipped among the dropped | validation loss, predicted | test accuracy |"
            " without | difference |",
            "| --: | --- | --: | --: | --: | --: | --: | --: |",
        ]  # fmt: skip
        for rate in self.rates:
            gaps = []
            for name in self.tasks:
                rows = [values[k] for seed in self.seeds if (k := f"{name} {rate:g} {seed}") in values]
                if not rows:
                    continue
                gap = [100 * (row["accuracy_without"] - row["accuracy"]) for row in rows]
                gaps += gap
                mean = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
                lines.append(
                    f"| {rate:.0%} | {name} | {len(rows)} | {mean['dropped_flipped']:.1f} of {mean['flipped']:.0f}"
                    f" | {mean['loss']:.3f} → {mean['predicted_loss']:.3f} | {100 * mean['accuracy']:.1f}"
                    f" | {100 * mean['accuracy_without']:.1f} | {np.mean(gap):+.1f} |"
                )
            if gaps:
                lines.append(f"| {rate:.0%} | all | {len(gaps)} | | | | | {with_error(np.array(gaps))} |")
        return "\n".join(lines) + "\n"


def _only(task: Task, places: np.ndarray) -> Task:
    return dataclasses.replace(task, train=task.train.take(places))


if __name__ == "__main__":
    keep_programs()
    tyro.cli(Dropping, config=(tyro.conf.OmitArgPrefixes,)).run()
