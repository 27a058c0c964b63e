"""Pre-trained models to choose from: cards, weights as data, the embedded zoo, checkpoints of others, pre-training."""

from lin_ft.zoo.card import ModelCard, load_card, save_card
from lin_ft.zoo.foreign import add, user_zoo
from lin_ft.zoo.model import ZooModel
from lin_ft.zoo.named import REFERENCE, embedded_zoo, load_zoo, multi_domain_zoo, named_zoo, select_models
from lin_ft.zoo.own import from_flax
from lin_ft.zoo.weights import load_weights, save_weights

__all__ = [
    "REFERENCE", "ModelCard", "ZooModel", "add", "embedded_zoo", "from_flax", "load_card", "load_weights", "load_zoo",
    "multi_domain_zoo", "named_zoo", "save_card", "save_weights", "select_models", "user_zoo",
]  # fmt: skip
