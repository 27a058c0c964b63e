"""Does a zoo help more with fewer images? Gain over the reference by the number of images a class."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lin_ft.benchmark.evidence import Evidence
from lin_ft.benchmark.questions.answer import Answer, points, verdict
from lin_ft.benchmark.questions.names import DEFAULT
from lin_ft.benchmark.questions.zoo import best_of_models, chosen_by_others
from lin_ft.benchmark.resampling import INTERVAL, of_tasks, over_tasks
from lin_ft.benchmark.static import FINE_TUNED

HINDSIGHT, OTHERS = "best of the zoo, with hindsight", "best of the zoo in the other draws"


def do_fewer_images_need_a_zoo(rows: Sequence[Evidence]) -> Answer | None:
    """From matrices of the same zoo that differ in the number of images a class (paper, figure 1)."""
    rows = sorted(rows, key=lambda row: row.shots or float("inf"))
    if len(rows) < 2:
        return None
    tasks = [task for task in rows[0].results.tasks if all(task in row.results.tasks for row in rows)]
    gains: dict[str, list[Any]] = {}
    for row in rows:
        index = [row.results.tasks.index(task) for task in tasks]
        results = row.results.take(tasks)
        values = {HINDSIGHT: of_tasks(best_of_models(results.accuracy) - results.reference_accuracy)}
        if row.n_draws > 1:
            values[OTHERS] = of_tasks(chosen_by_others(results))
        for name in (DEFAULT, FINE_TUNED):
            if name in row.scores:
                values[f"best of three by {name}"] = row.of_task("gain_3", name)[index]
        for name, of_task in values.items():
            gains.setdefault(name, []).append(of_task)
    gains = {name: values for name, values in gains.items() if len(values) == len(rows)}
    shots = [str(row.shots or "all") for row in rows]
    table = {name: [over_tasks(values) for values in columns] for name, columns in gains.items()}
    fewest_minus_most = over_tasks(gains[HINDSIGHT][0] - gains[HINDSIGHT][-1])
    sentence = (
        f"With {shots[0]} images a class the best of the zoo gains {points(table[HINDSIGHT][0])} points over the"
        f" reference, with {shots[-1]} {points(table[HINDSIGHT][-1])}; difference {points(fewest_minus_most)}"
        f" ({len(tasks)} tasks)."
    )
    lines = [f"Gain over the reference in points; {INTERVAL}.", ""]
    lines += ["| | " + " | ".join(f"{count} images" for count in shots) + " |", "| --- |" + " ---: |" * len(shots)]
    lines += [f"| {name} | " + " | ".join(points(value) for value in values) + " |" for name, values in table.items()]
    return Answer(
        slug="images",
        question="Does a zoo help more with fewer images?",
        verdict=verdict(fewest_minus_most, "more with fewer images", "less with fewer images"),
        sentence=sentence,
        numbers={name: dict(zip(shots, values, strict=True)) for name, values in table.items()},
        lines=tuple(lines),
        pictures={"gain": lambda path: _draw(table, shots, path)},
    )


def _draw(table: dict[str, list[Any]], shots: Sequence[str], path: Path) -> None:
    from lin_ft.report.shots_plot import plot_by_shots

    lines = {name: [tuple(100 * part for part in value) for value in values] for name, values in table.items()}
    plot_by_shots(lines, shots, path, label=f"gain over the reference (points)\n{INTERVAL}")
