"""Gains of all models of a zoo on one task, from their evidence on it and their priors."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from lin_ft.errors import InputError
from lin_ft.gain.calibration import Calibration, Candidate, load
from lin_ft.gain.posterior import Posterior, posterior, standardised

LEVEL = 0.9


@dataclasses.dataclass(frozen=True, eq=False)
class Gains:
    """In fractions of 1, models in the order given."""

    gain: np.ndarray
    gain_interval: np.ndarray
    """(M, 2), 90 %: of one fine-tuning against one of the reference, what a draw of the images adds included."""
    accuracy: np.ndarray
    """The reference's level plus the gain; NaN where one image a class leaves no level."""
    accuracy_interval: np.ndarray
    p_best: np.ndarray
    posterior: Posterior
    reference: str
    draw: float
    """Standard deviation of one fine-tuning about its mean over draws."""
    notes: tuple[str, ...]
    """What was assumed."""
    statistics: tuple[str, ...] = ()
    """Kinds of batch statistics that the evidence was seen under."""

    def sentence(self, names: Sequence[str]) -> str:
        """Which model to fine-tune, how sure that is, and what the choice costs."""
        first = int(np.argmax(self.posterior.mean))
        chosen, held = self.posterior.smallest_set(LEVEL)
        named = [names[place] for place in chosen]
        listed = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} or {named[-1]}"
        regret = self.posterior.expected_regret(first)
        return (
            f"Fine-tune {names[first]} (best with {self.p_best[first]:.0%}); {listed} "
            f"hold{'s' if len(named) == 1 else ''} the best with {held:.0%}; the first choice costs {regret:.1f} points"
            " in expectation."
        )


def predict_gains(
    evidence: Mapping[str, Mapping[str, float]],
    candidates: Sequence[Candidate],
    reference: str,
    calibration: Calibration | None = None,
) -> Gains:
    """Posterior of every model's gain over `reference`.

    `evidence` is `lin_ft.gain.evidence.terms` of each of the `candidates`, by name. Where the reference is not among
    them, the one with the best prior takes its place, and `notes` say so. One model gains 0.

    Examples:
        >>> from lin_ft.gain import TERMS, Candidate, predict_gains
        >>> evidence = {name: dict.fromkeys(TERMS, value) for name, value in (("first", 0.2), ("second", 0.4))}
        >>> gains = predict_gains(evidence, [Candidate(name, "resnet20") for name in evidence], "first")
        >>> float(gains.gain[0]), bool(gains.gain[1] > 0)
        (0.0, True)

    Raises:
        InputError: no models, or a calibration that does not fit this version.
    """
    if not candidates:
        raise InputError("gains: no models; give at least one.")
    names = [model.name for model in candidates]
    _, part = (calibration or load()).part(candidates)
    priors = [part.prior(model) for model in candidates]
    notes = []
    if reference not in names:
        other = names[int(np.argmax([prior.mean for prior in priors]))]
        notes.append(f"{reference} is not in this zoo: gains are over {other}, which past tasks speak best of.")
        reference = other
    if unknown := part.unknown(candidates):
        given = f"given that of their kind, {part.spread:.1f} points wide"
        notes.append(f"Without a prior of their own, as no past task is known ({given}): {', '.join(unknown)}.")
    if len(names) == 1:
        notes.append("One model: nothing to compare it with.")
    table = np.array([[evidence[name].get(term, np.nan) for term in part.terms] for name in names], np.float64)
    missing = [term for k, term in enumerate(part.terms) if not np.isfinite(table[:, k]).any()]
    if missing:
        notes.append(f"Left out, as they need two images of each class: {', '.join(missing)}.")
    place, groups = names.index(reference), [model.architecture for model in candidates]
    told = posterior(standardised(table), groups, priors, part.coefficients, place)
    level = evidence[reference].get(part.level.term, np.nan) + part.level.bias / 100
    intervals = told.interval(LEVEL, draw=part.coefficients.draw) / 100
    half = np.sqrt(((intervals[:, 1] - intervals[:, 0]) / 2) ** 2 + (1.645 * part.level.sd / 100) ** 2)
    accuracy = np.clip(level + told.gain / 100, 0, 1)
    around = np.clip(level + told.gain[:, None] / 100 + half[:, None] * np.array([-1, 1]), 0, 1)
    return Gains(
        gain=told.gain / 100,
        gain_interval=intervals,
        accuracy=accuracy,
        accuracy_interval=around,
        p_best=told.p_best,
        posterior=told,
        reference=reference,
        draw=part.coefficients.draw / 100,
        notes=tuple(notes),
        statistics=part.statistics,
    )
