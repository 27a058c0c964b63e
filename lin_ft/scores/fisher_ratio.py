"""Fisher ratio: how much of the features' variance lies between the classes."""

import numpy as np
from jaxtyping import Float

from lin_ft.scores.inputs import labelled, within
from lin_ft.scores.score import Score
from lin_ft.typing import Array


def fisher_ratio(features: Float[Array, "n d"], labels: Array) -> float:
    """tr S_B / tr S_T, S_B + S_W = S_T: the share of the variance that lies between the classes.

    Fisher 1936; tr S_B / tr S_W is its odds, which ranks alike and is infinite for collapsed classes. Range [0, 1],
    higher is better; unchanged by rotation and scale. Cost: O(n d).

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import fisher_ratio
        >>> x = np.array([[0.0, 1.0], [0.0, 2.0], [4.0, 1.0], [4.0, 2.0]])
        >>> apart, mixed = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
        >>> round(fisher_ratio(x, apart), 3), round(fisher_ratio(x, mixed), 3)
        (0.941, 0.059)

    Raises:
        InputError: bad features or labels.
    """
    phi, y = labelled(features, labels)
    total = float(np.sum((phi - phi.mean(0)) ** 2))
    return 1 - float(np.sum(within(phi, y) ** 2)) / total if total > 0 else 0.0


SCORES = {
    "fisher_ratio": Score(fisher_ratio, "tr S_B / tr S_T", "Fisher 1936", "[0, 1]", "O(n d)"),
}
