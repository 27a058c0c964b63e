"""Pre-trained models to choose from: cards, weights as data, the embedded zoo, pre-training of entries."""

from lin_ft.zoo.card import ModelCard, load_card, save_card
from lin_ft.zoo.model import REFERENCE, ZooModel, embedded_zoo, load_zoo, select
from lin_ft.zoo.weights import load_weights, save_weights

__all__ = [
    "REFERENCE", "ModelCard", "ZooModel", "embedded_zoo", "load_card", "load_weights", "load_zoo",
    "save_card", "save_weights", "select",
]  # fmt: skip
