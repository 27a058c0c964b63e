"""What to label next: test accuracy after 20, 50 and 100 more labels, against random images and k-means.

Command   python -m experiments.inspect.labelling
Expected  results/inspect/labelling.json and .md
Hardware  1 CPU core, 4 CPU-minutes

Of each task a pool of training images and test images is drawn once; a draw labels 2 images a class of the pool, then
20, 50 and 100 more, chosen by each method. Accuracy is that of kernel ridge regression with the tangent kernel, the
ridge of least leave-one-out loss, on the test images; of one model, the first. k-means: the images nearest to the
centres of as many clusters of the pool's features as there are labels to give (scikit-learn). Random: the mean of 10
choices.
"""

import dataclasses
import json
from pathlib import Path

import numpy as np
import tyro

from experiments.common.figure import RESULTS
from experiments.inspect.kept import MODELS, KeptView, kept_view
from experiments.inspect.with_error import with_error
from lin_ft.data import ImageData, load_task
from lin_ft.data.sampler import cap, sample_per_class
from lin_ft.files.atomic import write_atomically
from lin_ft.inspect.label_errors import RIDGES
from lin_ft.inspect.next_labels import disagreement, pool_covariance, reduce_variance, spread_choice
from lin_ft.predict import decompose, predict_logits, select
from lin_ft.provenance import provenance
from lin_ft.scores import encode
from lin_ft.zoo import named_zoo, select_models

BUDGETS = (20, 50, 100)
RANDOM = 10
METHODS = ("variance", "disagreement", "k-means", "random")


@dataclasses.dataclass(frozen=True)
class Labelling:
    """The comparison."""

    tasks: tuple[str, ...] = ("optdigits", "satimage", "indian_pines", "photo_patches")
    models: tuple[str, ...] = MODELS
    zoo: str = "embedded"
    pool: int = 240
    test: int = 200
    start: int = 2
    """Labelled images of each class at the start."""
    budgets: tuple[int, ...] = BUDGETS
    draws: int = 3
    out: Path = RESULTS / "inspect"

    def run(self) -> None:
        path = self.out / "labelling.json"
        stored = json.loads(path.read_text()) if path.exists() else {}
        values, made = stored.get("values", {}), stored.get("made", {})
        for name in self.tasks:
            if name not in values:
                values[name], made = self._task(name), provenance()
                text = json.dumps({"made": made, "values": values}, indent=1) + "\n"
                write_atomically(path, lambda temporary, text=text: temporary.write_text(text, encoding="utf-8"))
                print(name, flush=True)
        text = self.report(values, made)
        write_atomically(path.with_suffix(".md"), lambda temporary: temporary.write_text(text, encoding="utf-8"))
        print(text)

    def _task(self, name: str) -> list[dict]:
        """Test accuracies, a row for each draw, budget and method."""
        task = load_task(name, shots="all", seed=0)
        pool = task.train.take(cap(task.train.labels, self.pool, 0))
        both = _joined(pool, task.test.take(cap(task.test.labels, self.test, 0)))
        views = [
            kept_view(model, dataclasses.replace(task, train=both))
            for model in select_models(named_zoo(self.zoo), self.models)
        ]
        kernels = [np.asarray(view.kernel, np.float64) for view in views]
        n, rows = len(pool), []
        test = np.arange(n, len(both))
        for draw in range(self.draws):
            first = sample_per_class(pool.labels, self.start, draw, purpose="start")
            rest = np.setdiff1d(np.arange(n), first)
            chosen = self._chosen(views, kernels, both.labels, task.n_classes, first, rest, draw)
            at = {"draw": draw, "labelled": len(first), "budget": 0}
            rows.append(
                at | {"method": "start", "accuracy": _accuracy(kernels[0], both.labels, task.n_classes, first, test)}
            )
            for (method, budget), choices in chosen.items():
                accuracies = [
                    _accuracy(kernels[0], both.labels, task.n_classes, np.concatenate([first, rest[places]]), test)
                    for places in choices
                ]
                rows.append(at | {"budget": budget, "method": method, "accuracy": float(np.mean(accuracies))})
        return rows

    def _chosen(
        self, views: list[KeptView], kernels: list[np.ndarray], labels: np.ndarray, n_classes: int, first: np.ndarray,
        rest: np.ndarray, draw: int,
    ) -> dict[tuple[str, int], list[np.ndarray]]:  # fmt: skip
        """Places within `rest` for each method and budget; one choice, of random ones several."""
        from sklearn.cluster import KMeans

        y = encode(labels, n_classes) - 1 / n_classes
        votes, covariances, ridges = [], [], []
        for kernel in kernels:
            spectrum, ridge = _fitted(kernel, labels, y, first)
            cross = kernel[np.ix_(rest, first)]
            covariance = pool_covariance(spectrum, cross, kernel[np.ix_(rest, rest)], ridge)
            scale = np.trace(covariance) / len(rest)
            covariances.append(covariance / scale)
            ridges.append(ridge / scale)
            votes.append(predict_logits(spectrum, cross, y[first], (np.inf,), (ridge,))[0, 0])
        result: dict[tuple[str, int], list[np.ndarray]] = {}
        rng = np.random.default_rng(draw)
        features = np.asarray(views[0].features, np.float64)[rest]
        most = max(self.budgets)
        variance, _ = reduce_variance(covariances[0], ridges[0], most)
        told = spread_choice(np.mean(covariances, 0), float(np.mean(ridges)), disagreement(votes), most)
        for budget in self.budgets:
            result["variance", budget] = [variance[:budget]]
            result["disagreement", budget] = [told[:budget]]
            centres = KMeans(budget, n_init="auto", random_state=draw).fit(features).cluster_centers_
            result["k-means", budget] = [_nearest(features, centres)]
            result["random", budget] = [rng.permutation(len(rest))[:budget] for _ in range(RANDOM)]
        return result

    def report(self, values: dict, made: dict) -> str:
        """Markdown: mean accuracies, and differences from random with their standard error over tasks and draws."""
        lines = [
            "# What to label next", "",
            f"`python -m experiments.inspect.labelling`; {len(values)} tasks ({', '.join(values)}), {self.draws} draws;"
            f" a pool of {self.pool} images, {self.start} of each class labelled at the start. Test accuracy in percent"
            f" of kernel ridge regression, {self.models[0]}; disagreement asks {', '.join(self.models)}. Computed at"
            f" {made.get('commit', '')}; {made.get('device', '')}.", "",
            "| chosen by | " + " | ".join(f"{budget} more | against random" for budget in self.budgets) + " |",
            "| --- | " + " | ".join("--: | --:" for _ in self.budgets) + " |",
        ]  # fmt: skip

        def of(method: str, budget: int) -> np.ndarray:
            return np.array([
                [100 * r["accuracy"] for r in rows if (r["method"], r["budget"]) == (method, budget)]
                for rows in values.values()
            ])  # fmt: skip

        for method in METHODS:
            cells = []
            for budget in self.budgets:
                gap = of(method, budget) - of("random", budget)
                cells.append(f"{of(method, budget).mean():.1f}")
                cells.append("" if method == "random" else with_error(gap))
            lines.append(f"| {method} | {' | '.join(cells)} |")
        lines += ["", f"At the start: {of('start', 0).mean():.1f}. By task, {self.budgets[-1]} more:", "",
                  "| task | " + " | ".join(METHODS) + " |", "| --- |" + " --: |" * len(METHODS)]  # fmt: skip
        for place, name in enumerate(values):
            cells = [f"{of(method, self.budgets[-1])[place].mean():.1f}" for method in METHODS]
            lines.append(f"| {name} | {' | '.join(cells)} |")
        return "\n".join(lines) + "\n"


