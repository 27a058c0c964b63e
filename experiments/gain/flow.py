"""One principled number? The cross-entropy flow of the real budget with both parts, beside the parts' own decreases.

On the development half alone, since it decides which form of Label-Gradient the evidence takes.

Command   python -m experiments.gain.flow --kernels FOLDER    of `python -m experiments.gain --compute`
Expected  results/gain/flow.md: Spearman with the mean fine-tuned accuracy over draws, mean over tasks and draws
Hardware  1 CPU core: a tenth of a second a model, task and draw
"""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from experiments.common.figure import CONFIG, CORE, RESULTS
from experiments.gain.terms import sights_of
from lin_ft.batch_statistics import STATISTICS
from lin_ft.benchmark.collect import matrix, read_parquet
from lin_ft.benchmark.config import load_config
from lin_ft.errors import InputError
from lin_ft.files.atomic import write_atomically
from lin_ft.gain import Sight, standardised
from lin_ft.gain.fit import mean_of_draws
from lin_ft.predict import backbone_decrease, head_decrease, train_both_parts
from lin_ft.scores import encode
from lin_ft.zoo import named_zoo, select_models


@dataclasses.dataclass(frozen=True)
class Options:
    kernels: Path
    """Folder of features and kernels."""
    draws: tuple[int, ...] = (0,)
    table: Path = CORE
    config: Path = CONFIG
    out: Path = RESULTS / "gain"


def main(options: Options) -> None:
    config = load_config(options.config)
    results, _, _ = matrix(read_parquet(options.table), config.shots[0], config.reference)
    zoo = select_models(named_zoo(config.zoo), results.models)
    found: dict[str, list[float]] = {}
    seen = []
    for draw in options.draws:
        for task in config.development:
            if not (options.kernels / f"{task}-{draw}.npz").exists():
                continue
            sights, labels = sights_of(config, zoo, task, draw, options.kernels)
            others = np.delete(results.accuracy, draw, 0) if len(results.accuracy) > 1 else results.accuracy
            truth = mean_of_draws(others)[results.tasks.index(task)]
            numbers = [numbers_of(sights[model], labels, config.finetune) for model in results.models]
            for name, values in combined(numbers).items():
                found.setdefault(name, []).append(spearman(values, truth))
            seen.append(f"{task}, draw {draw}")
    if not seen:
        raise InputError(
            f"flow: {options.kernels} has no kernels of development tasks; first experiments.gain --compute."
        )
    text = report(found, seen)
    write_atomically(options.out / "flow.md", lambda path: path.write_text(text, encoding="utf-8"))
    print(text)


def numbers_of(sights: dict[str, Sight], labels: np.ndarray, finetune: Any) -> dict[str, float]:
    """NAME/STATISTICS -> number, the larger the better."""
    n_classes = len(np.unique(labels))
    targets, found = encode(labels, n_classes) - 1 / n_classes, {}
    for kind in STATISTICS:
        features, backbone = (
            np.asarray(sights[kind].features, np.float64),
            np.asarray(sights[kind].backbone, np.float64),
        )
        found[f"head's part, absolute time/{kind}"] = head_decrease(features, targets)
        found[f"backbone's part, own time/{kind}"] = backbone_decrease(backbone, targets)
        for rate in finetune.learning_rates:
            rates = np.full(finetune.steps, rate)
            logits = train_both_parts(features, backbone, labels, rates, momentum=finetune.momentum)
            found[f"cross-entropy flow of both, rate {rate:g}/{kind}"] = -_cross_entropy(logits, labels)
    return found


def combined(numbers: list[dict[str, float]]) -> dict[str, np.ndarray]:
    """Each number of all models, and means of standardised ones."""
    table = {name: np.array([each[name] for each in numbers]) for name in numbers[0]}
    parts = [name for name in table if "part" in name]
    for kind in STATISTICS:
        of_kind = np.stack([table[name] for name in parts if name.endswith(kind)], -1)
        table[f"mean of the two parts/{kind}"] = standardised(of_kind)
    table["mean of the two parts under both statistics"] = standardised(np.stack([table[name] for name in parts], -1))
    return table


def spearman(one: np.ndarray, other: np.ndarray) -> float:
    """Rank correlation; NaN where one is constant."""
    from scipy.stats import spearmanr

    found: Any = spearmanr(one, other)
    return float(found.statistic)


def report(found: dict[str, list[float]], seen: list[str]) -> str:
    """A table, the best number first."""
    lines = [
        "# One principled number in place of the mean of two?",
        "",
        f"`python -m experiments.gain.flow`: Spearman with the mean accuracy of the other draws, {len(seen)} cells of"
        f" the development half ({'; '.join(seen)}); by its standard error two rows that close are not told apart.",
        "",
        "| number | Spearman | standard error |",
        "| --- | --: | --: |",
    ]
    for name, values in sorted(found.items(), key=lambda each: -float(np.mean(each[1]))):
        error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
        lines.append(f"| {name} | {np.mean(values):.2f} | {error:.2f} |")
    return "\n".join(lines) + "\n"


def _cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    shifted = logits - logits.max(1, keepdims=True)
    return float((np.log(np.exp(shifted).sum(1)) - shifted[np.arange(len(labels)), labels]).mean())


if __name__ == "__main__":
    main(tyro.cli(Options))
