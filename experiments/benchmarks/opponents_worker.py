"""The worker of `experiments.benchmarks.opponents` for our kernels and torch.func."""

import json
import sys
from collections.abc import Callable
from typing import Any

from experiments.benchmarks.measured import answer_lines


def make(n: int, output: str, n_classes: int, memory_limit: int, torch: bool) -> Callable[[], Any]:
    import numpy as np

    from experiments.benchmarks.kernels import network
    from lin_ft.kernels import gram

    apply, params = network("resnet20", n_classes)
    x = np.random.default_rng(0).standard_normal((n, 32, 32, 3), np.float32)
    if torch:
        from experiments.benchmarks.torch_func import kernel_function

        kernel = kernel_function("resnet20", params, apply.frozen, output)
        return lambda: kernel(x)
    return lambda: gram(apply, params, x, output=output, method="structured", memory_limit=memory_limit)


if __name__ == "__main__":
    answer_lines(lambda: make(**json.loads(sys.argv[1]), torch="torch.func" in sys.argv[2:]))
