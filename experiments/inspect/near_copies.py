"""Are near copies found? Training images that were altered a little, held against all others.

Command   python -m experiments.inspect.near_copies
Expected  results/inspect/near_copies.json and .md
Hardware  1 CPU core, one CPU-minute

Of each task every tenth training image is altered in one way and taken for another split. An altered image is found
where `lin_ft.inspect.duplicates` pairs it with its original; other pairs between the two splits are counted beside,
most of them images that are nearly alike anyway (letters of sibling typefaces, say). The share `near` was set on the
development half.
"""

import dataclasses
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tyro

from experiments.common.figure import CONFIG, RESULTS, development
from experiments.inspect.kept import kept_view
from lin_ft.benchmark.config import load_config
from lin_ft.data import load_task
from lin_ft.files.atomic import write_atomically
from lin_ft.files.programs import keep_programs
from lin_ft.inspect import duplicates
from lin_ft.inspect.duplicates import NEAR
from lin_ft.provenance import provenance
from lin_ft.zoo import named_zoo, select_models


def saved_anew(image: np.ndarray) -> np.ndarray:
    """As JPEG of quality 75."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=75)
    return np.asarray(Image.open(buffer).convert("RGB"))


def brighter(image: np.ndarray) -> np.ndarray:
    """By a tenth."""
    return np.clip(1.1 * image.astype(np.float64), 0, 255).astype(np.uint8)


def moved(image: np.ndarray) -> np.ndarray:
    """By one pixel, the edge repeated."""
    return np.concatenate([image[:, :1], image[:, :-1]], axis=1)


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "JPEG, quality 75": saved_anew, "10 % brighter": brighter, "moved by a pixel": moved,
}  # fmt: skip


EVERY = 10
"""Not all are altered: what is near is told by the images that have no copy."""


@dataclasses.dataclass(frozen=True)
class NearCopies:
    """The measurement."""

    tasks: tuple[str, ...] = ()
    """Default: all of the core matrix."""
    model: str = "cifar10-resnet20"
    zoo: str = "embedded"
    shots: int = 10
    out: Path = RESULTS / "inspect"

    def run(self) -> None:
        path = self.out / "near_copies.json"
        stored = json.loads(path.read_text()) if path.exists() else {}
        values, made = stored.get("values", {}), stored.get("made", {})
        (model,) = select_models(named_zoo(self.zoo), [self.model])
        for name in self.tasks or load_config(CONFIG).tasks:
            if name not in values:
                values[name], made = self._task(model, name), provenance()
                text = json.dumps({"made": made, "values": values}, indent=1) + "\n"
                write_atomically(path, lambda temporary, text=text: temporary.write_text(text, encoding="utf-8"))
        text = self.report(values, made)
        write_atomically(path.with_suffix(".md"), lambda temporary: temporary.write_text(text, encoding="utf-8"))
        print(text)

    def _task(self, model, name: str) -> dict[str, dict[str, float]]:
        """For each change: the share of altered images that are found, and other pairs for each image."""
        view = kept_view(model, load_task(name, shots=self.shots, seed=0))
        train, found = view.task.train, {}
        for what, change in CHANGES.items():
            few = train.take(np.arange(0, len(train), EVERY))
            altered = dataclasses.replace(few, images=np.stack([change(image) for image in few.images]))
            across = [pair for pair in duplicates(view, {"altered": altered}).pairs if pair.across_splits]
            own = sum(pair.first.index == EVERY * pair.second.index for pair in across)
            found[what] = {"found": own / len(few), "others": (len(across) - own) / len(few)}
        return found

    def report(self, values: dict[str, dict[str, dict[str, float]]], made: dict) -> str:
        """Markdown: a row for each change, means over the tasks of a half."""
        lines = [
            "# Near copies", "",
            f"`python -m experiments.inspect.near_copies`; {self.model}, {self.shots} images a class, near = {NEAR}."
            " Share of the altered images that are paired with their original, and other pairs for each image; means"
            f" over tasks. Computed at {made.get('commit', '')}; {made.get('device', '')}.", "",
            "| half | tasks | change | found | other pairs an image |", "| --- | --: | --- | --: | --: |",
        ]  # fmt: skip
        half = set(development())
        for title, tasks in (
            ("development", [t for t in values if t in half]),
            ("judged", [t for t in values if t not in half]),
        ):
            for what in CHANGES if tasks else ():
                told = [values[task][what] for task in tasks]
                cells = [f"{np.mean([each[key] for each in told]):.2f}" for key in ("found", "others")]
                lines.append(f"| {title} | {len(tasks)} | {what} | {' | '.join(cells)} |")
        return "\n".join(lines) + "\n"


if __name__ == "__main__":
    keep_programs()
    tyro.cli(NearCopies, config=(tyro.conf.OmitArgPrefixes,)).run()
