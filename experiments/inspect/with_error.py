"""A mean with its standard error, as text."""

import numpy as np


def with_error(values: np.ndarray, digits: int = 1, sign: str = "+") -> str:
    """ "+0.4 ± 1.1"; of one value without an error."""
    each = np.ravel(values)
    text = f"{each.mean():{sign}.{digits}f}"
    return f"{text} ± {each.std(ddof=1) / np.sqrt(len(each)):.{digits}f}" if len(each) > 1 else text
