"""The paper's own two scores (arXiv 2102.00084, section 3.3, eqs. 7 and 8), as near as its text fixes them.

Both are the Pearson correlation of all n² entries of a kernel with those of K_Y, (K_Y)_ij = 1 for the same
class and -1 otherwise: one scalar mean removed from each, Frobenius norms, the diagonal included, labels and
not residuals, at most 25 training images a class. K_Y = 2 Y Yᵀ - 1 for one-hot Y, so one-hot targets give the
same correlation.

Known traps: with the spectral norm instead (`np.linalg.norm(.., 2)`, in several public files) a perfect
kernel of 21 classes scores 20, not 1. And scalar centring is not kernel centring: for balanced classes the
score is CKA x ||H K H||_F / ||K - mu_K||_F, where the second factor punishes a common offset of the features.
"""

from typing import Any

import jax
import numpy as np

from lin_ft.errors import InputError
from lin_ft.functions import ModelFunction, as_function, features_of, n_outputs
from lin_ft.kernels.blocks import MEMORY_LIMIT
from lin_ft.kernels.sketch import sketch_gram
from lin_ft.scores.alignment import alignment
from lin_ft.scores.label_feature import label_feature
from lin_ft.scores.labels import encode
from lin_ft.scores.score import Score
from lin_ft.trainable import last_block, natural, paths_of
from lin_ft.typing import Apply, Array, Features, Labels, Params

IMAGES_PER_CLASS = 25
PROJECTION = 10_000
OUTPUTS = ("trace", "sum_logits")


def paper_label_feature(
    features: Features, labels: Labels, *, per_class: int = IMAGES_PER_CLASS, seed: int = 0
) -> float:
    """S_LF in [-1, 1] from penultimate features, (n, d), of at most 25 images a class.

    The same as `label_feature(form="pearson")` of the images kept.

    Range [-1, 1], higher is better. Cost: O(n d min(n, d)), n the images kept.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import paper_label_feature
        >>> x = np.array([[0.0, 1.0], [0.0, 2.0], [4.0, 1.0], [4.0, 2.0]])
        >>> [round(paper_label_feature(x, np.array(labels)), 3) for labels in ([0, 0, 1, 1], [0, 1, 0, 1])]
        [0.57, 0.036]

    Raises:
        InputError: shapes that do not fit, one class, values that are not finite.
    """
    kept = at_most(labels, per_class, seed)
    return label_feature(np.asarray(features)[kept], encode(_ranked(labels)[kept]), form="pearson")


def paper_label_gradient(
    apply: Apply,
    params: Params,
    x: Array,
    labels: Labels,
    *,
    layer: str | None = None,
    outputs: str = "trace",
    projection: int = PROJECTION,
    projection_kind: str = "sparse",
    per_class: int = IMAGES_PER_CLASS,
    seed: int = 0,
    batch_size: int = 64,
) -> float:
    """S_LG in [-1, 1]: Theta from the last convolution's gradients, each randomly projected to 10,000 dimensions.

    Range [-1, 1], higher is better.

    What the paper leaves open, and the default here:

    - how a vector output enters Theta: `outputs="trace"`, the sum over logits of their kernels; or
      `sum_logits`, the kernel of the sum of logits;
    - the head under those logits: the one in `params`, the source task's unless replaced
      (`lin_ft.functions.with_head`; a zero head gives zero gradients and hence the score 0);
    - batch normalisation: evaluation mode, always; its weights and conv biases do not count;
    - the layer: `layer` is a path such as "stage3_block3/conv2/kernel"; None takes the last convolution, in
      the order of numbered names, of the last block;
    - the projection: sparse (see `lin_ft.kernels.sketch`), of seed `seed`; not applied where the layer is
      smaller;
    - which 25 images a class: drawn by `seed`.

    Cost: n reverse passes (times C for `trace`, the outputs of the head in `params`: a thousand of ImageNet's) and
    n C P multiply-adds for the layer's P weights; memory as `lin_ft.kernels.gram`.

    Args:
        apply: (params, x) -> logits.
        params: w0, with the head that the logits come from.
        x: images.
        labels: classes of the images.
        layer: path of the kernel whose gradients are taken; None: the last convolution.
        outputs: `trace` or `sum_logits`.
        projection: numbers that a gradient is projected to.
        projection_kind: `sparse`, `rademacher` or `gaussian`.
        per_class: images a class at most.
        seed: of the images kept and of the projection.
        batch_size: images at a time.

    Examples:
        >>> import jax, jax.numpy as jnp
        >>> import lin_ft
        >>> from flax import linen as nn
        >>> from lin_ft.scores import paper_label_gradient
        >>> class Net(nn.Module):
        ...     def setup(self):
        ...         self.conv, self.head = nn.Conv(4, (3, 3)), nn.Dense(2)
        ...     def features(self, x):
        ...         return nn.relu(self.conv(x)).mean((1, 2))
        ...     def __call__(self, x):
        ...         return self.head(self.features(x))
        >>> x, labels = jax.random.normal(jax.random.key(0), (6, 8, 8, 3)), jnp.arange(6) % 2
        >>> apply, params = lin_ft.from_linen(Net(), Net().init(jax.random.key(1), x))
        >>> -1 <= paper_label_gradient(apply, params, x, labels) <= 1
        True

    Raises:
        InputError: unknown outputs or layer, shapes that do not fit, one class, values that are not finite.
    """
    if outputs not in OUTPUTS:
        raise InputError(f"Unknown way to combine outputs '{outputs}'; known are {', '.join(OUTPUTS)}.")
    kept = at_most(labels, per_class, seed)
    layer = last_convolution(params) if layer is None else layer
    if layer not in paths_of(params):
        raise InputError(
            f"There are no weights called '{layer}'; the last convolution is '{last_convolution(params)}'."
        )
    function, images = as_function(apply), np.asarray(x)[kept]
    width = n_outputs(function, params, images)
    kernel = sketch_gram(
        function,
        params,
        images,
        None,
        combinations=np.eye(width) if outputs == "trace" else np.ones((1, width)),
        of="logits",
        output="trace",
        trainable=lambda path: path == layer,
        block_size=batch_size,
        memory_limit=MEMORY_LIMIT,
        dimension=projection,
        kind=projection_kind,
        key=jax.random.key(seed),
    )
    return alignment(np.asarray(kernel, np.float64), encode(_ranked(labels)[kept]), form="pearson")


