"""The accelerator's script runs small on the CPU: every item, resumable, one failure does not end it."""

import json

import pytest

from experiments import gpu


@pytest.fixture
def in_this_process(monkeypatch):
    """As the script does it in a process for each item, but without starting twelve of them."""
    done = []

    def measured(name, small, seconds):
        done.append(name)
        return json.loads(json.dumps(gpu.measure(name, gpu.SMALL)))

    monkeypatch.setattr(gpu, "_in_process", measured)
    return done


def test_every_item(in_this_process, tmp_path, capsys):
    out = tmp_path / "gpu.json"
    gpu.main(gpu.Config(out=out, small=True))
    found = json.loads(out.read_text())
    assert list(found["rows"]) == list(gpu.ITEMS) == in_this_process
    for name, row in found["rows"].items():
        assert row["seconds"] > 0, name
        assert row["peak_bytes"] > 0, name
        assert row["device"].startswith("cpu"), name
    assert found["rows"]["matmul"]["rate"] > 1e6
    assert 0 < found["rows"]["bfloat16"]["error"] < 0.1
    assert found["rows"]["vit_kernel"]["share"] > 0
    assert found["rows"]["plain"]["images_a_second"] > 0
    shown = capsys.readouterr().out
    assert all(f"| {name} |" in shown for name in gpu.ITEMS)
    gpu.main(gpu.Config(out=out, small=True))
    assert len(in_this_process) == len(gpu.ITEMS), "what is there is not measured again"
    gpu.main(gpu.Config(out=out, small=True, items=("matmul",), again=True))
    assert in_this_process[-1] == "matmul"


def test_a_failure_is_written_down_and_tried_again(monkeypatch, tmp_path, capsys):
    out = tmp_path / "gpu.json"
    monkeypatch.setattr(gpu, "_in_process", lambda name, small, seconds: {"failed": f"{name}: out of memory"})
    gpu.main(gpu.Config(out=out, small=True, items=("trace", "full")))
    assert "| full | – | – | – | – | full: out of memory |" in capsys.readouterr().out
    one = {"seconds": 1.0, "compiling": 2.0, "peak_bytes": 3, "device": "cpu"}
    monkeypatch.setattr(gpu, "_in_process", lambda name, small, seconds: one)
    gpu.main(gpu.Config(out=out, small=True, items=("trace", "full")))
    assert json.loads(out.read_text())["rows"]["full"]["seconds"] == 1.0


def test_each_item_is_a_process_of_its_own():
    assert gpu._in_process("matmul", True, 120)["seconds"] > 0
    assert gpu._in_process("matmul", True, 0.01) == {"failed": "not done after 0 s"}


def test_full_sizes_are_those_asked_for():
    assert gpu.FULL.vit[:2] == (64, 224)
    assert gpu.FULL.vit[2] <= 40 * 1024
    assert gpu.FULL.backbone[:3] == ("resnet50", 1000, 224)
    assert gpu.SECONDS <= 480


def test_an_unknown_item():
    with pytest.raises(SystemExit, match="--items fast: unknown; of matmul, trace"):
        gpu.main(gpu.Config(items=("fast",)))
