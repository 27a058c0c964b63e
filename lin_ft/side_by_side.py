"""Scores side by side: what each model gives them, their table, and how far they agree on the order of the models."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from lin_ft.data import Task
from lin_ft.functions import features_of
from lin_ft.scores import Scored, array_inputs
from lin_ft.scores.evaluate import Inputs, Lazy
from lin_ft.zoo import ZooModel


def score_inputs(
    model: ZooModel,
    task: Task,
    *,
    features: Any,
    targets: Any,
    kernel: Any,
    reference: str,
    seed: int,
    source_shots: int,
) -> Inputs:
    """Everything scores may ask for, each extracted once: features, labels and kernel at hand, the rest when asked.

    `source_shots` images a class of the model's own source data are loaded where it is not 0.
    """
    apply, params = model.function
    x = model.normalise(task.train.images)
    source: dict[str, Any] = {}
    if source_shots:

        def loaded() -> tuple[np.ndarray, np.ndarray]:
            from lin_ft.data import load_task

            data = load_task(model.card.source, shots=source_shots, seed=seed).train
            return np.asarray(features_of(apply, params, model.normalise(data.images))), np.asarray(data.labels)

        pair = Inputs(pair=Lazy(loaded))
        source = {
            "source_features": Lazy(lambda: pair["pair"][0]),
            "source_labels": Lazy(lambda: pair["pair"][1]),
        }
    return array_inputs(
        features=np.asarray(features),
        labels=np.asarray(task.train.labels),
        targets=targets,
        kernel=kernel,
        source_probabilities=Lazy(lambda: np.asarray(jax.nn.softmax(model.source_logits(x)), np.float64)),
        apply=apply,
        params=params,
        x=x,
        seed=seed,
        name=model.name,
        n_params=model.card.n_params,
        source_test_accuracy=model.card.test_accuracy,
        is_reference=model.name == reference,
        **source,
    )


def score_table(rows: Sequence[tuple[str, Mapping[str, Scored]]]) -> Any:
    """A rich table of at most 80 columns: values of up to 3 scores a model; of more, each model's place by each score.

    The columns of places carry the models' places in the ranking, `rows` being in its order. Values are in the JSON.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    names = [name for name in rows[0][1] if any(scores[name].value is not None for _, scores in rows)]
    missing = [f"{name} ({rows[0][1][name].reason})" for name in rows[0][1] if name not in names]
    table = Table(title_justify="left", caption_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.caption = f"Left out: {'; '.join(missing)}." if missing else None
    if len(names) <= 3:
        table.title = "Scores side by side: value (place); higher is better"
        table.add_column("source", no_wrap=True)
        for name in names:
            table.add_column(_short(name), justify="right")
        for k, (source, scores) in enumerate(rows):
            values = [scores[name].value for name in names]
            table.add_row(
                source, *(_value(value, _places(rows, name)[k]) for name, value in zip(names, values, strict=True))
            )
        seconds = (np.mean([scores[name].seconds for _, scores in rows]) for name in names)
        table.add_row("seconds", *(f"{value:.2f}" for value in seconds))
        return table
    table.title = "Scores side by side: place of each model of the ranking above"
    table.add_column("score", no_wrap=True, overflow="ellipsis")
    for k in range(len(rows)):
        table.add_column(str(k + 1), justify="right", no_wrap=True)
    table.add_column("best", justify="right", no_wrap=True)
    table.add_column("s", justify="right", no_wrap=True)
    for name in names:
        best = max(value for _, scores in rows if (value := scores[name].value) is not None)
        seconds = np.mean([scores[name].seconds for _, scores in rows])
        places = ("-" if place is None else str(place) for place in _places(rows, name))
        table.add_row(_short(name), *places, f"{best:.3g}", f"{seconds:.2f}")
    return table


def _places(rows: Sequence[tuple[str, Mapping[str, Scored]]], name: str) -> list[int | None]:
    """Place of each model by one score; equal values share the better place."""
    values = [scores[name].value for _, scores in rows]
    known = [value for value in values if value is not None]
    return [None if value is None else 1 + sum(other > value for other in known) for value in values]


def _value(value: float | None, place: int | None) -> str:
    return "-" if value is None else f"{value:.3g} ({place})"


def _short(name: str) -> str:
    return name.rpartition("/")[2]


def kendall_matrix(values: Mapping[str, Sequence[float | None]]) -> tuple[list[str], Float[np.ndarray, "S S"]]:
    """Kendall's tau-b of every two scores over the models; scores that are missing or constant are left out.

    1: the same order; 0: no relation; -1: the reverse (Kendall 1945). NumPy equivalent: `scipy.stats.kendalltau`.
    """
    numbers = {
        name: np.array([np.nan if value is None else value for value in column], np.float64)
        for name, column in values.items()
    }
    kept = {name: column for name, column in numbers.items() if np.isfinite(column).all() and np.ptp(column) > 0}
    signs = []
    for column in kept.values():
        i, j = np.triu_indices(len(column), 1)
        pairs = np.sign(column[i] - column[j])
        signs.append(pairs / np.linalg.norm(pairs))
    stacked = np.array(signs).reshape(len(signs), -1)
    return list(kept), np.clip(stacked @ stacked.T, -1, 1)
