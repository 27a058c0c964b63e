"""Empirical NTK engines side by side: CPU time and peak memory of every method, and the table of all cases.

Command   python -m experiments.figures.kernels
Expected  results/figures/kernels.{md,png,pdf}, from results/benchmark_kernels.json (python benchmark_kernels.py)
Hardware  1 CPU core, seconds; nothing is computed
"""

import dataclasses
import json
from typing import Any

from experiments.common.figure import RESULTS, NoData, Options, main, save_figure, save_table

SHOWN = (
    "resnet20 trace C=10 n=256",
    "resnet20 full C=10 n=256",
    "resnet20 pseudo C=10 n=256",
    "mlp trace C=10 n=128",
    "vit trace C=10 n=64",
    "resnet20 trace C=100 n=16",
)
OURS = ("structured", "structured lean", "auto", "jacobian", "vector_products")


def draw(options: Options) -> None:
    path = RESULTS / "benchmark_kernels.json"
    if not path.exists():
        raise NoData("the kernels have not been measured (python -m experiments.benchmarks.kernels)")
    rows = json.loads(path.read_text())["rows"]
    options = dataclasses.replace(options, table=path)
    save_table(table(rows), options, "kernels")
    cases = [case for case in SHOWN if any(row["case"] == case and "failed" not in row for row in rows)]
    save_figure(picture(rows, cases), options, "kernels")


def table(rows: list[dict[str, Any]]) -> list[str]:
    lines = ["| case | method | CPU seconds | times structured | peak MiB | share of the floor |"]
    lines += ["| --- | --- | ---: | ---: | ---: | ---: |"]
    for row in rows:
        if "failed" in row:
            failed = "out of memory" if "emory" in row["failed"] else row["failed"][:60]
            lines.append(f"| {row['case']} | {row['method']} | {failed} | | | |")
            continue
        ours = next((r for r in rows if r["case"] == row["case"] and r["method"] == "structured"), None)
        times = f"{row['cpu_seconds'] / ours['cpu_seconds']:.2f}" if ours and "cpu_seconds" in ours else ""
        share = f"{row['floor_cpu_seconds'] / row['cpu_seconds']:.0%}" if "floor_cpu_seconds" in row else ""
        seconds = f"{row['cpu_seconds']:.2f}" + (" (with compilation)" if row["compiled"] else "")
        peak = f"{row['peak_bytes'] / 2**20:.0f}"
        lines.append(f"| {row['case']} | {row['method']} | {seconds} | {times} | {peak} | {share} |")
    return lines


def picture(rows: list[dict[str, Any]], cases: list[str]) -> Any:
    """One panel a case: a line a method, fastest on top, its time across and its peak memory beside the point."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter

    across = 2
    down = -(-len(cases) // across)
    figure = Figure(figsize=(11, 2.9 * down), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(down, across, squeeze=False)
    for axes, case in zip(panels.flat, cases, strict=False):
        points = [row for row in rows if row["case"] == case and "failed" not in row]
        points.sort(key=lambda row: row["cpu_seconds"], reverse=True)
        for place, row in enumerate(points):
            fill, edge, marker = ("#0072B2", "#0072B2", "o") if row["method"] in OURS else ("white", "#D55E00", "s")
            x = row["cpu_seconds"]
            axes.scatter([x], [place], s=50, facecolors=fill, edgecolors=edge, marker=marker, linewidths=1.5, zorder=3)
            text = f"{x:.3g} s, {max(row['peak_bytes'] / 2**20, 1):,.0f} MiB"
            axes.annotate(text, (x, place), xytext=(8, 0), textcoords="offset points", va="center", fontsize=8)
        times = [row["cpu_seconds"] for row in points]
        axes.set(xscale="log", title=case, xlabel="CPU seconds", xlim=(min(times) / 1.5, max(times) * 8))
        axes.set_yticks(range(len(points)), [row["method"] for row in points])
        axes.set_ylim(-0.6, len(points) - 0.4)
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.grid(axis="x", alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in panels.flat[len(cases) :]:
        axes.set_visible(False)
    return figure


if __name__ == "__main__":
    main(draw)
