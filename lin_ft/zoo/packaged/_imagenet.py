"""Names of the 1,000 ImageNet classes, from the lists inside the timm archive."""

import functools

from lin_ft.data.archive import Archive, fetch
from lin_ft.data.unpack import member
from lin_ft.errors import InputError
from lin_ft.files.cache import cache_dir

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_SHA256 = "5bd50f7d0fe6d09bf9285ac2523234a1b7e6bf075c0be3e7aed09139fcb617c7"
_ARCHIVE = Archive("pip", "timm", "1.0.31", "timm-1.0.31-py3-none-any.whl", _SHA256, 2798714)
_FOLDER = "timm/data/_info/"


@functools.cache
def class_names() -> tuple[str, ...]:
    """In the order of the heads; none where the archive cannot be had, which only costs the names."""
    try:
        path = fetch(_ARCHIVE, cache_dir() / "archives")
    except InputError:
        return ()
    synsets = member(path, f"{_FOLDER}imagenet_synsets.txt").decode().split()
    lines = member(path, f"{_FOLDER}imagenet_synset_to_lemma.txt").decode().splitlines()
    lemmas = dict(line.split("\t", 1) for line in lines if "\t" in line)
    return tuple(lemmas[synset].split(",")[0].strip() for synset in synsets)
