"""Every table and figure from the committed results; nothing is trained.

Command   make figures, or python -m experiments.figures
Expected  results/figures/*, results/ablation_*.{md,png,pdf}, results/paper_*, docs/results/* (a page a question), the
          pictures in docs/ and the table of the README again
Hardware  1 CPU core, a few minutes
"""

import dataclasses
import importlib
import json
import os
from pathlib import Path
from typing import Any

import tyro

from experiments import results_pages
from experiments.common import ablation, figure
from experiments.common.figure import NoData
from lin_ft.files.atomic import write_atomically
from lin_ft.zoo import named_zoo

os.environ.setdefault("SOURCE_DATE_EPOCH", "0")  # the same numbers make the same PDF, byte for byte
HERE = Path(__file__).parent
ROOT = HERE.parent


@dataclasses.dataclass(frozen=True)
class Figures:
    """All of them, or those named."""

    table: Path | None = None
    results: Path = HERE / "results"
    """Read and written."""
    docs: Path = ROOT / "docs"
    readme: Path = ROOT / "README.md"
    only: tuple[str, ...] = ()
    """Names such as figures.accuracy, ablations.head, paper.table, results_pages, docs."""
    reference: str = ""
    """Of `table`; default: the core configuration's."""
    shots: int = 10

    def run(self) -> None:
        steps: dict[str, Any] = {name: self._figure for name in modules("figures")}
        steps |= {name: self._ablation for name in modules("ablations")}
        steps |= {name: self._paper for name in modules("paper")}
        steps |= {"results_pages": self._pages, "docs": self._docs}
        unknown = [name for name in self.only if name not in steps]
        if unknown:
            raise SystemExit(f"figures: no {', '.join(unknown)}; there are {', '.join(steps)}.")
        for name in self.only or steps:
            try:
                steps[name](name)
            except NoData as error:
                print(f"{name}: left out, {error}.")

    def _figure(self, name: str) -> None:
        options = figure.Options(self.table, self.results / "figures", reference=self.reference, shots=self.shots)
        importlib.import_module(f"experiments.{name}").draw(options)
        stem = name.removeprefix("figures.")
        table = options.out / f"{stem}.md"
        if table.exists() and self.table is None:  # of the committed results
            self._to_readme(stem, table)

    def _ablation(self, name: str) -> None:
        stem = name.removeprefix("ablations.")
        path = self.results / f"ablation_{stem}.json"
        if not path.exists():
            raise NoData(f"it has not been run (python -m experiments.{name})")
        title = json.loads(path.read_text())["title"]
        truth = self.table or self.results / "core" / "table.parquet"
        options = ablation.Options(truth=truth, out=self.results, shots=self.shots, only_report=True)
        ablation.run(stem, title, _never, options)

    def _paper(self, name: str) -> None:
        module = importlib.import_module(f"experiments.{name}")
        names = {"paper.records": "Records", "paper.selectors": "Selectors", "paper.table": "PaperTable"}
        getattr(module, names[name])(out=self.results).run()

    def _pages(self, name: str) -> None:
        results_pages.Pages(self.results, self.docs / "results").run()

    def _to_readme(self, name: str, path: Path) -> None:
        """A table between its marks, where the README has them."""
        text = self.readme.read_text(encoding="utf-8")
        changed = between(text, name, path.read_text(encoding="utf-8").strip())
        if changed != text:
            write_atomically(self.readme, lambda temporary: temporary.write_text(changed, encoding="utf-8"))

    def _docs(self, name: str) -> None:
        """Pictures of rankings from the JSON beside them, which `lin-ft rank --json` wrote."""
        from lin_ft.ranking import outdated, ranking_from_dict
        from lin_ft.report import plot_agreement, plot_ranking

        for path in sorted(self.docs.glob("ranking-*.json")):
            ranking = ranking_from_dict(json.loads(path.read_text()))
            plot_ranking(ranking, path.with_suffix(".png"))
            if any(row.scores for row in ranking.models):
                names, tau = ranking.agreement()
                title = f"Rank agreement of the scores on {ranking.task}, {len(ranking.models)} models"
                plot_agreement(names, tau, path.with_name(f"agreement-{ranking.task}.png"), title=title)
            print(f"{path.with_suffix('.png')} from {path}")
            if reasons := outdated(ranking, named_zoo("embedded,multi_domain")):
                print(f"  {path.name} is outdated ({'; '.join(reasons)}): make it anew by `lin-ft rank --json`.")


def modules(folder: str) -> list[str]:
    """FOLDER.NAME of every module of a folder beside this file."""
    return [f"{folder}.{path.stem}" for path in sorted((HERE / folder).glob("*.py")) if path.stem[0] != "_"]


def between(text: str, name: str, content: str) -> str:
    """The text with what stands between its marks <!-- NAME --> and <!-- /NAME --> replaced, where it has them."""
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if start not in text or end not in text:
        return text
    before, rest = text.split(start, 1)
    return f"{before}{start}\n{content}\n{end}{rest.split(end, 1)[1]}"


def _never(pair: Any) -> dict[str, float]:
    raise AssertionError("figures compute nothing")


def main() -> None:
    tyro.cli(Figures, config=(tyro.conf.OmitArgPrefixes,)).run()
