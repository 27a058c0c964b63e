"""Prior and evidence to a gain: one small Gaussian model of what fine-tuning will reach, for all models at once.

Of model m on a task, in accuracy points, with c common to all models of the task:

    accuracy_m = c + a_m + w (e_m - ē_g) + b (ē_g - ē) + u_m,   a_m ~ N(prior mean, prior sd²),   u_m ~ N(0, noise²).

a_m is the model's advantage on past tasks, e_m its evidence on this one, ē_g the mean evidence of the models of its
architecture g, ē that of all; u_m is what neither knows. c is unknown: only differences are predicted, so gains over a
reference, and which model is best. One fine-tuning lies about its mean over draws by another N(0, draw²).
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError

SAMPLES = 20_000
"""Of the posterior, for what has no closed form; the standard error of a probability is at most .0036."""


@dataclasses.dataclass(frozen=True)
class Coefficients:
    """Fitted on matrices of real fine-tuning; all in accuracy points."""

    within: float
    """w, for each standard deviation of the evidence, among models of one architecture."""
    across: float
    """b, between architectures."""
    noise: float
    """Standard deviation of u_m."""
    draw: float
    """Standard deviation of one fine-tuning about its mean over draws of the training images."""


@dataclasses.dataclass(frozen=True)
class Prior:
    """Of one model's advantage a_m before the task is seen, in accuracy points."""

    mean: float
    sd: float


@dataclasses.dataclass(frozen=True, eq=False)
class Posterior:
    """Jointly normal accuracies of M models on one task, in points and up to a common constant."""

    mean: Float[np.ndarray, " M"]
    covariance: Float[np.ndarray, "M M"]
    reference: int
    """Place of the model that gains are against."""

    @property
    def gain(self) -> Float[np.ndarray, " M"]:
        """Mean gain over the reference; 0 for the reference itself."""
        return self.mean - self.mean[self.reference]

    @property
    def gain_sd(self) -> Float[np.ndarray, " M"]:
        """Standard deviation of each model's gain over the reference, in points; 0 for the reference."""
        variance, r = np.diag(self.covariance), self.reference
        return np.sqrt(np.maximum(variance + variance[r] - 2 * self.covariance[r], 0))

    def interval(self, level: float = 0.9, *, draw: float = 0.0) -> Float[np.ndarray, "M 2"]:
        """Of the gain in the mean over draws; of one fine-tuning against another where `draw` is given."""
        import scipy.stats

        if not 0 < level < 1:
            raise InputError(f"level {level}: give a number between 0 and 1.")
        others = np.arange(len(self.mean)) != self.reference
        half = scipy.stats.norm.ppf((1 + level) / 2) * np.sqrt(self.gain_sd**2 + 2 * draw**2 * others)
        return self.gain[:, None] + np.stack([-half, half], 1)

    @property
    def p_best(self) -> Float[np.ndarray, " M"]:
        """Probability of being the best of these models; adds up to 1."""
        best = self._samples().argmax(1)
        # Half a count for each model: no finite number of samples shows that one is impossible.
        counts = np.bincount(best, minlength=len(self.mean)) + 0.5
        return counts / counts.sum()

    def expected_regret(self, place: int) -> float:
        """Points that the model at `place` is expected to lose against the best."""
        samples = self._samples()
        return float((samples.max(1) - samples[:, place]).mean())

    def smallest_set(self, level: float = 0.9) -> tuple[list[int], float]:
        """The fewest models that hold the best with at least this probability, most probable first; and it."""
        probability = self.p_best
        order = np.argsort(-probability, kind="stable")
        count = int(np.searchsorted(np.cumsum(probability[order]), level - 1e-12)) + 1
        chosen = order[: min(count, len(order))]
        return chosen.tolist(), float(probability[chosen].sum())

    def _samples(self) -> Float[np.ndarray, "S M"]:
        values, vectors = np.linalg.eigh(self.covariance)
        noise = np.random.default_rng(0).normal(size=(SAMPLES // 2, len(self.mean)))
        noise = np.concatenate([noise, -noise]) * np.sqrt(np.maximum(values, 0))
        return self.mean + noise @ vectors.T


def standardised(values: Float[np.ndarray, "M K"]) -> Float[np.ndarray, " M"]:
    """Evidence: the mean over K terms of each term's z-score over the models, equally weighted.

    Terms that are missing (NaN) for a model, or the same for all models, are left out of its mean; without any, 0.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.gain import standardised
        >>> standardised(np.array([[0.1, 5.0], [0.3, np.nan], [0.5, 7.0]])).round(3)
        array([-1.112,  0.   ,  1.112])
    """
    x = np.asarray(values, np.float64)
    known = np.isfinite(x)
    count = np.maximum(known.sum(0), 1)
    centre = np.where(known, x, 0).sum(0) / count
    deviation = np.sqrt(np.where(known, (x - centre) ** 2, 0).sum(0) / count)
    varied = deviation > 1e-12 * np.maximum(np.abs(centre), np.finfo(float).tiny)
    usable = known & varied
    z = np.where(usable, (x - centre) / np.where(varied, deviation, 1), 0)
    return z.sum(1) / np.maximum(usable.sum(1), 1)


def parts(
    evidence: Float[np.ndarray, " M"], groups: Sequence[str]
) -> tuple[Float[np.ndarray, " M"], Float[np.ndarray, " M"]]:
    """(e_m - ē_g, ē_g - ē): the evidence within and across groups; adds up to e_m - ē."""
    labels = np.unique(np.asarray(groups), return_inverse=True)[1]
    means = np.bincount(labels, evidence) / np.bincount(labels)
    return evidence - means[labels], means[labels] - evidence.mean()


def posterior(
    evidence: Float[np.ndarray, " M"],
    groups: Sequence[str],
    priors: Sequence[Prior],
    coefficients: Coefficients,
    reference: int,
) -> Posterior:
    """What the accuracies of these models will be, up to a common constant; see the module's formula.

    `groups` are the models' architectures. Cost: O(M³).

    Args:
        evidence: of the models, from `standardised`.
        groups: architecture of each model.
        priors: of each model.
        coefficients: fitted on past tasks.
        reference: place of the model that gains are against.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.gain import Coefficients, Prior, posterior
        >>> coefficients = Coefficients(within=3.0, across=3.0, noise=2.0, draw=1.0)
        >>> found = posterior(np.array([-1.0, 0.0, 1.0]), ["resnet20"] * 3, [Prior(0.0, 1.0)] * 3, coefficients, 0)
        >>> (found.mean - found.mean[0]).round(3), found.gain_sd.round(3)
        (array([0., 3., 6.]), array([0.   , 3.162, 3.162]))
    """
    within, across = parts(np.asarray(evidence, np.float64), groups)
    mean = np.array([prior.mean for prior in priors]) + coefficients.within * within + coefficients.across * across
    variance = np.array([prior.sd**2 for prior in priors]) + coefficients.noise**2
    return Posterior(mean, np.diag(variance), reference)
