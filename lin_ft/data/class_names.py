"""Names of class folders made one over the splits: by Unicode's canonical form, and whatever the case."""

import unicodedata
from collections.abc import Iterable, Mapping


def class_key(name: str) -> str:
    """Equal for names that are one class: `café` composed and decomposed, `Cat` and `cat`."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).strip().casefold())


def united(folders: Mapping[str, Iterable[str]]) -> tuple[dict[str, str], list[str]]:
    """(the class of each folder's name, notices), given the names of every split, the training split first.

    A class is named as its first folder is, in canonical form (NFC).
    """
    class_of: dict[str, str] = {}
    spellings: dict[str, list[str]] = {}
    for names in folders.values():
        for name in sorted(names):
            seen = spellings.setdefault(class_key(name), [])
            plain = unicodedata.normalize("NFC", name)
            if plain not in seen:
                seen.append(plain)
            class_of[name] = seen[0]
    notices = [f"{' and '.join(seen)} are taken as one class, {seen[0]}." for seen in spellings.values() if seen[1:]]
    return class_of, notices
