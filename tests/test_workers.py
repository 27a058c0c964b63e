"""What a worker process starts with: cores of its own, and no more threads than cores."""

import os

import pytest

from lin_ft import workers


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no affinity here")
def test_cores_are_shared_out(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 0, 2, 5, 7})
    assert workers.shares(2) == [{0, 2}, {3, 5}]
    assert workers.shares(5) == [{0}, {2}, {3}, {5}, {7}]
    assert workers.shares(6) == [set()] * 6


def test_where_cores_cannot_be_chosen_none_are(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert workers.shares(2) == [set(), set()]


def test_one_core_means_one_thread_beside_the_users_own_flags(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=x")
    assert workers.environment(1)["XLA_FLAGS"].startswith("--xla_dump_to=x ")
    assert "intra_op_parallelism_threads=1" in workers.environment(1)["XLA_FLAGS"]
    assert "XLA_FLAGS" not in workers.environment(2)


def test_the_environment_is_for_the_workers_alone(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    before = dict(os.environ)
    with workers.started_with(workers.environment(1)):
        assert os.environ["OMP_NUM_THREADS"] == "7", "the user's own value stays"
        assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
    assert dict(os.environ) == before