def paper_scores(apply: ModelFunction, params: Params, x: Array, labels: Labels, **options: Any) -> dict[str, float]:
    """Both scores of one model; `options` as for `paper_label_gradient`.

    Args:
        apply: from `lin_ft.from_linen` or `from_nnx`, with features of its own.
        params: w0.
        x: images.
        labels: classes of the images.
        **options: of `paper_label_gradient`.

    Examples:
        >>> import jax, jax.numpy as jnp
        >>> import lin_ft
        >>> from flax import linen as nn
        >>> from lin_ft.scores import paper_scores
        >>> class Net(nn.Module):
        ...     def setup(self):
        ...         self.conv, self.head = nn.Conv(4, (3, 3)), nn.Dense(2)
        ...     def features(self, x):
        ...         return nn.relu(self.conv(x)).mean((1, 2))
        ...     def __call__(self, x):
        ...         return self.head(self.features(x))
        >>> x, labels = jax.random.normal(jax.random.key(0), (6, 8, 8, 3)), jnp.arange(6) % 2
        >>> apply, params = lin_ft.from_linen(Net(), Net().init(jax.random.key(1), x))
        >>> sorted(paper_scores(apply, params, x, labels))
        ['paper_label_feature', 'paper_label_gradient']
    """
    return {
        "paper_label_gradient": paper_label_gradient(apply, params, x, labels, **options),
        "paper_label_feature": paper_label_feature(
            features_of(apply, params, x),
            labels,
            **{name: options[name] for name in ("per_class", "seed") if name in options},
        ),
    }


def at_most(labels: Labels, per_class: int, seed: int = 0) -> np.ndarray:
    """Sorted positions of at most `per_class` samples of each class, drawn without replacement."""
    if per_class < 1:
        raise InputError(f"At least one image a class is needed, not {per_class}.")
    order = np.random.default_rng(seed).permutation(len(labels))
    labels = np.asarray(labels)
    kept = [order[labels[order] == label][:per_class] for label in np.unique(labels)]
    return np.sort(np.concatenate(kept))


def last_convolution(params: Params) -> str:
    """Path of the last convolution's kernel: a 4-D array of the last numbered block, shortcuts aside."""
    shapes = paths_of(params)
    kernels = [path for path, leaf in shapes.items() if np.ndim(leaf) == 4]
    if not kernels:
        raise InputError("There is no convolution among the weights; name a layer.")
    if len(kernels) == 1:
        return kernels[0]
    block = last_block(list(shapes))
    inside = [path for path in kernels if path.startswith(block + "/")]
    main = [path for path in inside if not any(word in path.lower() for word in ("shortcut", "downsample", "proj"))]
    if not main:
        raise InputError(f"There is no convolution in the last block '{block}'; name a layer.")
    return max(main, key=natural)


def _ranked(labels: Labels) -> np.ndarray:
    return np.unique(np.asarray(labels), return_inverse=True)[1]


SCORES = {
    "paper_label_gradient": Score(
        paper_label_gradient,
        "Pearson, K of the last convolution, projected to 10,000",
        "Deshpande et al. 2021, eqs. 7 and 8",
        "[-1, 1]",
        "n x outputs reverse passes",
    ),
    "paper_label_feature": Score(
        paper_label_feature,
        "Pearson, K = f f', at most 25 images a class",
        "Deshpande et al. 2021, eqs. 7 and 8",
        "[-1, 1]",
        "O(n^2 d)",
    ),
}
