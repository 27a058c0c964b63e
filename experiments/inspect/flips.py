"""Are flipped labels found? 5, 10 and 20 % of the labels of each task, against the usual ways to look for them.

Command   python -m experiments.inspect.flips
Expected  results/inspect/flips.json and .md: area under the ROC curve and precision at the true number
Hardware  1 CPU core, 6 CPU-minutes: flipping labels leaves the kernels as they are

Ten images a class, one draw of the images; labels are flipped to another class at random, each share in FLIPS ways.
Each method is asked with every model alone (the mean over the models is shown) and with the three together, weighted by
P(best), which sees the flipped labels too. What a method's settings are was chosen on the development half of the tasks
(configs/bench_core.py); so was the default of `lin_ft.inspect.label_errors`. The other half judges.
"""

import dataclasses
import json
from pathlib import Path

import numpy as np
import tyro

from experiments.common.figure import CONFIG, RESULTS, development
from experiments.inspect.kept import MODELS, KeptView, kept_view, with_labels
from experiments.inspect.with_error import with_error
from lin_ft.benchmark.config import load_config
from lin_ft.data import load_task
from lin_ft.files.atomic import write_atomically
from lin_ft.gain import Sight, predict_gains, terms
from lin_ft.inspect.label_errors import METHODS, ridge_view, suspicious
from lin_ft.predict import backbone_part, training_residuals
from lin_ft.provenance import provenance
from lin_ft.ranking.rank import candidate
from lin_ft.zoo import named_zoo, select_models

RATES = (0.05, 0.1, 0.2)
FLIPS = 3
SINGLE, TOGETHER = "one model", "weighted by P(best)"


