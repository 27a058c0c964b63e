"""The tables of a ranking on the terminal: its rows, and its scores side by side."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from lin_ft.predict import is_unbalanced
from lin_ft.ranking.fitted import Column, Fitted
from lin_ft.scores import Scored

if TYPE_CHECKING:
    from lin_ft.ranking.result import RankedModel, Ranking


def ranking_table(ranking: "Ranking", *, wide: bool = False) -> Fitted:
    """The rows, accuracies and gains in percent, names whole; in a narrow terminal other columns give way."""
    rows, gained = ranking.models, any(row.predicted_gain_interval for row in ranking.models)
    size = f"{ranking.n} training images, {ranking.n_classes} classes"
    title = f"{ranking.task}: {size}, by {ranking.score} (* reference)"
    columns = [
        Column("#  ", [f"{row.rank} *" if row.name == ranking.reference else f"{row.rank}  " for row in rows]),
        Column("model", [row.name for row in rows], left=True),
        Column(
            f"predicted\n% [{90 if gained else 95} % CI]",
            [_with_interval(row.predicted_accuracy, row.predicted_accuracy_interval) for row in rows],
            weight=9,
        ),
        Column("gain\n[90 %]" if gained else "\ngain", [_gain(row) for row in rows], weight=7),
    ]
    if gained:
        columns.append(
            Column("\nP(best)", ["" if row.p_best is None else f"{row.p_best:.0%}" for row in rows], weight=6)
        )
    if any(row.measured for row in rows):
        measured = [row.measured and (row.measured.test_accuracy, row.measured.test_accuracy_interval) for row in rows]
        balanced = [row.measured and row.measured.comparable for row in rows]
        columns += [
            Column("measured\n% [95 % CI]", [_with_interval(*each) if each else "" for each in measured], weight=10),
        ]
        if any(row.measured and row.measured.unbalanced for row in rows):
            columns.append(
                Column("balanced\n% [95 % CI]", [_with_interval(*each) if each else "" for each in balanced], weight=11)
            )
        columns += [
            Column("measured\ngain", [_measured(row, ranking.reference) for row in rows], weight=8),
        ]
    elif gained and not wide:
        columns.append(Column("\ns", [f"{row.seconds:.1f}" for row in rows], weight=3))
    else:
        columns += [
            Column("loss\nfalls %", [f"{100 * row.predicted_decrease:.1f}" for row in rows], weight=8),
            Column("Label-\nGradient", [f"{row.label_gradient:.3f}" for row in rows], weight=5),
            Column("Label-\nFeature", [f"{row.label_feature_correlation:.3f}" for row in rows], weight=4),
            Column("\ns", [f"{row.seconds:.1f}" for row in rows], weight=3),
        ]
    left_out = [f"{each.name} ({each.reason})" for each in ranking.failed]
    checked = any(row.held is not None and row.name != ranking.reference for row in rows)
    held = "✓ ✗: whether the measured gain lies in the predicted interval." if checked else ""
    points = held if gained else f"{ranking.score} orders the models; --score gain predicts points with an interval."
    notes = [
        ranking.advice,
        *ranking.notes,
        points,
        _curve(ranking),
        ranking.balance_note,
        f"Not ranked: {'; '.join(left_out)}." if left_out else "",
    ]
    return Fitted(title, columns, " ".join(filter(None, notes)), elsewhere="--json or --report")


def balance_note(ranking: "Ranking") -> str:
    """What accuracies mean where training or test classes are unbalanced; "" where they are balanced."""
    notes = []
    if is_unbalanced(ranking.class_counts):
        share = max(ranking.class_counts) / sum(ranking.class_counts)
        notes.append(f"Predicted accuracies are balanced: the largest class has {share:.1%} of the training images.")
    measured = next((row.measured for row in ranking.models if row.measured), None)
    if measured and measured.unbalanced:
        notes.append(
            f"The largest class has {measured.largest_share:.1%} of the test images: predictions are to be held against"
            " the balanced accuracy, which measured gains and the order are of."
        )
    return " ".join(notes)


def _with_interval(value: float, interval: tuple[float, float]) -> str:
    return f"{100 * value:.1f} [{100 * interval[0]:.0f}, {100 * interval[1]:.0f}]"


def _gain(row: "RankedModel") -> str:
    if row.predicted_gain_interval is None:
        return _signed(row.predicted_gain)
    low, high = row.predicted_gain_interval
    return (
        "" if row.predicted_gain is None else f"{100 * row.predicted_gain:+.1f} [{100 * low:+.0f}, {100 * high:+.0f}]"
    )


def _measured(row: "RankedModel", reference: str) -> str:
    text = _signed(row.measured_gain)
    return text if row.held is None or row.name == reference else f"{text} {'✓' if row.held else '✗'}"


def _curve(ranking: "Ranking") -> str:
    if not ranking.curve:
        return ""
    told = [
        f"{100 * each.accuracy:.0f} [{100 * each.interval[0]:.0f}, {100 * each.interval[1]:.0f}] % with {each.n}"
        for each in ranking.curve
    ]
    return f"{ranking.models[0].name} by the number of training images: {', '.join(told)}."


def _signed(value: float | None) -> str:
    return "" if value is None else f"{100 * value:+.1f}"


def score_table(rows: Sequence[tuple[str, Mapping[str, Scored]]]) -> Fitted:
    """Values of up to 3 scores a model; of more, each model's place by each score. Values are in the JSON.

    The columns of places carry the models' places in the ranking, `rows` being in its order.
    """
    names = [name for name in rows[0][1] if any(scores[name].value is not None for _, scores in rows)]
    missing = [f"{name} ({rows[0][1][name].reason})" for name in rows[0][1] if name not in names]
    notes = [f"{model}: {scores[name].note}." for name in names for model, scores in rows if scores[name].note]
    note = " ".join([*notes, *([f"Left out: {'; '.join(missing)}."] if missing else [])])
    seconds = [f"{np.mean([scores[name].seconds for _, scores in rows]):.2f}" for name in names]
    if len(names) <= 3:
        columns = [Column("model", [*(name for name, _ in rows), "seconds"], left=True)]
        for weight, (name, spent) in enumerate(zip(names, seconds, strict=True)):
            places = _places(rows, name)
            values = [_value(scores[name].value, place) for (_, scores), place in zip(rows, places, strict=True)]
            columns.append(Column(_short(name), [*values, spent], weight=len(names) - weight))
        return Fitted("Scores side by side: value (place); higher is better", columns, note, elsewhere="--json")
    columns = [Column("score", [_short(name) for name in names], left=True)]
    places = [["-" if place is None else str(place) for place in _places(rows, name)] for name in names]
    for k in range(len(rows)):
        columns.append(Column(str(k + 1), [of_score[k] for of_score in places], weight=len(rows) + 2 - k))
    known = [[value for _, scores in rows if (value := scores[name].value) is not None] for name in names]
    columns += [Column("best", [f"{max(values):.3g}" for values in known], weight=2), Column("s", seconds, weight=1)]
    return Fitted("Scores side by side: place of each model of the ranking above", columns, note, elsewhere="--json")


def _places(rows: Sequence[tuple[str, Mapping[str, Scored]]], name: str) -> list[int | None]:
    """Place of each model by one score; equal values share the better place."""
    values = [scores[name].value for _, scores in rows]
    known = [value for value in values if value is not None]
    return [None if value is None else 1 + sum(other > value for other in known) for value in values]


def _value(value: float | None, place: int | None) -> str:
    return "-" if value is None else f"{value:.3g} ({place})"


def _short(name: str) -> str:
    return name.rpartition("/")[2]
