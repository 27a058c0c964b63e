"""SCORES: every score of this folder by name. A file takes part by a SCORES of its own, {name: Score}."""

import difflib
import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from lin_ft.errors import InputError
from lin_ft.scores.own import user_score
from lin_ft.scores.score import INPUTS, Score


def found(folder: Path, package: str) -> dict[str, Score]:
    """The rows of all files of a package: by their rarest need, in the order of INPUTS, then by name.

    Raises:
        ValueError: two files have a score of one name, or a score needs what is not in INPUTS.
    """
    rows: dict[str, Score] = {}
    for file in pkgutil.iter_modules([str(folder)]):
        module = f"{package}.{file.name}"
        if module == __name__:
            continue
        of_file: Mapping[str, Score] = getattr(importlib.import_module(module), "SCORES", {})
        for name, score in of_file.items():
            if name in rows:
                raise ValueError(f"{module}: there is another score {name!r}; give it a name of its own.")
            unknown = [need for need in score.needs if need not in INPUTS]
            if unknown:
                raise ValueError(f"{module}: score {name!r} needs {', '.join(unknown)}; add that to score.INPUTS.")
        rows.update(of_file)
    order = list(INPUTS)
    return dict(sorted(rows.items(), key=lambda row: (max(map(order.index, row[1].needs)), row[0])))


SCORES: dict[str, Score] = found(Path(__file__).parent, __name__.rpartition(".")[0])
"""Name -> score. What each needs is `SCORES[name].needs`. No two give the same quantity."""

_WITH_HEAD = {
    f"{name}/{head}{suffix}": f"{name} with head {head}{' and left_out shot' if suffix else ''}"
    for name in ("predicted_accuracy", "predicted_loss")
    for head in ("random", "zero")
    for suffix in ("", "-shot")
}
RENAMED: dict[str, str] = _WITH_HEAD | {
    "label_gradient": "label_gradient_cka",
    "label_gradient/random": "label_gradient_cka",
    "label_gradient/zero": "label_feature_cka",
    "label_gradient_cosine": "kernel_target_alignment",
    "label_feature_correlation": "label_feature_cka",
    "label_feature_pearson": "paper_label_feature",
}
"""Old name -> what to write now: each quantity has one name, and the head and what is left out are none of it."""


def chosen(names: Iterable[str]) -> dict[str, Score]:
    """Scores by name, 'all', or a user's 'file.py:function'.

    Examples:
        >>> from lin_ft.scores import chosen
        >>> list(chosen(["logme", "leep"]))
        ['logme', 'leep']

    Raises:
        InputError: an unknown name, says which are near; an old name, says what to write now.
    """
    found: dict[str, Score] = {}
    for name in names:
        if name == "all":
            found.update(SCORES)
        elif name in SCORES:
            found[name] = SCORES[name]
        elif ":" in name:
            found[name] = user_score(name)
        else:
            check_name(name)
    return found


def check_name(name: str) -> None:
    """Refuse what is no score.

    Raises:
        InputError: an unknown name, or an old one.
    """
    if name in RENAMED:
        raise InputError(f"score {name!r}: the same quantity has one name now; write {RENAMED[name]}.")
    if name not in SCORES:
        near = " or ".join(difflib.get_close_matches(name, SCORES))
        what = f"did you mean {near}?" if near else "give one of `lin-ft scores list`, all or FILE.py:FUNCTION."
        raise InputError(f"score {name!r}: unknown; {what}")