@dataclasses.dataclass(frozen=True)
class Flips:
    """The comparison."""

    tasks: tuple[str, ...] = ()
    """Default: all of the core matrix."""
    models: tuple[str, ...] = MODELS
    zoo: str = "embedded"
    shots: int = 10
    flips: int = FLIPS
    out: Path = RESULTS / "inspect"
    kernels: Path | None = None

    def run(self) -> None:
        path = self.out / "flips.json"
        stored = json.loads(path.read_text()) if path.exists() else {}
        values: dict[str, list[dict]] = stored.get("values", {})
        made = stored.get("made", {})
        tasks = self.tasks or load_config(CONFIG).tasks
        for name in tasks:
            if name not in values:
                values[name] = self._task(name)
                made = provenance()
                self._write(path, {"made": made, "values": values})
                print(name, flush=True)
        text = report(values, made, self)
        write_atomically(path.with_suffix(".md"), lambda temporary: temporary.write_text(text, encoding="utf-8"))
        print(text)

    def _task(self, name: str) -> list[dict]:
        """One row for each share, way to flip, method and whether models stand alone or together."""
        from sklearn.metrics import roc_auc_score

        task = load_task(name, shots=self.shots, seed=0)
        models = select_models(named_zoo(self.zoo), self.models)
        folder = {"folder": self.kernels} if self.kernels else {}
        sights = {
            (model.name, kind): dataclasses.replace(kept_view(model, task, statistics=kind), **folder)
            for model in models
            for kind in ("source", "target")
        }
        parts = {key: backbone_part(view.kernel, view.features) for key, view in sights.items()}
        _ = [sights[model.name, "source"].spectrum for model in models]
        candidates = [candidate(model) for model in models]
        rows = []
        for rate in RATES:
            for number in range(self.flips):
                labels, wrong = flipped(task.train.labels, task.n_classes, rate, number)
                views = [with_labels(sights[model.name, "source"], labels) for model in models]
                told = {
                    model.name: terms(
                        {kind: Sight(sights[model.name, kind].features, parts[model.name, kind])
                         for kind in ("source", "target")}, labels,
                    )
                    for model in models
                }  # fmt: skip
                weights = predict_gains(told, candidates, models[0].name).p_best
                for method, votes in {**METHODS, "margin in sample": fitted_votes}.items():
                    each = [votes(view) for view in views]
                    alone = [suspicious([one], labels) for one in each]
                    together = suspicious(each, labels, weights)
                    for how, found in ((SINGLE, alone), (TOGETHER, [together])):
                        judged = [one.judged for one in found]
                        auc = [roc_auc_score(wrong[j], one.suspicion[j]) for one, j in zip(found, judged, strict=True)]
                        hits = [float(wrong[one.order[: wrong.sum()]].mean()) for one in found]
                        rows.append({"rate": rate, "flip": number, "method": method, "how": how, "n": task.n,
                                     "wrong": int(wrong.sum()), "auroc": float(np.mean(auc)),
                                     "precision": float(np.mean(hits))})  # fmt: skip
        return rows

    def _write(self, path: Path, values: dict) -> None:
        text = json.dumps(values, indent=1) + "\n"
        write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def flipped(labels: np.ndarray, n_classes: int, rate: float, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels of which `rate`, one at least, are another class's, and which these are; the same for the same number."""
    rng = np.random.default_rng([number, round(1000 * rate)])
    places = rng.choice(len(labels), max(1, round(rate * len(labels))), replace=False)
    changed = labels.copy()
    changed[places] = (labels[places] + rng.integers(1, n_classes, len(places))) % n_classes
    return changed, changed != labels


def fitted_votes(view: KeptView) -> np.ndarray:
    """Of each training image by the model that has learnt from it: the label's margin as training dynamics take it."""
    prediction = ridge_view(view).prediction
    return view.targets - training_residuals(view.spectrum, view.targets, [np.inf], [prediction.ridge])[0, 0]


def report(values: dict[str, list[dict]], made: dict, options: Flips) -> str:
    lines = [
        "# Flipped labels: which method finds them?", "",
        f"`python -m experiments.inspect.flips`; {options.shots} images a class, {options.flips} ways to flip each of"
        f" {', '.join(f'{rate:.0%}' for rate in RATES)}, models {', '.join(options.models)}."
        f" Computed at {made.get('commit', '')}; {made.get('device', '')}.", "",
        "Area under the ROC curve (AUROC) and precision at the true number of flipped labels, means over tasks, with"
        " the standard error over tasks of the difference from the default, tangent weighted by P(best). *tangent*: the"
        " leave-one-out margin of the tangent kernel; *neighbours*: of 5 nearest neighbours on features, leave-one-out;"
        " *logistic*: of a logistic probe out of fold; *margin in sample*: of the model that has learnt the label.", "",
    ]  # fmt: skip
    half = set(development())
    halves = {"development": [t for t in values if t in half], "judged": [t for t in values if t not in half]}
    for title, tasks in halves.items():
        if not tasks:
            continue
        lines += [f"## {title.capitalize()} half, {len(tasks)} tasks", "",
                  "| method | models | AUROC | difference | precision | difference "
                  + "".join(f"| AUROC at {rate:.0%} " for rate in RATES) + "|",
                  "| --- | --- | --: | --: | --: | --: " + "| --: " * len(RATES) + "|"]  # fmt: skip
        best = by_task(values, tasks, "tangent", TOGETHER)
        found = []
        for method in (*METHODS, "margin in sample"):
            for how in (TOGETHER, SINGLE):
                mine = by_task(values, tasks, method, how)
                found.append((mine["auroc"].mean(), method, how, mine))
        for _, method, how, mine in sorted(found, key=lambda row: -row[0]):
            cells = [method, how]
            for what in ("auroc", "precision"):
                gap = (mine[what] - best[what]).mean(1)
                same = (method, how) == ("tangent", TOGETHER)
                cells += [f"{mine[what].mean():.3f}", "" if same else with_error(gap, 3)]
            cells += [f"{value:.3f}" for value in mine["auroc"].mean(0)]
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines) + "\n"


def by_task(values: dict[str, list[dict]], tasks: list[str], method: str, how: str) -> dict[str, np.ndarray]:
    """Means over ways to flip, (tasks, rates)."""
    result = {}
    for what in ("auroc", "precision"):
        result[what] = np.array([
            [
                np.mean([r[what] for r in values[t] if (r["method"], r["how"], r["rate"]) == (method, how, rate)])
                for rate in RATES
            ]
            for t in tasks
        ])  # fmt: skip
    return result


if __name__ == "__main__":
    tyro.cli(Flips, config=(tyro.conf.OmitArgPrefixes,)).run()
