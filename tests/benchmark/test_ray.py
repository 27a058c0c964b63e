"""A Ray cluster of two nodes on this machine: all cells are done, though a worker is killed with -9 on the way."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lin_ft.benchmark.check import resolve
from lin_ft.benchmark.config import load_config
from lin_ft.benchmark.store import Store

pytest.importorskip("ray")
pytest.importorskip("psutil")
ROOT = Path(__file__).parents[2]
DRIVER = """
import os, signal, sys, threading, time
from pathlib import Path
import psutil, ray
from ray.cluster_utils import Cluster
from lin_ft.benchmark.config import load_config
from lin_ft.benchmark.executors import Job, on_ray

def kill_one():
    me = psutil.Process()
    while True:
        for process in me.children(recursive=True):
            try:
                if process.name().startswith("ray::_do_remot"):
                    process.send_signal(signal.SIGKILL)
                    print("killed", flush=True)
                    return
            except psutil.NoSuchProcess:
                pass
        time.sleep(0.1)

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
cluster.add_node(num_cpus=1)
ray.init(address=cluster.address, log_to_driver=False)
print(len(ray.nodes()), "nodes", flush=True)
threading.Thread(target=kill_one, daemon=True).start()
on_ray(Job(load_config(sys.argv[1]), Path(sys.argv[2])), 2)
ray.shutdown()
cluster.shutdown()
"""


@pytest.mark.slow
def test_two_nodes_and_a_killed_worker_lose_nothing(config_file, tmp_path):
    config = config_file()
    config.write_text(config.read_text().replace("seeds=(0, 1)", "seeds=(0,), heads=('zero',)"))
    command = [sys.executable, "-c", DRIVER, str(config), str(tmp_path / "out")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=500, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "2 nodes" in done.stdout
    assert "killed" in done.stdout
    store, (_, cells) = Store(tmp_path / "out"), resolve(load_config(config))
    assert [store.state(cell) for cell in cells] == ["done"] * 4
