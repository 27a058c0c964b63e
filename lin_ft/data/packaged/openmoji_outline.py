"""Category of an emoji from its OpenMoji outline, black on white; without flags, whose outlines are empty."""

from lin_ft.data.openmoji import NO_FLAGS, openmoji_dataset

DATASET = openmoji_dataset("openmoji_outline", "black", "Emoji categories, OpenMoji outlines", NO_FLAGS)
