"""Category of an emoji from its OpenMoji drawing in colour."""

from lin_ft.data.openmoji import openmoji_dataset

DATASET = openmoji_dataset("openmoji_color", "color", "Emoji categories, OpenMoji in colour")
