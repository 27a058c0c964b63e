"""docs/results: one page a question, answered from every matrix that is there; what is missing is named.

Command   python -m experiments.results_pages
Expected  docs/results/*.md and *.png; index.md holds each question with its answer from the core matrix
Hardware  1 CPU core, about two minutes; nothing is trained
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tyro

from experiments.common.figure import CONFIGS, RESULTS
from lin_ft.benchmark import Evidence
from lin_ft.benchmark.collect import of_rates, read_parquet
from lin_ft.benchmark.config import load_config
from lin_ft.benchmark.evidence import of_shots
from lin_ft.benchmark.pages import capital, digest, write_pages, write_text
from lin_ft.benchmark.questions import Answer, answers, does_the_order_hold, linearized_against_real, what_changed
from lin_ft.benchmark.questions.fewer_images import do_fewer_images_need_a_zoo
from lin_ft.benchmark.report import left_out, measured, of_all_shots, on_other_tasks, size, with_other_shots

PLANNED = ("core", "packaged64")
"""Matrices whose configurations say what is to be computed."""
EARLIER = (0, 1)
"""Draws of the earlier matrix, whose scores were held against their own draw."""
ZOOS = "Does the order of the scores hold with another zoo?"
OTHERS = ("rulers", "paper_table", "paper_selectors", "zoo_selectors")
"""Markdown that other scripts wrote, taken over as a page each."""


@dataclasses.dataclass(frozen=True)
class Pages:
    """The pages of results."""

    results: Path = RESULTS
    """Folder of the matrices: NAME/table.parquet with configs/bench_NAME.py."""
    out: Path = Path(__file__).parents[1] / "docs" / "results"

    def run(self) -> None:
        matrices = self.matrices()
        sections = {row.title: answers(row) for rows in matrices.values() for row in rows}
        for rows in matrices.values():
            for row in rows[:1]:
                sections[row.title] += on_other_tasks(row)
        sections |= self.across(matrices)
        core = matrices.get("core", [])
        lines = ["# Results", "", "Each question has a page; its first answer is below. Written by `make figures`.", ""]
        lines += [*digest(sections)]
        pages = [*dict.fromkeys(answer.slug for found in sections.values() for answer in found)]
        for name in self.others():
            pages.append(name)
            title, said, *_ = (self.out / f"{name}.md").read_text(encoding="utf-8").split("\n\n")
            lines += [f"**[{title.lstrip('# ')}]({name}.md)** {' '.join(said.split())}", ""]
        lines += ["## What is there, and what is missing", "", *there(matrices), ""]
        for row in core[:1]:
            lines += [f"## Measured: {capital(row.title)}, {size(row)}", "", *measured(row)]
        written = write_pages(sections, self.out)
        write_text(self.out / "index.md", [*lines, "", "```{toctree}", ":hidden:", "", *pages, "```"])
        print(f"{self.out}: index.md and {len(written)} files from {', '.join(matrices) or 'nothing'}.")

    def others(self) -> list[str]:
        """Names of the pages taken over from experiments/results."""
        there = [name for name in OTHERS if (self.results / f"{name}.md").exists()]
        for name in there:
            write_text(self.out / f"{name}.md", [(self.results / f"{name}.md").read_text(encoding="utf-8")])
        return there

    def matrices(self) -> dict[str, list[Evidence]]:
        """Name -> one for each number of shots, of every table that has a configuration."""
        found = {}
        for path in sorted(self.results.glob("*/table.parquet"), key=lambda path: (path.parent.name != "core", path)):
            config = CONFIGS / f"bench_{path.parent.name}.py"
            if config.exists() and path.parent.name != "linearized":
                found[path.parent.name] = of_all_shots(read_parquet(path), load_config(config))
        return found

    def across(self, matrices: dict[str, list[Evidence]]) -> dict[str, list[Answer]]:
        """Questions that look at more than one matrix, each under a title of its own."""
        core = matrices.get("core", [])
        sections = with_other_shots(core) if core else {}
        for name, rows in matrices.items():
            for row in rows[:1] if name != "core" and core else []:
                found = does_the_order_hold(core[0], row, slug="order_zoos", question=ZOOS)
                sections[f"{core[0].title} and {row.title}"] = [found] if found else []
        if core:
            sections |= {"core by number of images": [a for a in [do_fewer_images_need_a_zoo(core)] if a]}
            sections |= {"real and linearized": self.linearized(core[0]), "then and now": changed(core[0])}
        return {title: found for title, found in sections.items() if found}

    def linearized(self, row: Evidence) -> list[Answer]:
        path = self.results / "linearized" / "table.parquet"
        if not path.exists():
            return []
        rates = of_rates(read_parquet(path), row.shots, row.results.reference)
        found = linearized_against_real(row.rates, rates)
        return [found] if found else []


def changed(row: Evidence) -> list[Answer]:
    """Each question as the earlier matrix answers it, and as it is answered now."""
    if row.n_draws <= len(EARLIER):
        return []
    earlier = row.of_draws(EARLIER, against="one draw")
    now = f"{row.n_draws} draws, each score against the mean of the others"
    before, after = answers(earlier), [*answers(row), *on_other_tasks(row)]
    found = what_changed(
        [*before, *on_other_tasks(earlier)], after, earlier="2 draws, each score against its own", now=now
    )
    return [found] if found else []


def there(matrices: dict[str, list[Evidence]]) -> list[str]:
    """Markdown: every matrix by shots and draws, and what of the plan is not there."""
    lines = ["| matrix | images a class | models | tasks | draws | fine-tunings | draws with scores | still to come |"]
    lines += ["| --- |" + " ---: |" * 7]
    for rows in matrices.values():
        for row in rows:
            n_models, n_tasks = len(row.results.models), len(row.results.tasks)
            done = int(np.isfinite(row.results.accuracy).sum())
            cells = (row.title.split(",")[0], row.shots or "all", n_models, n_tasks, row.n_draws, done)
            cells += (len(row.judge.draws), sum(row.missing.values()))
            lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    for rows in matrices.values():
        for row in rows:
            lines += [line.replace("**Left", f"**{row.title}: left") for line in left_out(row)]
    missing = [*lacking(matrices)]
    return lines + (["", f"Planned and not there yet: {'; '.join(missing)}."] if missing else [])


def lacking(matrices: dict[str, list[Evidence]]) -> Sequence[str]:
    missing = []
    for name in PLANNED:
        for part in load_config(CONFIGS / f"bench_{name}.py").parts:
            for shots in part.shots:
                rows = [row for row in matrices.get(name, []) if row.shots == shots]
                lack = len(part.seeds) - (rows[0].n_draws if rows else 0)
                if lack > 0:
                    missing.append(f"{name} at {of_shots(shots)}, {lack} of {len(part.seeds)} draws")
    return missing


if __name__ == "__main__":
    tyro.cli(Pages, config=(tyro.conf.OmitArgPrefixes,)).run()
