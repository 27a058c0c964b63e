"""How far scores agree on the order of the models."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float


def kendall_matrix(values: Mapping[str, Sequence[float | None]]) -> tuple[list[str], Float[np.ndarray, "S S"]]:
    """Kendall's tau-b of every two scores over the models; scores that are missing or constant are left out.

    1: the same order; 0: no relation; -1: the reverse (Kendall 1945). NumPy equivalent: `scipy.stats.kendalltau`.

    Examples:
        >>> from lin_ft.ranking import kendall_matrix
        >>> names, tau = kendall_matrix({"logme": [1.0, 2.0, 3.0], "leep": [1.0, 3.0, 2.0], "random": [None] * 3})
        >>> names, tau.round(3).tolist()
        (['logme', 'leep'], [[1.0, 0.333], [0.333, 1.0]])
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