def _joined(pool: ImageData, test: ImageData) -> ImageData:
    return dataclasses.replace(pool, groups=None, origins=None).together(
        dataclasses.replace(test, groups=None, origins=None)
    )


def _fitted(kernel: np.ndarray, labels: np.ndarray, y: np.ndarray, places: np.ndarray):
    """(spectrum, ridge of least leave-one-out loss) of the labelled images."""
    spectrum = decompose(kernel[np.ix_(places, places)])
    ridges = [ridge * spectrum.scale for ridge in RIDGES]
    return spectrum, select(spectrum, y[places], labels[places], [np.inf], ridges).ridge


def _accuracy(kernel: np.ndarray, labels: np.ndarray, n_classes: int, places: np.ndarray, test: np.ndarray) -> float:
    y = encode(labels, n_classes) - 1 / n_classes
    spectrum, ridge = _fitted(kernel, labels, y, places)
    logits = predict_logits(spectrum, kernel[np.ix_(test, places)], y[places], (np.inf,), (ridge,))[0, 0]
    return float(np.mean(logits.argmax(1) == labels[test]))


def _nearest(features: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """The image nearest to each centre, another one for each."""
    distances = np.linalg.norm(features[:, None] - centres[None], axis=2)
    free, places = np.ones(len(features), bool), []
    for centre in range(len(centres)):
        best = int(np.argmin(np.where(free, distances[:, centre], np.inf)))
        free[best] = False
        places.append(best)
    return np.array(places)


if __name__ == "__main__":
    tyro.cli(Labelling, config=(tyro.conf.OmitArgPrefixes,)).run()
