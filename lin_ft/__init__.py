"""Which pre-trained model should I fine-tune on my data? Answered without training.

    task = lin_ft.load_task("optdigits", shots=10, seed=0)
    ranking = lin_ft.rank(lin_ft.embedded_zoo(), task)
    print(ranking)

Everything public is named in `__all__` and loaded when first used, so that `import lin_ft` is light.
"""

import importlib
from typing import TYPE_CHECKING, Any

_HOME = {
    "InputError": "lin_ft.errors",
    "ModelFunction": "lin_ft.functions",
    "RankConfig": "lin_ft.ranking",
    "Ranking": "lin_ft.ranking",
    "Task": "lin_ft.data",
    "ZooModel": "lin_ft.zoo",
    "embedded_zoo": "lin_ft.zoo",
    "from_linen": "lin_ft.functions",
    "from_nnx": "lin_ft.functions",
    "gram": "lin_ft.kernels",
    "init_head": "lin_ft.heads",
    "linearize": "lin_ft.tangent",
    "load_task": "lin_ft.data",
    "load_zoo": "lin_ft.zoo",
    "plot_ranking": "lin_ft.report",
    "rank": "lin_ft.ranking",
}
__all__ = [
    "InputError",
    "ModelFunction",
    "RankConfig",
    "Ranking",
    "Task",
    "ZooModel",
    "__version__",
    "embedded_zoo",
    "from_linen",
    "from_nnx",
    "gram",
    "init_head",
    "linearize",
    "load_task",
    "load_zoo",
    "plot_ranking",
    "rank",
]

if TYPE_CHECKING:
    __version__: str

    from lin_ft.data import Task, load_task
    from lin_ft.errors import InputError
    from lin_ft.functions import ModelFunction, from_linen, from_nnx
    from lin_ft.heads import init_head
    from lin_ft.kernels import gram
    from lin_ft.ranking import RankConfig, Ranking, rank
    from lin_ft.report import plot_ranking
    from lin_ft.tangent import linearize
    from lin_ft.zoo import ZooModel, embedded_zoo, load_zoo


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("lin-ft")
    if name not in _HOME:
        raise AttributeError(f"module 'lin_ft' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
