"""The benchmark: the model x task matrix, its store, its statistics. Loaded when first used."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lin_ft.benchmark.architectures import by_architecture, pairs_in_order, within_groups
    from lin_ft.benchmark.ceiling import NoiseCeiling, noise_ceiling, reachable, spearman_brown
    from lin_ft.benchmark.collect import ScoreColumn, columns, finetuned, matrix, read_parquet, works
    from lin_ft.benchmark.comparison import CriticalDifference, PairedTest, critical_difference, holm, paired_tests
    from lin_ft.benchmark.config import BenchConfig, FurtherDraws
    from lin_ft.benchmark.correlation import CORRELATIONS, kendall, pearson, spearman, weighted_tau
    from lin_ft.benchmark.evidence import Evidence, evidence_of
    from lin_ft.benchmark.judge import Judge
    from lin_ft.benchmark.power import Resolution, resolution, smallest_difference
    from lin_ft.benchmark.prediction_error import Calibration, calibration
    from lin_ft.benchmark.resampling import over_tasks, per_task
    from lin_ft.benchmark.results import Results
    from lin_ft.benchmark.score_names import distinct
    from lin_ft.benchmark.selection import best_of_first, gain, gain_curve, regret, trials
    from lin_ft.benchmark.static import always, at_random, fixed, leave_one_task_out, static_rankings
    from lin_ft.benchmark.statistics import STATISTICS
    from lin_ft.benchmark.summary import Summary, caption, markdown_table, summarise
    from lin_ft.benchmark.truth import expected_accuracy, of_other_draws

_HOME = {
    "architectures": (
        "by_architecture",
        "pairs_in_order",
        "within_groups",
    ),
    "ceiling": (
        "NoiseCeiling",
        "reachable",
        "noise_ceiling",
        "spearman_brown",
    ),
    "collect": (
        "ScoreColumn",
        "columns",
        "finetuned",
        "matrix",
        "read_parquet",
        "works",
    ),
    "comparison": (
        "CriticalDifference",
        "PairedTest",
        "critical_difference",
        "holm",
        "paired_tests",
    ),
    "config": (
        "BenchConfig",
        "FurtherDraws",
    ),
    "correlation": (
        "CORRELATIONS",
        "kendall",
        "pearson",
        "spearman",
        "weighted_tau",
    ),
    "evidence": (
        "Evidence",
        "evidence_of",
    ),
    "judge": ("Judge",),
    "power": (
        "Resolution",
        "resolution",
        "smallest_difference",
    ),
    "prediction_error": (
        "Calibration",
        "calibration",
    ),
    "resampling": (
        "over_tasks",
        "per_task",
    ),
    "results": ("Results",),
    "score_names": ("distinct",),
    "selection": (
        "best_of_first",
        "gain",
        "gain_curve",
        "regret",
        "trials",
    ),
    "static": (
        "always",
        "at_random",
        "fixed",
        "leave_one_task_out",
        "static_rankings",
    ),
    "statistics": ("STATISTICS",),
    "summary": (
        "Summary",
        "caption",
        "markdown_table",
        "summarise",
    ),
    "truth": (
        "expected_accuracy",
        "of_other_draws",
    ),
}
_MODULE = {name: module for module, names in _HOME.items() for name in names}
__all__ = [
    "CORRELATIONS",
    "STATISTICS",
    "BenchConfig",
    "Calibration",
    "CriticalDifference",
    "Evidence",
    "FurtherDraws",
    "Judge",
    "NoiseCeiling",
    "PairedTest",
    "Resolution",
    "Results",
    "ScoreColumn",
    "Summary",
    "always",
    "at_random",
    "best_of_first",
    "by_architecture",
    "calibration",
    "caption",
    "columns",
    "critical_difference",
    "distinct",
    "evidence_of",
    "expected_accuracy",
    "finetuned",
    "fixed",
    "gain",
    "gain_curve",
    "holm",
    "kendall",
    "leave_one_task_out",
    "markdown_table",
    "matrix",
    "noise_ceiling",
    "of_other_draws",
    "over_tasks",
    "paired_tests",
    "pairs_in_order",
    "pearson",
    "per_task",
    "reachable",
    "read_parquet",
    "regret",
    "resolution",
    "smallest_difference",
    "spearman",
    "spearman_brown",
    "static_rankings",
    "summarise",
    "trials",
    "weighted_tau",
    "within_groups",
    "works",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE:
        raise AttributeError(f"module 'lin_ft.benchmark' has no attribute {name!r}")
    return getattr(importlib.import_module(f"lin_ft.benchmark.{_MODULE[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
