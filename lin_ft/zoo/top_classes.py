"""A look at whether foreign weights mean what they should: the classes that the network sees in a picture."""

from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import softmax

from lin_ft.errors import InputError
from lin_ft.zoo.model import ZooModel

SHOWN = 5


def open_picture(path: Path) -> Any:
    """A Pillow image in RGB. Raises InputError for what is none."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: not a readable picture ({error}).") from error


def top_classes(model: ZooModel, picture: Any) -> str:
    """The most probable classes of the source's head, "tabby 61%, tiger cat 20%, ...".

    For the centre square of the picture at the size and with the interpolation of the card.
    """
    card = model.card
    if not card.n_classes:
        return "the checkpoint has no classes of its own"
    from PIL import Image

    side = min(picture.size)
    left, top = ((length - side) // 2 for length in picture.size)
    how = getattr(Image.Resampling, card.interpolation.upper(), Image.Resampling.BICUBIC)
    square = picture.resize((card.image_size, card.image_size), how, (left, top, left + side, top + side))
    logits = model.source_logits(model.normalise(np.asarray(square)[None]))[0]
    probabilities = softmax(logits.astype(np.float64))
    best = np.argsort(-probabilities, kind="stable")[:SHOWN]
    unnamed = all(name == str(index) for index, name in enumerate(card.class_names))
    hint = " (classes by number; --classes names them)" if unnamed else ""
    return ", ".join(f"{card.class_names[index]} {probabilities[index]:.0%}" for index in best) + hint
