"""Where a network multiplies its weights with data: the dense and convolution equations of its jaxpr.

At such a use, out = op(data, weight), the weight's per-example gradient is a product of the data and of the cotangent
of `out` alone. So one reverse pass with respect to zeros added to these outputs gives all that weight gradients, and
inner products between them, are made of. Public JAX only: `jax.make_jaxpr` and `jax.extend.core`.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend import core

from lin_ft.autodiff.depthwise import geometry
from lin_ft.autodiff.products import Product, product

logger = logging.getLogger(__name__)

PRODUCTS = ("dot_general", "conv_general_dilated")


def is_product(equation: Any) -> bool:
    """Whether this equation may multiply weights with data in a form that `product` knows."""
    return equation.primitive.name in PRODUCTS or geometry(equation) is not None


CHEAP = (
    "add",
    "sub",
    "mul",
    "div",
    "neg",
    "concatenate",
    "gather",
    "select_n",
    "add_any",
    "broadcast_in_dim",
    "reshape",
)
"""Their per-example gradients by plain differentiation cost what the reverse pass costs: nothing to gain."""


@dataclass(frozen=True)
class Weight:
    """A value that depends on one leaf and on no data: `value` = make(leaf); make is None for the leaf itself."""

    leaf: int
    value: Any
    make: Callable[[Any], Any] | None = None

    def remade(self, leaf: Any) -> Any:
        """The value from another value of the leaf."""
        return leaf if self.make is None else self.make(leaf)


@dataclass(frozen=True)
class Use:
    """`weight` meets `data` in an equation of the form `product`."""

    weight: Weight
    product: Product
    data: Any
    output: jax.ShapeDtypeStruct
    apply: Callable[[Any, Any], Any]
    """(weight, data) -> output"""


def _value(item: Any) -> Any:
    return item.value if isinstance(item, Weight) else item


@dataclass
class Walk:
    """One evaluation of a jaxpr, and the uses it met in their order."""

    n_leaves: int
    n_constants: int
    """Arguments after the leaves that are neither weights nor data: frozen state."""
    plain: frozenset[int] = frozenset()
    """Leaves to treat as ordinary differentiable inputs."""
    deltas: Sequence[Any] | None = None
    """Zeros to add to the output of each use, in order."""
    evaluate: Callable[[Any, Sequence[Any]], list[Any]] | None = None
    """(equation of a use, its inputs) -> its outputs, another way to compute them; None: `bind`."""
    uses: list[Use] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)
    """Leaves that have a use of another kind, and which."""

    def __call__(self, jaxpr: Any, arguments: Sequence[Any]) -> list[Any]:
        """Outputs of the closed jaxpr for (leaves, constants, data)."""
        values = [
            Weight(index, value) if index < self.n_leaves and index not in self.plain else value
            for index, value in enumerate(arguments)
        ]
        first = self.n_leaves + self.n_constants
        data = [index >= first or index in self.plain for index in range(len(values))]
        outputs, _ = self._evaluate(jaxpr.jaxpr, jaxpr.consts, values, data)
        return [self._give_up(output, "the output itself") for output in outputs]

    def _give_up(self, value: Any, reason: str) -> Any:
        if isinstance(value, Weight):
            self.refused.setdefault(value.leaf, reason)
            return value.value
        return value

    def _evaluate(self, jaxpr: Any, consts: Any, inputs: list[Any], data: list[bool]) -> tuple[list[Any], list[bool]]:
        values: dict[Any, Any] = dict(zip(jaxpr.constvars, consts, strict=True))
        values.update(zip(jaxpr.invars, inputs, strict=True))
        from_data = dict(zip(jaxpr.invars, data, strict=True))

        def read(atom: Any) -> Any:
            return atom.val if isinstance(atom, core.Literal) else values[atom]

        def depends(atom: Any) -> bool:
            return not isinstance(atom, core.Literal) and from_data.get(atom, False)

        for equation in jaxpr.eqns:
            given = [read(atom) for atom in equation.invars]
            flags = [depends(atom) for atom in equation.invars]
            if equation.primitive.name in ("jit", "pjit") and geometry(equation) is None:
                inner = equation.params["jaxpr"]
                outputs, out_flags = self._evaluate(inner.jaxpr, inner.consts, given, flags)
            else:
                outputs = self._one(equation, given, any(flags))
                out_flags = [any(flags)] * len(outputs)
            values.update(zip(equation.outvars, outputs, strict=True))
            from_data.update(zip(equation.outvars, out_flags, strict=True))
        return [read(atom) for atom in jaxpr.outvars], [depends(atom) for atom in jaxpr.outvars]

    def _one(self, equation: Any, given: list[Any], data: bool) -> list[Any]:
        positions = [index for index, value in enumerate(given) if isinstance(value, Weight)]
        if not positions:
            return bind(equation, given)
        name = equation.primitive.name
        if not all(jnp.issubdtype(variable.aval.dtype, jnp.inexact) for variable in equation.outvars):
            return bind(equation, [_value(value) for value in given])  # a comparison: no gradient
        weights = [given[index] for index in positions]
        if data and len(positions) == 1 and is_product(equation):
            form = product(equation, positions[0])
            if form is not None:
                out = (self.evaluate or bind)(equation, [_value(value) for value in given])[0]
                output = jax.ShapeDtypeStruct(out.shape, out.dtype)

                def apply(weight: Any, data: Any) -> Any:
                    return bind(equation, [weight, data] if positions[0] == 0 else [data, weight])[0]

                self.uses.append(Use(weights[0], form, given[1 - positions[0]], output, apply))
                return [out if self.deltas is None else out + self.deltas[len(self.uses) - 1]]
        if not data and len({weight.leaf for weight in weights}) == len(equation.outvars) == 1:

            def make(leaf: Any) -> Any:
                return bind(equation, [v.remade(leaf) if isinstance(v, Weight) else v for v in given])[0]

            return [Weight(weights[0].leaf, bind(equation, [_value(value) for value in given])[0], make)]
        reason = "depthwise convolution" if name in ("jit", "pjit") else name
        return bind(equation, [self._give_up(value, reason) for value in given])


def find(
    function: Callable[..., Any], leaves: Sequence[Any], constants: Any, data: Any, *, quiet: bool = False
) -> tuple[Any, Walk, list[jax.ShapeDtypeStruct]]:
    """(closed jaxpr, walk with its uses, outputs) of function(leaves, constants, data).

    A leaf with any use that is not a product with data is in `walk.plain`: its gradient comes by plain
    differentiation, exact as well. Unless `quiet`, a line in the log says so where that may be slow.
    """
    jaxpr = jax.make_jaxpr(function)(list(leaves), constants, data)
    flat = [*leaves, *jax.tree.leaves(constants), *jax.tree.leaves(data)]
    plain: frozenset[int] = frozenset()
    while True:
        walk = Walk(len(leaves), len(jax.tree.leaves(constants)), plain)
        outputs = jax.eval_shape(lambda values, walk=walk: walk(jaxpr, values), flat)
        if not walk.refused:
            return jaxpr, walk, outputs
        for reason in () if quiet else sorted(set(walk.refused.values()) - set(CHEAP)):
            shapes = [str(jnp.shape(leaves[leaf])) for leaf, why in walk.refused.items() if why == reason]
            listed = ", ".join(dict.fromkeys(shapes))
            logger.info("%d weight(s) of shape %s: used in '%s', plain gradients", len(shapes), listed, reason)
        plain = plain | frozenset(walk.refused)


def bind(equation: Any, values: Sequence[Any]) -> list[Any]:
    """The outputs of one equation."""
    if equation.primitive.name.startswith("custom_"):  # relu, for one, keeps its own derivative
        return _alone(equation)(*values)
    outputs = equation.primitive.bind(*values, **equation.params)
    return list(outputs) if equation.primitive.multiple_results else [outputs]


def _alone(equation: Any) -> Callable[..., list[Any]]:
    """The equation by itself, on inputs in their order."""
    variables = list(dict.fromkeys(atom for atom in equation.invars if not isinstance(atom, core.Literal)))
    names = tuple(f"input{index}" for index in range(len(variables)))
    results = tuple(f"output{index}" for index in range(len(equation.outvars)))
    information = core.DebugInfo("equation", equation.primitive.name, names, results)
    jaxpr = core.Jaxpr([], variables, equation.outvars, [equation], debug_info=information)
    alone = core.jaxpr_as_fun(core.ClosedJaxpr(jaxpr, []))

    def call(*inputs: Any) -> list[Any]:
        given = {id(atom): value for atom, value in zip(equation.invars, inputs, strict=True)}
        return list(alone(*(given[id(variable)] for variable in variables)))

    return call
