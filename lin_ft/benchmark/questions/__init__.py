"""Does the method hold? Each question of the study, answered from a matrix in one sentence with an interval."""

from lin_ft.benchmark.evidence import Evidence
from lin_ft.benchmark.questions.answer import Answer
from lin_ft.benchmark.questions.architectures import do_scores_rank_architectures
from lin_ft.benchmark.questions.carry_over import does_the_order_hold, of_halves
from lin_ft.benchmark.questions.changed import what_changed
from lin_ft.benchmark.questions.domains import single_against_multi_domain
from lin_ft.benchmark.questions.fewer_images import do_fewer_images_need_a_zoo
from lin_ft.benchmark.questions.gain import how_close_is_the_gain
from lin_ft.benchmark.questions.linearized import linearized_against_real
from lin_ft.benchmark.questions.next_draw import is_the_best_best_again
from lin_ft.benchmark.questions.noise import how_fine_is_the_ruler
from lin_ft.benchmark.questions.order import which_score_is_best
from lin_ft.benchmark.questions.selections import how_many_selections
from lin_ft.benchmark.questions.variant import does_a_choice_carry_over
from lin_ft.benchmark.questions.zoo import does_a_zoo_help, gains

__all__ = [
    "QUESTIONS",
    "Answer",
    "answers",
    "do_fewer_images_need_a_zoo",
    "do_scores_rank_architectures",
    "does_a_choice_carry_over",
    "does_a_zoo_help",
    "does_the_order_hold",
    "gains",
    "how_close_is_the_gain",
    "how_fine_is_the_ruler",
    "how_many_selections",
    "is_the_best_best_again",
    "linearized_against_real",
    "of_halves",
    "single_against_multi_domain",
    "what_changed",
    "which_score_is_best",
]

QUESTIONS = (
    does_a_zoo_help,
    which_score_is_best,
    how_fine_is_the_ruler,
    is_the_best_best_again,
    how_many_selections,
    how_close_is_the_gain,
    does_a_choice_carry_over,
    do_scores_rank_architectures,
    single_against_multi_domain,
)
"""Those that one matrix can answer; each gives None where it lacks what it needs."""


def answers(evidence: Evidence) -> list[Answer]:
    """Every question that this matrix can answer.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import Evidence, Judge, Results
        >>> from lin_ft.benchmark.questions import answers
        >>> from lin_ft.benchmark.static import fine_tuned
        >>> truth = np.random.default_rng(0).uniform(0.3, 0.7, (6, 5))
        >>> results = Results(tuple("abcde"), tuple("stuvwx"), np.stack([truth, truth + 0.01]), "a")
        >>> scores = {"label_gradient_cka": results.accuracy, "logme": -results.accuracy, **fine_tuned(results)}
        >>> evidence = Evidence("simulated", Judge(results, scores), development=("s", "t", "u"))
        >>> [answer.slug for answer in answers(evidence)]
        ['zoo', 'scores', 'ruler', 'next_draw', 'selections', 'variant', 'architectures']
    """
    return [row for row in (question(evidence) for question in QUESTIONS) if row is not None]
