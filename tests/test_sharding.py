import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lin_ft import sharding
from lin_ft.errors import InputError

SCRIPT = """
import sys, json, os
import jax
if "PROCESS" in os.environ:
    jax.distributed.initialize(os.environ["COORDINATOR"], num_processes=2, process_id=int(os.environ["PROCESS"]))
jax.config.update("jax_enable_x64", True)
sys.path.insert(0, sys.argv[1])
import numpy as np
from networks import conv_net, images, one_hot
from lin_ft.kernels import NTKProducts, gram
from lin_ft.scores import label_gradient

apply, params = conv_net()
x, z, y = images(7), images(5, seed=1), one_hot(7)
print(json.dumps({
    "devices": jax.local_device_count(),
    "processes": jax.process_count(),
    "label_gradient": label_gradient(apply, params, x, y),
    "label_gradient_batches": label_gradient(apply, params, x, y, batch_size=1),
    "trace": gram(apply, params, x).tolist(),
    "blocks": gram(apply, params, x, block_size=2).tolist(),
    "cross": gram(apply, params, x, z, output="full", block_size=1).tolist(),
    "pseudo": gram(apply, params, x, output="pseudo", probes=2).tolist(),
    "product": NTKProducts(apply, params, x)(y).tolist(),
}))
"""


@pytest.fixture(scope="module")
def results():
    """What each number of simulated CPU devices computes, the processes side by side."""
    here = Path(__file__).parent
    counts = (1, 2, 3, 8)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(here.parent), os.environ.get("PYTHONPATH", "")]),
    }
    processes = []
    for count in counts:
        flags = f"--xla_force_host_platform_device_count={count} --xla_backend_optimization_level=0"
        processes.append(
            subprocess.Popen(
                [sys.executable, "-c", SCRIPT, str(here)],
                env={**environment, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
                stdout=subprocess.PIPE,
                text=True,
            )
        )
    outputs = [process.communicate()[0] for process in processes]
    return {count: json.loads(output) for count, output in zip(counts, outputs, strict=True)}


@pytest.mark.parametrize("count", [2, 3, 8])
def test_any_number_of_devices_gives_the_same(results, count):
    assert results[count]["devices"] == count
    for name, value in results[count].items():
        if name == "devices":
            continue
        np.testing.assert_allclose(value, results[1][name], rtol=1e-10, err_msg=name)


def test_two_processes_give_the_same(results):
    """Each takes its share of the blocks; both end with the whole result."""
    here = Path(__file__).parent
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(here.parent), os.environ.get("PYTHONPATH", "")]),
        "XLA_FLAGS": "--xla_backend_optimization_level=0",
        "JAX_PLATFORMS": "cpu",
        "COORDINATOR": address,
    }
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(here)],
            env={**environment, "PROCESS": str(number)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    outputs = [process.communicate()[0] for process in processes]
    for output in outputs:
        found = json.loads(output.splitlines()[-1])  # the collectives report their connection first
        assert found.pop("processes") == 2
        for name, value in found.items():
            if name not in ("devices", "processes"):
                np.testing.assert_allclose(value, results[1][name], rtol=1e-10, err_msg=name)


def test_choice_of_devices():
    assert len(sharding.local(1)) == 1
    with pytest.raises(InputError, match="99 devices were asked for"):
        sharding.local(99)
