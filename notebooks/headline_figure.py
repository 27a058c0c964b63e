# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # The headline figure
#
# What a zoo and a score gain over always fine-tuning the reference model, by the number of models tried, from the
# committed table of fine-tunings. Nothing is trained here; `make figures` draws the same.

# %%
import os
from pathlib import Path

import numpy as np

from experiments.common.figure import Options, evidence  # from the root of a checkout
from lin_ft.benchmark.questions import answers, gains
from lin_ft.report import plot_gain_curves

OUT = Path(os.environ.get("LIN_FT_OUT", "."))

# %% [markdown]
# ## The matrix
# Accuracies: draws x tasks x models. Scores have the same shape; so have the rankings that never look at the target,
# and a real fine-tuning on another draw. A score of one draw is held against the mean accuracy of the other draws.

# %%
options = Options()
core = evidence(options)
results = core.results
print(f"{options.source.name}: {len(results.models)} models, {len(results.tasks)} tasks, {core.n_draws} draws")
for name, values in core.table("spearman").items():
    print(f"{np.nanmean(values):+.2f}  {name}")

# %% [markdown]
# ## The curve
# Left end: only the first model of the ranking is fine-tuned. Right end: all are, and the best is found by any order.

# %%
curves = gains(core)
plot_gain_curves(curves, OUT / "headline.png", f"{len(results.models)} models, {len(results.tasks)} tasks")
for name, curve in curves.items():
    print(f"{curve[0]:+.1f} with one, {curve[min(2, len(curve) - 1)]:+.1f} with three: {name}")

# %% [markdown]
# ## Does it hold?

# %%
for row in answers(core):
    print(f"{row.question}\n  {row.sentence}")
