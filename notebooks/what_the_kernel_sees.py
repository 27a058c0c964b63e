# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # What the kernel sees
#
# Two models look at the same few images. Where gradients of one class agree, the kernel has blocks, and the labels lie
# along its leading eigenvectors: then training is fast and generalises (paper, section 3 and figure 8).
# `LIN_FT_SMALL=1` takes fewer images.

# %%
import os
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import lin_ft
from lin_ft.predict import decompose
from lin_ft.ranking import View
from lin_ft.scores import alignment

SMALL = bool(os.environ.get("LIN_FT_SMALL"))
TARGET = os.environ.get("LIN_FT_TARGET", "optdigits")
ZOO = os.environ.get("LIN_FT_ZOO", "")
OUT = Path(os.environ.get("LIN_FT_OUT", "."))

# %%
task = lin_ft.load_task(TARGET, shots=4 if SMALL else 10, seed=0)
zoo = lin_ft.load_zoo(ZOO) if ZOO else lin_ft.embedded_zoo()
ranking = lin_ft.rank(zoo, task, lin_ft.RankConfig(head="zero", reference=zoo[0].name))
names = [ranking.models[0].name, ranking.models[-1].name]
models = [next(model for model in zoo if model.name == name) for name in names]
views = [View(model, task, lin_ft.RankConfig(probes=4)) for model in models]
targets, order = views[0].targets, np.argsort(views[0].labels, kind="stable")
print(f"the best and the worst of {len(zoo)} models on {task.name}: {names[0]}, {names[1]}")

# %% [markdown]
# ## Kernels, images sorted by class
# Of the features alone and of the whole network, rows and columns centred; beside them the kernel of the labels.


# %%
def centred(kernel):
    return kernel - kernel.mean(0, keepdims=True) - kernel.mean(1, keepdims=True) + kernel.mean()


kernels = {}
for view in views:
    kernels[view.model.name, "features"] = view.under(head="zero").kernel
    kernels[view.model.name, "whole network"] = view.kernel.astype(np.float64)
kernels["labels", ""] = targets @ targets.T

figure = Figure(figsize=(3.0 * len(kernels), 3.3), layout="constrained")
FigureCanvasAgg(figure)
for axes, ((name, kind), kernel) in zip(figure.subplots(1, len(kernels)), kernels.items(), strict=True):
    picture = centred(kernel)[np.ix_(order, order)]
    limit = np.quantile(np.abs(picture), 0.98)
    axes.imshow(picture, cmap="RdBu", vmin=-limit, vmax=limit)
    score = alignment(kernel, targets, form="cka")
    axes.set_title(f"{name}\n{kind} ({score:.2f})", fontsize=8)
    axes.set_xticks([])
    axes.set_yticks([])
figure.savefig(OUT / "kernels.png", dpi=120)

# %% [markdown]
# ## Where the labels lie
# The share of the labels' energy along the leading eigenvectors: the sooner it rises, the faster they are learned.

# %%
figure = Figure(figsize=(6, 3.8), layout="constrained")
FigureCanvasAgg(figure)
axes = figure.add_subplot()
for ((name, kind), kernel), style in zip(list(kernels.items())[:-1], ("-", "--", "-.", ":"), strict=True):
    spectrum = decompose(kernel)
    energy = spectrum.label_energy(targets)[::-1]  # eigenvalues ascend
    share = np.cumsum(energy) / energy.sum()
    axes.plot(np.arange(1, len(share) + 1), share, style, label=f"{name}, {kind}")
    print(f"{name}, {kind}: {share[task.n_classes - 2]:.0%} of the energy in the first {task.n_classes - 1}")
axes.set(xlabel="leading eigenvectors", ylabel="share of the labels' energy", xscale="log", ylim=(0, 1.02))
axes.legend(fontsize=7)
figure.savefig(OUT / "label_energy.png", dpi=120)
