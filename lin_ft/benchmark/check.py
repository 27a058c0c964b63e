"""Before anything runs: does every model, task, head and score of a configuration exist?"""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

from lin_ft.benchmark.config import BenchConfig, Cell, PlannedModel, cells
from lin_ft.benchmark.suite import known_scores, wanted_scores
from lin_ft.errors import InputError
from lin_ft.heads import heads_for
from lin_ft.zoo import ZooModel, named_zoo, select_models


def resolve(config: BenchConfig) -> tuple[list[ZooModel], tuple[Cell, ...]]:
    """The models and all cells, ready to run.

    Raises one InputError that lists everything missing at once; nothing is fetched, built or run to find out.
    """
    models, all_cells = resolve_planned(dataclasses.replace(config, planned_models=(), planned_tasks=()))
    return [model for model in models if isinstance(model, ZooModel)], all_cells


def resolve_planned(config: BenchConfig) -> tuple[list[ZooModel | PlannedModel], tuple[Cell, ...]]:
    """As `resolve`, but what the configuration plans may be missing; such models come as they are planned."""
    problems: list[str] = []
    models: list[ZooModel | PlannedModel] = []
    zoo: list[ZooModel] = []
    planned = {model.name: model for model in config.planned_models}
    try:
        zoo = named_zoo(config.zoo)
    except InputError as error:
        if not planned:
            problems.append(str(error).rstrip("."))
    for name in (config.models or [model.name for model in zoo]) if zoo or planned else ():
        try:
            models += select_models(zoo, [name]) if zoo or name not in planned else [planned[name]]
        except InputError:
            models += [planned[name]] if name in planned else []
            problems += [] if name in planned else [f"no model {name}"]
    if (zoo or planned) and config.reference not in {model.name for model in models}:
        problems.append(f"the reference {config.reference} is not among the models")
    problems += [f"no task {task}" for task in config.tasks if not _task_exists(task, config)]
    problems += [f"no head {head}" for head in config.heads if head not in heads_for("ranking")]
    known = known_scores()
    chosen = known if config.scores == ("all",) else config.scores
    problems += [f"no score {name}" for name in chosen if name not in known and ":" not in name]
    if problems:
        raise InputError(f"benchmark {config.name!r}: {'; '.join(problems)}.")
    return models, cells(config, models, wanted_scores(config, chosen))


def _task_exists(task: str, config: BenchConfig) -> bool:
    from lin_ft.data import catalogue

    if task in {planned.name for planned in config.planned_tasks}:
        return True
    if Path(task).is_dir() or (task.endswith(".npz") and Path(task).is_file()):
        return True
    stores = Path(os.environ.get("TFDS_DATA_DIR", "~/tensorflow_datasets")).expanduser()
    return task in {row.name for row in catalogue()} or ("/" not in task and (stores / task).is_dir())


def task_sizes(tasks: Sequence[str]) -> dict[str, int | None]:
    """Number of classes of each packaged task; None where it is not known without reading the images."""
    from lin_ft.data import catalogue

    known = {row.name: row.n_classes for row in catalogue()}
    sizes: dict[str, int | None] = {}
    for task in tasks:
        folder = Path(task)
        classes = [path for path in (folder / "train", folder) if path.is_dir()]
        of_folder = sum(path.is_dir() for path in classes[0].iterdir()) if classes else None
        sizes[task] = known.get(task, of_folder)
    return sizes
