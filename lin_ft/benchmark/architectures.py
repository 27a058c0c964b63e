"""Same architecture and across architectures: two problems of model selection, judged apart.

Among models of one architecture the sources differ, and a score compares like with like. Across architectures it also
compares widths, depths and normalisations, which shift most scores by more than the sources do.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float

from lin_ft.benchmark.resampling import Statistic
from lin_ft.benchmark.results import Results, Row

SAME, ACROSS = "same_architecture", "across_architectures"


def pairs_in_order(scores: Row, accuracies: Row, pairs: Bool[np.ndarray, "M M"]) -> float:
    """(pairs in order - pairs out of order) / pairs: Kendall's tau over some of the pairs of models.

    Of the pairs whose accuracies are known and differ; a pair that the score ties, or lacks, counts as neither. NaN
    where there is no such pair or the score orders none.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import pairs_in_order
        >>> scores, accuracies = np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.4, 0.6])
        >>> round(pairs_in_order(scores, accuracies, np.ones((3, 3), bool)), 3)  # two of three pairs are in order
        0.333
    """
    measured = np.sign(np.subtract.outer(accuracies, accuracies))
    told = np.nan_to_num(np.sign(np.subtract.outer(scores, scores)))
    kept = np.triu(pairs, 1) & np.isfinite(measured) & (measured != 0)
    if not (told[kept] != 0).any():
        return float("nan")
    return float((told[kept] * measured[kept]).mean())


def by_architecture(results: Results) -> dict[str, Statistic]:
    """`pairs_in_order` within and across the groups of the results; a kind without any pair is left out.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import Results, by_architecture
        >>> truth = np.random.default_rng(0).uniform(0.3, 0.7, (6, 5))
        >>> results = Results(tuple("abcde"), tuple("stuvwx"), np.stack([truth, truth]), "a")  # two draws of six tasks
        >>> grouped = Results(results.models, results.tasks, results.accuracy, "a", groups=("r", "r", "r", "v", "v"))
        >>> list(by_architecture(grouped))
        ['same_architecture', 'across_architectures']
    """
    groups = np.asarray(results.groups or ("",) * len(results.models))
    same = groups[:, None] == groups[None, :]
    kinds = {SAME: same, ACROSS: ~same}
    return {
        name: lambda s, a, _, pairs=pairs: pairs_in_order(s, a, pairs)
        for name, pairs in kinds.items()
        if np.triu(pairs, 1).any()
    }


def count_pairs(results: Results) -> dict[str, int]:
    """How many pairs of models each question has."""
    groups = np.asarray(results.groups or ("",) * len(results.models))
    same = int(np.triu(groups[:, None] == groups[None, :], 1).sum())
    return {SAME: same, ACROSS: len(groups) * (len(groups) - 1) // 2 - same}


def within_groups(
    correlation: Callable[[Row, Row], float], results: Results, scores: Float[np.ndarray, "S T M"], least: int = 3
) -> dict[str, Float[np.ndarray, "S T"]]:
    """Correlation among the models of each group that has at least `least`.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import Results, spearman, within_groups
        >>> truth = np.random.default_rng(0).uniform(0.3, 0.7, (6, 5))
        >>> results = Results(tuple("abcde"), tuple("stuvwx"), np.stack([truth, truth]), "a")  # two draws of six tasks
        >>> grouped = Results(results.models, results.tasks, results.accuracy, "a", groups=("r", "r", "r", "v", "v"))
        >>> {name: float(values.mean()) for name, values in within_groups(spearman, grouped, grouped.accuracy).items()}
        {'r': 1.0}
    """
    groups = results.groups or ("all",) * len(results.models)
    table = {}
    for group in dict.fromkeys(groups):
        index = [place for place, name in enumerate(groups) if name == group]
        if len(index) >= least:
            table[group] = np.asarray(
                [
                    [correlation(s[index], a[index]) for s, a in zip(of_draw, accuracies, strict=True)]
                    for of_draw, accuracies in zip(scores, results.accuracy, strict=True)
                ],
                np.float64,
            )
    return table
