"""Which names of folders and arrays mean train, validation and test."""

import re
import unicodedata
from collections.abc import Iterable

SPLITS = ("train", "test", "validation")
_EVALUATION = "evaluation"
_WORDS = {
    "train": "training|train|trn",
    "test": "testing|tests|test|tst|hold-?out",
    "validation": "validation|validate|valid|vali|val|development|devel|dev",
    _EVALUATION: "evaluation|evaluate|eval",
}
_FILLERS = (
    "data|datasets?|sets?|splits?|images?|imgs?|pictures?|pics|photos?|files|samples?|folders?|seg|raw|my|labell?ed"
)
_PATTERNS = {
    split: re.compile(
        rf"[\W\d_]*(?:(?:{_FILLERS})[\W\d_]*)*(?:{words})(?:[\W\d_]*(?:{_FILLERS}))*[\W\d_]*", re.IGNORECASE
    )
    for split, words in _WORDS.items()
}
_FOLD = re.compile(r"[\W_]*k?-?(?:fold|split|part|batch|partition)s?[\W_]*(?:\d+|[a-z])[\W_]*", re.IGNORECASE)


def splits_of_names(names: Iterable[str]) -> dict[str, str]:
    """The split that each name means, of those that mean one: `Training`, `valid`, `test_set`, `seg_train`, `val2017`.

    `evaluation` is the test split where no other name is, and else the validation split.
    """
    found = {}
    for name in names:
        plain = unicodedata.normalize("NFKC", name)
        split = next((split for split, pattern in _PATTERNS.items() if pattern.fullmatch(plain)), None)
        if split:
            found[name] = split
    instead = "validation" if "test" in found.values() else "test"
    return {name: instead if split == _EVALUATION else split for name, split in found.items()}


def is_fold(name: str) -> bool:
    """Whether a name is one of several folds: `fold_1`, `split2`, `part-b`."""
    return bool(_FOLD.fullmatch(unicodedata.normalize("NFKC", name)))
