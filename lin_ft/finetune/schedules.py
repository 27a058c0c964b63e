"""Learning-rate schedules: the factor of every step, from linear warm-up on."""

from collections.abc import Callable

import numpy as np
import optax
from jaxtyping import Float

from lin_ft.errors import InputError

Factors = Float[np.ndarray, " steps"]


def cosine(steps: int, warmup: float) -> Factors:
    """Linear from 0 to 1 over the warm-up, then half a cosine down to 0."""
    climb = max(1, int(warmup * steps))
    rate = optax.warmup_cosine_decay_schedule(0, 1, climb, max(steps, climb + 1))
    return np.asarray([rate(i + 1) for i in range(steps)], np.float32)


def tenths(steps: int, warmup: float) -> Factors:
    """1, a tenth from half of the steps on, a hundredth from 5/6: the paper's drops at epochs 15 and 25 of 30."""
    done = np.arange(steps) / steps
    return constant(steps, warmup) * np.where(done < 1 / 2, 1, np.where(done < 5 / 6, 0.1, 0.01)).astype(np.float32)


def constant(steps: int, warmup: float) -> Factors:
    """1 after the warm-up."""
    climb = int(warmup * steps)
    return np.minimum(1, (np.arange(steps) + 1) / max(climb, 1)).astype(np.float32)


SCHEDULES: dict[str, Callable[[int, float], Factors]] = {"cosine": cosine, "tenths": tenths, "constant": constant}


def factors(name: str, steps: int, warmup: float) -> Factors:
    """(steps,) factors of the learning rate. Raises InputError for an unknown schedule."""
    if name not in SCHEDULES:
        raise InputError(f"schedule {name!r}: unknown; one of {', '.join(SCHEDULES)}.")
    return SCHEDULES[name](steps, warmup)
