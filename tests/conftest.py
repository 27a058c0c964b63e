"""Strict settings for every test: 64-bit, no silent promotion of ranks, shapes in annotations checked at run
time.
"""

import os
import tempfile

# Compiling takes most of the time of small tests, and is four times faster without LLVM's optimization.
os.environ["XLA_FLAGS"] = f"--xla_backend_optimization_level=0 {os.environ.get('XLA_FLAGS', '')}"

import jax
import pytest
from jaxtyping import install_import_hook

# Tests that compile the same program twice wait for it once.
_programs = tempfile.TemporaryDirectory(prefix="lin_ft-tests-programs-")
jax.config.update("jax_compilation_cache_dir", _programs.name)
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")

_hook = install_import_hook("lin_ft", "beartype.beartype")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "network: needs the network; skipped where there is none")
    config.addinivalue_line("markers", "slow: takes more than half a minute")
