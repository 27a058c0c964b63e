"""Leave-one-out accuracy, predicted from the training images alone, beside the test accuracy that fine-tuning reaches.

Command   python -m experiments.figures.predicted_measured
          python -m experiments.figures.predicted_measured --models MODEL ... --tasks TASK ... --table TABLE.parquet
          --config CONFIG.py
Expected  results/figures/predicted_measured.md: of the core matrix, the single-domain models on six targets
Hardware  1 CPU core, seconds; nothing is trained
"""

import dataclasses

import numpy as np
import tyro

from experiments.common.figure import NoData, Options, evidence, save_table
from lin_ft.benchmark.truth import of_all_draws

PREDICTED = "predicted_accuracy (random, image)"
TASKS = ("optdigits", "satimage", "hebrew_glyphs", "osu_leaf", "openmoji_color", "thai_glyphs")
"""Of the core matrix, for a table that fits a page."""


@dataclasses.dataclass(frozen=True)
class Table(Options):
    """Predicted / measured accuracy in percent, means over the draws."""

    models: tuple[str, ...] = ()
    """Default: all."""
    tasks: tuple[str, ...] = ()
    """Default: all."""

    def write(self, name: str = "predicted_measured") -> None:
        core = evidence(self)
        results = core.results
        models, tasks = self.models or results.models, self.tasks or results.tasks
        absent = [each for each in (*models, *tasks) if each not in (*results.models, *results.tasks)]
        if absent or PREDICTED not in core.scores:
            raise NoData(f"{self.source}: no {', '.join(absent) or PREDICTED} in it")
        measured, predicted = of_all_draws(results), np.nanmean(core.scores[PREDICTED], axis=0)
        rows = [results.models.index(model) for model in models]
        columns = [results.tasks.index(task) for task in tasks]
        best = np.nanmax(measured[np.ix_(columns, rows)], axis=1)
        lines = [
            f"Predicted / measured test accuracy in percent, {self.shots} images a class, mean of {core.n_draws} draws"
        ]
        lines[0] += f" (predictions: {len(core.judge.draws)}); the best of each target in bold."
        lines += ["", "| model | " + " | ".join(tasks) + " |", "| --- |" + " ---: |" * len(tasks)]
        for model, row in zip(models, rows, strict=True):
            cells = []
            for column, top in zip(columns, best, strict=True):
                value = f"{100 * measured[column, row]:.1f}"
                value = f"**{value}**" if measured[column, row] == top else value
                cells.append(f"{100 * predicted[column, row]:.0f} / {value}".replace("nan", "–"))
            lines.append(f"| {model} | " + " | ".join(cells) + " |")
        save_table(lines, self, name)


def draw(options: Options) -> None:
    if options.table:
        Table(**vars(options)).write()
        return
    core = evidence(options)
    single = tuple(model for model in core.results.models if core.families[model] == "single")
    Table(**vars(options), models=single, tasks=TASKS).write()


if __name__ == "__main__":
    chosen = tyro.cli(Table, config=(tyro.conf.OmitArgPrefixes,))
    chosen.write() if chosen.models or chosen.tasks or chosen.table else draw(Options())
