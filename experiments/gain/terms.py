"""The terms of every model, task and draw of a matrix, in one JSON file that is resumed; kernels are kept on disk."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lin_ft.benchmark.config import BenchConfig, load_config
from lin_ft.data import load_task
from lin_ft.files.atomic import write_atomically
from lin_ft.files.cache import cache_dir
from lin_ft.gain import Sight, terms
from lin_ft.predict import backbone_part
from lin_ft.provenance import provenance
from lin_ft.ranking import RankConfig, View
from lin_ft.zoo import named_zoo, select_models


def compute(
    config_path: Path,
    draw: int,
    out: Path,
    *,
    tasks: Sequence[str] = (),
    models: Sequence[str] = (),
    kernels: Path | None = None,
) -> None:
    """Fill `out` with what it lacks of this draw, a task at a time."""
    config = load_config(config_path)
    zoo = select_models(named_zoo(config.zoo), models or config.models)
    stored = stored_terms(out)
    for name in tasks or config.tasks:
        key = f"{name}|{draw}"
        if set(stored["terms"].get(key, {})) >= {model.name for model in zoo}:
            continue
        sights, labels = sights_of(config, zoo, name, draw, kernels or cache_dir() / "gain" / config.name)
        found = {model: terms(sights[model], labels, seed=draw) for model in sights}
        stored["terms"][key] = stored["terms"].get(key, {}) | {
            model: {k: round(v, 6) for k, v in each.items()} for model, each in found.items()
        }
        stored["made"] = provenance()
        text = json.dumps(stored, indent=0) + "\n"
        write_atomically(out, lambda path, text=text: path.write_text(text, encoding="utf-8"))
        print(f"terms of {name}, draw {draw}", flush=True)


def stored_terms(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"made": {}, "terms": {}}


def sights_of(
    config: BenchConfig, zoo: Sequence[Any], name: str, draw: int, folder: Path
) -> tuple[dict[str, dict[str, Sight]], np.ndarray]:
    """Features and backbone's kernels of all models on one draw of a task, and its labels; kept in `folder`."""
    path = folder / f"{Path(name).name}-{draw}.npz"
    if not path.exists():
        side = config.side(zoo[0].card.image_size)
        task = load_task(name, shots=config.shots[0], seed=draw, size=side, max_test=config.max_test)
        arrays: dict[str, np.ndarray] = {"labels": np.asarray(task.train.labels)}
        for model in zoo:
            for kind in ("source", "target"):
                view = View(model, task, RankConfig(probes=config.probes, seed=draw, head="random", statistics=kind))
                arrays[f"{model.name}|{kind}|F"] = view.features.astype(np.float32)
                arrays[f"{model.name}|{kind}|B"] = backbone_part(view.kernel, view.features).astype(np.float32)
        write_atomically(path, lambda temporary: _save(temporary, arrays))
    with np.load(path) as held:
        labels = held["labels"]
        return {
            model.name: {
                kind: Sight(held[f"{model.name}|{kind}|F"], held[f"{model.name}|{kind}|B"].astype(np.float64))
                for kind in ("source", "target")
            }
            for model in zoo
        }, labels


def _save(path: Path, arrays: dict[str, np.ndarray]) -> None:
    with path.open("wb") as file:
        np.savez(file, **arrays)  # pyright: ignore[reportArgumentType]
