"""Predicted gains of fine-tuning, every task left out in turn, against draws that were not used for fitting.

Command   python -m experiments.gain                     the tables, from stored terms and the matrices of fine-tuning
          python -m experiments.gain --compute 0 1       the terms of these draws first, resumed where they were left
          python -m experiments.gain --matrix packaged   of that matrix alone
          python -m experiments.gain --fit               and write the coefficients and priors of the package
Expected  results/gain/core.md, packaged.md, each with a last line that begins with `gain: error`; terms of each
Hardware  1 CPU core: terms 2 to 6 s a model, task and draw of core, 20 s of packaged; the tables 3 minutes
"""

import dataclasses
from pathlib import Path
from typing import Literal

import numpy as np
import tyro

from experiments.common.figure import CONFIGS, RESULTS
from experiments.gain.matrix import GainMatrix, read
from experiments.gain.rows import level, regret_of_the_truth, rows_of
from experiments.gain.table import table
from experiments.gain.terms import compute
from lin_ft.files.atomic import write_atomically
from lin_ft.gain import fit
from lin_ft.gain.calibration import PACKAGED, Calibration, KnownModel, Level, Part, load, save
from lin_ft.gain.fit import draw_noise
from lin_ft.provenance import provenance
from lin_ft.zoo import named_zoo, select_models

MATRICES = ("core", "packaged")
"""Zoos of one architecture and of many: what is learned within and across architectures."""


@dataclasses.dataclass(frozen=True)
class Options:
    compute: tuple[int, ...] = ()
    """Draws whose missing terms are computed first."""
    fit: bool = False
    """Write the package's calibration, fitted on all tasks and draws that have terms."""
    matrix: Literal["all", "core", "packaged"] = "all"
    tasks: tuple[str, ...] = ()
    """Only these (default: all that have terms)."""
    models: tuple[str, ...] = ()
    """Terms of these alone are computed (give them a folder of `kernels` of their own)."""
    results: Path = RESULTS
    """Folder with MATRIX/table.parquet."""
    out: Path = RESULTS / "gain"
    """Folder of the terms and of the tables."""
    calibration: Path | None = None
    """Where --fit writes (default: in the package)."""
    kernels: Path | None = None
    """Folder that keeps features and kernels (default: in the cache)."""


def main(options: Options) -> None:
    names = MATRICES if options.matrix == "all" else (options.matrix,)
    matrices = []
    for name in names:
        config, terms = CONFIGS / f"bench_{name}.py", options.out / f"terms_{name}.json"
        for draw in options.compute:
            compute(config, draw, terms, tasks=options.tasks, models=options.models, kernels=options.kernels)
        data = read(config, options.results / name / "table.parquet", terms, tasks=options.tasks)
        text = table(data, rows_of(data, expected(options, data)), level(data), regret_of_the_truth(data))
        write_atomically(options.out / f"{name}.md", lambda path, text=text: path.write_text(text, encoding="utf-8"))
        print(text)
        matrices.append(data)
    if options.fit:
        path = options.calibration or PACKAGED
        others = {} if len(names) == len(MATRICES) else load(path).parts
        parts = {data.name: calibrated(data, expected(options, data)) for data in matrices}
        save(Calibration(others | parts), path)


def expected(options: Options, data: GainMatrix) -> tuple[float, float] | None:
    """What the evidence is expected to weigh between architectures, by a matrix of few tasks: as much as within one,
    give or take as much again, fitted on tasks of core that the matrix does not have."""
    if not data.across:
        return None
    core = read(CONFIGS / "bench_core.py", options.results / "core" / "table.parquet", options.out / "terms_core.json")
    core, place = core.without(data.tasks), list(core.complete)
    within = fit(core.accuracy[place], core.evidence()[place], core.groups, core.reference).coefficients.within
    return within, within


def calibrated(data: GainMatrix, weight: tuple[float, float] | None = None) -> Part:
    """Fitted on everything there is."""
    chosen = list(data.complete)
    fitted = fit(
        data.accuracy[chosen],
        data.evidence()[chosen],
        data.groups,
        data.reference,
        draw=draw_noise(data.accuracy),
        weight=weight,
    )
    gap = level(data)
    gap = gap[np.isfinite(gap)]
    cards = {model.name: model.card for model in select_models(named_zoo(data.zoo), data.models)}
    means = {
        family: sum(p.mean for p, f in zip(fitted.priors, data.families, strict=True) if f == family)
        / data.families.count(family)
        for family in dict.fromkeys(data.families)
    }
    return Part(
        terms=data.chosen,
        coefficients=fitted.coefficients,
        spread=fitted.spread,
        level=Level(data.level_term, float(gap.mean()), float(gap.std(ddof=1))),
        models={
            name: KnownModel(prior.mean, prior.sd, cards[name].sha256)
            for name, prior in zip(data.models, fitted.priors, strict=True)
        },
        families=means,
        architectures=tuple(sorted({cards[name].architecture for name in data.models})),
        reference=data.models[data.reference],
        tasks=data.tasks,
        made={
            "draws": [data.seeds[place] for place in chosen],
            "across": "fitted" if data.across else "one architecture, so not fitted: the same as within",
            **provenance(),
        },
    )


if __name__ == "__main__":
    main(tyro.cli(Options))
