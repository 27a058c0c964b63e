"""What the scores of `lin_ft.scores` are given of a model on a task."""

from typing import Any

import jax
import numpy as np

from lin_ft.functions import features_of
from lin_ft.predict import decompose
from lin_ft.ranking.view import View
from lin_ft.scores import array_inputs
from lin_ft.scores.evaluate import Inputs, Lazy


def score_inputs(view: View) -> Inputs:
    """Everything scores may ask for by name, each computed when first asked for, once.

    `view.config.source_shots` images a class of the model's own source data, at the size of the task's images, are
    loaded where it is not 0.

    Examples:
        >>> import lin_ft
        >>> task = lin_ft.load_task("optdigits", shots=2, seed=0)
        >>> zoo = lin_ft.embedded_zoo()[:2]
        >>> from lin_ft.ranking import View, score_inputs
        >>> inputs = score_inputs(View(zoo[0], task))
        >>> inputs["labels"].shape, inputs["features"].shape
        ((20,), (20, 64))
    """
    model, config = view.model, view.config
    apply, params = view.function
    source: dict[str, Any] = {}
    if config.source_shots:

        def loaded() -> tuple[np.ndarray, np.ndarray]:
            from lin_ft.data import load_task

            size = view.task.train.images.shape[1]
            data = load_task(model.card.source, shots=config.source_shots, seed=config.seed, size=size).train
            return np.asarray(features_of(*model.function, model.normalise(data.images))), np.asarray(data.labels)

        pair = Inputs(pair=Lazy(loaded))
        source = {
            "source_features": Lazy(lambda: pair["pair"][0]),
            "source_labels": Lazy(lambda: pair["pair"][1]),
        }
    return array_inputs(
        features=view.features,
        labels=view.labels,
        targets=view.targets,
        kernel=Lazy(lambda: view.kernel),
        spectrum=Lazy(lambda: decompose(view.kernel) if view.sketched else view.spectrum),
        prediction=Lazy(lambda: view.prediction),
        source_probabilities=Lazy(lambda: np.asarray(jax.nn.softmax(model.source_logits(view.x)), np.float64)),
        apply=apply,
        params=params,
        x=Lazy(lambda: view.x),
        seed=config.seed,
        name=model.name,
        n_params=model.card.n_params,
        source_test_accuracy=model.card.test_accuracy,
        is_reference=model.name == config.reference,
        **source,
    )
