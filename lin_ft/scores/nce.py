"""NCE: how uncertain the label is once the source head has named a class."""

import numpy as np
from jaxtyping import Float

from lin_ft.scores.inputs import classes_of, probabilities
from lin_ft.scores.score import Score
from lin_ft.typing import Array


def nce(source_probabilities: Float[Array, "n Z"], labels: Array) -> float:
    """Negative conditional entropy -H(Y|Z) = sum_{y,z} P(y,z) log(P(y,z) / P(z)), z the most probable source class.

    Tran, Nguyen and Hassner, ICCV 2019 (arXiv 1908.08142); P by counting. Range [-log C, 0], higher is better. Cost:
    O(n Z + C Z). Published code adds 1e-5 to the counts (parc) or uses soft joint counts (pactran), which shifts the
    values.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import nce
        >>> source = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.1, 0.9]])  # probabilities of two source classes
        >>> round(nce(source, np.array([0, 0, 1, 1])), 3), round(nce(source, np.array([0, 1, 0, 1])), 3)
        (0.0, -0.693)

    Raises:
        InputError: rows that do not sum to one, and bad labels (see lin_ft.scores.inputs).
    """
    theta = probabilities(source_probabilities)
    y, z = classes_of(labels, len(theta)), theta.argmax(1)
    joint = np.zeros((y.max() + 1, theta.shape[1]))
    np.add.at(joint, (y, z), 1 / len(y))
    ratio = joint / np.maximum(joint.sum(0), np.finfo(np.float64).tiny)
    return float(np.sum(joint[joint > 0] * np.log(ratio[joint > 0])))


SCORES = {
    "nce": Score(nce, "-H(Y|Z), Z the source label predicted", "Tran et al., ICCV 2019", "[-log C, 0]", "O(n Z)"),
}
