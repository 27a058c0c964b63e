"""Names of scores in tables: the head and what was left out are columns, and each quantity stands once."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

from lin_ft.benchmark.results import Scores

ALIKE = (
    ("label_gradient_cka", "label_gradient/random"),
    ("label_feature_cka", "label_feature_correlation", "label_gradient/zero"),
    ("kernel_target_alignment", "label_gradient_cosine"),
    ("paper_label_feature", "label_feature_pearson"),
    ("h_score", "emms"),
)
"""Names under which tables hold one quantity, or one order of the models; the first one present stays.

The kernel of the zero head is (phi phiᵀ + 1) ⊗ I, so Label-Gradient is there Label-Feature Correlation; centred kernel
alignment is what both compute; EMMS of one set of labels orders as the H-score.
"""
HEADS = "random", "zero", "ridge", "pretrained"
LEFT_OUT = "predicted_accuracy", "predicted_loss"
"""Left-one-out predictions: of each image where the name says nothing else."""


def columns_of(name: str) -> tuple[str, str, str]:
    """(score, head, what was left out) of a label; empty where the label names none.

    >>> columns_of("predicted_loss (random, shot)")
    ('predicted_loss', 'random', 'shot')
    >>> columns_of("predicted_loss/zero")
    ('predicted_loss', 'zero', 'image')
    >>> columns_of("most parameters (static)")
    ('most parameters (static)', '', '')
    """
    bracketed = re.fullmatch(r"(\w+) \((\w+)(?:, (\w+))?\)", name)
    slashed = re.fullmatch(r"(\w+)/(\w+)(?:-(\w+))?", name)
    found = slashed or (bracketed if bracketed and bracketed[2] in HEADS else None)
    if not found:
        return name, "", ""
    score, head, left_out = found.groups(default="")
    return score, head, left_out or ("image" if score in LEFT_OUT else "")


def distinct(scores: Scores, alike: Sequence[Sequence[str]] = ALIKE) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The scores without repetitions, and dropped name -> the name under which it stays.

    A name is dropped only if it orders the models of every draw and task as the one that stays.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import distinct
        >>> values = np.random.default_rng(0).normal(size=(2, 6, 5))
        >>> kept, dropped = distinct({"h_score": values, "emms": 2 * values, "logme": -values})
        >>> list(kept), dropped
        (['h_score', 'logme'], {'emms': 'h_score'})
    """
    dropped: dict[str, str] = {}
    for names in alike:
        present = [name for name in names if name in scores]
        for name in present[1:]:
            if _orders_alike(scores[present[0]], scores[name]):
                dropped[name] = present[0]
    return {name: values for name, values in scores.items() if name not in dropped}, dropped


def repetitions(dropped: Mapping[str, str]) -> str:
    """One sentence for the report; empty when nothing was dropped."""
    if not dropped:
        return ""
    return "Counted once: " + ", ".join(f"{name} orders as {kept}" for name, kept in sorted(dropped.items())) + "."


def _orders_alike(kept: Float[np.ndarray, "S T M"], other: Float[np.ndarray, "S T M"]) -> bool:
    if (np.isfinite(other) & ~np.isfinite(kept)).any():
        return False
    both = np.isfinite(other)
    coarse = [_rounded(values) for values in (kept, other)]
    return all(
        np.array_equal(*(rankdata(values[index][both[index]]) for values in coarse))
        for index in np.ndindex(*kept.shape[:2])
    )


def _rounded(values: Float[np.ndarray, "S T M"]) -> Float[np.ndarray, "S T M"]:
    """What differs by rounding alone is tied: a score that is 1 for all models on some task, say."""
    scale = float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
    return np.round(values / (scale or 1.0), 7)
