"""The benchmark: the model x task matrix, its store, its statistics. Loaded when first used."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lin_ft.benchmark.ceiling import NoiseCeiling, noise_ceiling
    from lin_ft.benchmark.comparison import (
        CriticalDifference,
        PairedTest,
        critical_difference,
        holm,
        nemenyi_difference,
        paired_tests,
    )
    from lin_ft.benchmark.config import BenchConfig
    from lin_ft.benchmark.correlation import CORRELATIONS, kendall, pearson, spearman, weighted_tau
    from lin_ft.benchmark.prediction_error import Calibration, calibration
    from lin_ft.benchmark.resampling import bootstrap, interval, per_task
    from lin_ft.benchmark.results import Results
    from lin_ft.benchmark.selection import best_of_first, gain, gain_curve, regret, trials
    from lin_ft.benchmark.static import always, at_random, fixed, leave_one_task_out, within_groups
    from lin_ft.benchmark.summary import STATISTICS, Summary, markdown_table, summarise

_HOME = {
    "resampling": ("bootstrap", "interval", "per_task"),
    "prediction_error": ("Calibration", "calibration"),
    "ceiling": ("NoiseCeiling", "noise_ceiling"),
    "comparison": (
        "CriticalDifference",
        "PairedTest",
        "critical_difference",
        "holm",
        "nemenyi_difference",
        "paired_tests",
    ),
    "config": ("BenchConfig",),
    "correlation": ("CORRELATIONS", "kendall", "pearson", "spearman", "weighted_tau"),
    "results": ("Results",),
    "selection": ("best_of_first", "gain", "gain_curve", "regret", "trials"),
    "static": ("always", "at_random", "fixed", "leave_one_task_out", "within_groups"),
    "summary": ("STATISTICS", "Summary", "markdown_table", "summarise"),
}
_MODULE = {name: module for module, names in _HOME.items() for name in names}
__all__ = [
    "CORRELATIONS",
    "STATISTICS",
    "BenchConfig",
    "Calibration",
    "CriticalDifference",
    "NoiseCeiling",
    "PairedTest",
    "Results",
    "Summary",
    "always",
    "at_random",
    "best_of_first",
    "bootstrap",
    "calibration",
    "critical_difference",
    "fixed",
    "gain",
    "gain_curve",
    "holm",
    "interval",
    "kendall",
    "leave_one_task_out",
    "markdown_table",
    "nemenyi_difference",
    "noise_ceiling",
    "paired_tests",
    "pearson",
    "per_task",
    "regret",
    "spearman",
    "summarise",
    "trials",
    "weighted_tau",
    "within_groups",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE:
        raise AttributeError(f"module 'lin_ft.benchmark' has no attribute {name!r}")
    return getattr(importlib.import_module(f"lin_ft.benchmark.{_MODULE[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
