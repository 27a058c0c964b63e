"""Selectors that search or learn: they spend fine-tunings, or remember those of other tasks, to choose a model."""

from lin_ft.selectors.embeddings import dataset_embedding, embedding_features
from lin_ft.selectors.learned import learned_ranking, rank_features
from lin_ft.selectors.scaling_law import ScalingLaw, fit_scaling_law, power_law
from lin_ft.selectors.successive_halving import Halving, Rung, mixed, rungs, successive_halving

__all__ = [
    "Halving",
    "Rung",
    "ScalingLaw",
    "dataset_embedding",
    "embedding_features",
    "fit_scaling_law",
    "learned_ranking",
    "mixed",
    "power_law",
    "rank_features",
    "rungs",
    "successive_halving",
]
