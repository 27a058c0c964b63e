"""What a ranking will take, before anything runs: seconds and memory of each model, and of the zoo by so many workers.

Of each kind of network one image is traced, nothing is computed and no weights are read; so a zoo of a thousand entries
is planned in the time of its architectures. Seconds are multiply-adds and memory traffic at the speeds of one CPU core
that did `MULTIPLY_ADDS` and `BYTES` a second: an order of magnitude, not a promise.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.extend import core

from lin_ft.autodiff.depthwise import geometry
from lin_ft.errors import InputError
from lin_ft.functions import LinenBody, ModelFunction
from lin_ft.kernels.blocks import BLOCK_SIZE, MEMORY_LIMIT
from lin_ft.kernels.cost import multiply_adds
from lin_ft.kernels.memory import plan_blocks, row_bytes
from lin_ft.kernels.structured import StructuredRows, output_function
from lin_ft.ranking.config import MANY, RankConfig
from lin_ft.ranking.result import GAIN
from lin_ft.trainable import split
from lin_ft.workers import checked, n_cores
from lin_ft.zoo import ZooModel
from lin_ft.zoo.architectures import ARCHITECTURES, shapes_of
from lin_ft.zoo.identity import card_digest

MULTIPLY_ADDS = 5e10
"""A second, in the products and convolutions of passes and of rows with each other."""
BYTES = 1.2e9
"""A second, of values that a pass makes (`memory.working_bytes`)."""
ADDITIONS = 1.3e9
"""A second, of a sketch."""
COMPILED = 0.035
"""Seconds for each equation of a network, when its programs are not kept yet."""
START = 3.0
"""Seconds in which a process imports what it needs."""
IMPORTED = 450 * 2**20
"""Bytes of a process that has computed nothing."""


@dataclasses.dataclass(frozen=True)
class PlannedRow:
    """Of one model."""

    name: str
    architecture: str
    compiling: float
    """CPU seconds, where it is the first of its kind and its programs are not kept from another run; else 0."""
    computing: float
    """CPU seconds."""
    memory: int
    """Bytes of the process, at most."""


@dataclasses.dataclass(frozen=True)
class RankPlan:
    """Of a zoo on n images by `workers` processes of one core each."""

    rows: tuple[PlannedRow, ...]
    n: int
    size: int
    workers: int
    sketched: bool

    def seconds(self, *, kept: bool) -> float:
        """Of wall clock on idle cores: the first time, or where all programs are `kept` from a run before.

        The longest first to whoever is idle, as the bound max(longest, sum / workers) has it.
        """
        each = [row.computing + (0 if kept else row.compiling) for row in self.rows]
        return START + max(max(each), sum(each) / self.workers)

    @property
    def memory(self) -> int:
        """Bytes of all workers at once, at most."""
        return sum(sorted((row.memory for row in self.rows), reverse=True)[: self.workers])

    def __str__(self) -> str:
        kinds = len({row.architecture for row in self.rows if row.compiling})
        cores = f"{self.workers} worker{'s' if self.workers > 1 else ''} of one core each"
        how = "sketched kernels" if self.sketched else "exact kernels"
        first, again = _time(self.seconds(kept=False)), _time(self.seconds(kept=True))
        return (
            f"{len(self.rows)} models, {kinds} kind{'s' if kinds > 1 else ''} of network, {self.n} images of"
            f" {self.size} pixels, {how}: about {first} with {cores}, {again} where compiled programs are kept from a"
            f" run before; up to {self.memory / 2**30:.1f} GiB."
        )


def plan(
    zoo: Sequence[ZooModel],
    n: int,
    size: int,
    config: RankConfig | None = None,
    *,
    workers: int = 1,
    entries: int | None = None,
) -> RankPlan:
    """What ranking the zoo will take, in seconds and memory; nothing is computed.

    Args:
        zoo: the models, whose weights are not read.
        n: training images.
        size: pixels a side.
        config: as for `rank`.
        workers: models side by side.
        entries: as if the zoo had so many models, its own over and over; None: as it is.

    Examples:
        >>> import lin_ft
        >>> from lin_ft.ranking import plan
        >>> planned = plan(lin_ft.embedded_zoo(), n=100, size=32, entries=1000)
        >>> len(planned.rows), planned.seconds(kept=True) < planned.seconds(kept=False)
        (1000, True)

    Raises:
        InputError: an empty zoo; images that a model does not take; more workers than cores.
    """
    config = config or RankConfig()
    if not zoo:
        raise InputError("zoo: it is empty; give at least one model.")
    if n < 1 or (entries is not None and entries < 1):
        raise InputError(f"plan: {n} images and {entries} entries; give at least 1.")
    checked(workers, "local" if workers <= n_cores() else "ray")
    sketched = config.kernel == "sketch" or (config.kernel == "auto" and n > MANY)
    costs: dict[str, _Cost] = {}
    rows, met = [], set()
    for place in range(entries or len(zoo)):
        model = zoo[place % len(zoo)]
        kind = card_digest(dataclasses.replace(model.card, mean=(), std=()))
        if kind not in costs:
            model.check_size(size, size)
            costs[kind] = _cost(model, n, size, config, sketched)
        again, cost = place // len(zoo), costs[kind]
        rows.append(
            PlannedRow(
                name=f"{model.name}-{again + 1}" if again else model.name,
                architecture=kind,
                compiling=0.0 if kind in met else cost.compiling,
                computing=cost.computing,
                memory=cost.memory,
            )
        )
        met.add(kind)
    return RankPlan(tuple(rows), n, size, workers, sketched)


@dataclasses.dataclass(frozen=True)
class _Cost:
    compiling: float
    computing: float
    memory: int


def _cost(model: ZooModel, n: int, size: int, config: RankConfig, sketched: bool) -> _Cost:
    if model.card.architecture in ARCHITECTURES:
        state = dict(shapes_of(model.card.architecture, 1, options=model.card.options))
        params = state.pop("params")
        function = ModelFunction(LinenBody(model.module(1), "features"), state, has_head=True)
    else:  # a model in memory
        function, params = model.function
    width = params["head"]["kernel"].shape[0]
    probes = 0 if config.head == "zero" or config.trainable == "head" else config.probes
    combinations = jax.ShapeDtypeStruct((max(probes, 1), width), np.float32)
    chosen, frozen = ({**part, "head": None} for part in split(params, config.trainable))
    shared = (function, chosen, frozen, combinations)
    x = jax.ShapeDtypeStruct((n, size, size, 3), np.float32)
    counted = multiply_adds(shared, x, of="features", full=False, n=(n, n), symmetric=True)
    weights = sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(params))
    row, working = row_bytes(StructuredRows("features", full=False), shared, x)
    eigen = 9 * min(n, config.dimension + width if sketched else n) ** 3 / MULTIPLY_ADDS
    if sketched:
        pairs = probes * weights * n / ADDITIONS + n * (config.dimension + width) ** 2 / MULTIPLY_ADDS
        products = counted["rows"] / MULTIPLY_ADDS
        held = 4 * n * (config.dimension + width) * 4
    else:
        pairs, products = 0.0, counted["structured"] / MULTIPLY_ADDS
        held = min(MEMORY_LIMIT, row * n) + 5 * 8 * n * n
    kernels = 2 if config.score == GAIN else 1
    computing = kernels * (products + pairs + working * n / BYTES + eigen)
    chunk = plan_blocks(row, working, (n, 0), max(probes, 1), BLOCK_SIZE, MEMORY_LIMIT)[0]
    equations = _equations(shared, size)
    memory = IMPORTED + 2 * 4 * weights + held + chunk * working + 12 * n * size * size * 3
    return _Cost(COMPILED * equations, computing, int(memory))


def _equations(shared: Any, size: int) -> int:
    function, chosen, frozen, _ = shared
    h = output_function("features", jax.tree.structure(chosen))
    one = jax.ShapeDtypeStruct((size, size, 3), np.float32)
    return _count(jax.make_jaxpr(h)(jax.tree.leaves(chosen), (function, frozen), one).jaxpr)


def _count(jaxpr: Any) -> int:
    """Equations, those within others included; a depthwise convolution is one."""
    inner = ([] if geometry(each) else list(core.jaxprs_in_params(each.params)) for each in jaxpr.eqns)
    return sum(max(1, sum(map(_count, each))) for each in inner)


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
