"""Rows that every table needs: what a score must beat."""

import zlib

import numpy as np

from lin_ft.errors import InputError
from lin_ft.scores.score import Score


def random_score(name: str, seed: int = 0) -> float:
    """A uniform number that depends on the model's name and the seed only.

    Range [0, 1), higher is better by decree. Cost: none.

    Examples:
        >>> from lin_ft.scores import random_score
        >>> random_score("cifar10-resnet20") == random_score("cifar10-resnet20") != random_score("another")
        True
    """
    return float(np.random.default_rng([zlib.crc32(name.encode()), seed]).random())


def largest_model(n_params: int) -> float:
    """log10 of the number of weights (arXiv 2510.06448: beats many scores).

    Range [0, inf), higher is better. Cost: none.

    Examples:
        >>> from lin_ft.scores import largest_model
        >>> largest_model(1_000_000)
        6.0
    """
    return float(np.log10(max(n_params, 1)))


def source_accuracy(source_test_accuracy: float) -> float:
    """Test accuracy on the source task. Range [0, 1], higher is better. Cost: none.

    Examples:
        >>> from lin_ft.scores import source_accuracy
        >>> source_accuracy(0.9)
        0.9
    """
    return float(source_test_accuracy)


def best_on_average(other_accuracies: np.ndarray) -> float:
    """Mean measured accuracy on the other target tasks, never on the task at hand. Range [0, 1], higher is better.

    Cost: fine-tuning on the other tasks (arXiv 2510.06448: beats many scores).

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import best_on_average
        >>> round(best_on_average(np.array([0.5, 0.7])), 3)
        0.6

    Raises:
        InputError: no other task.
    """
    values = np.asarray(other_accuracies, np.float64)
    if not values.size or not np.isfinite(values).all():
        raise InputError("other accuracies: give the measured accuracy on at least one other task.")
    return float(values.mean())


def reference_always(is_reference: bool) -> float:
    """1 for the reference model, 0 for every other: always fine-tune the reference.

    Range {0, 1}, higher is better. Cost: none.

    Examples:
        >>> from lin_ft.scores import reference_always
        >>> reference_always(True), reference_always(False)
        (1.0, 0.0)
    """
    return float(is_reference)


SCORES = {
    "random": Score(random_score, "uniform, by the model's name", "none", "[0, 1)", "none"),
    "largest_model": Score(largest_model, "log10 of the weights", "arXiv 2510.06448", "[0, inf)", "none"),
    "source_accuracy": Score(source_accuracy, "test accuracy on the source", "none", "[0, 1]", "none"),
    "best_on_average": Score(
        best_on_average, "mean measured accuracy on the other targets", "arXiv 2510.06448", "[0, 1]", "fine-tuning"
    ),
    "reference_always": Score(reference_always, "1 for the reference model", "none", "{0, 1}", "none"),
}
