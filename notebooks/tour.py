# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Tour: which model should I fine-tune on this task?
#
# One task, a zoo of pre-trained models, no training until the end. Runs as it is, `python notebooks/tour.py`, or as
# a notebook through jupytext. `LIN_FT_SMALL=1` takes fewer models and steps.

# %%
import os

import lin_ft
from lin_ft.finetune import FinetuneConfig, finetune
from lin_ft.ranking import View

SMALL = bool(os.environ.get("LIN_FT_SMALL"))
TARGET = os.environ.get("LIN_FT_TARGET", "optdigits")
ZOO = os.environ.get("LIN_FT_ZOO", "")

# %% [markdown]
# ## The task
# Ten images of every class to train on. Validation images choose hyper-parameters of real fine-tuning, nothing else;
# test images measure.

# %%
task = lin_ft.load_task(TARGET, shots=4 if SMALL else 10, seed=0)
zoo = lin_ft.load_zoo(ZOO) if ZOO else lin_ft.embedded_zoo()
print(f"{len(zoo)} models: {', '.join(model.name for model in zoo)}")
print(task)
task

# %% [markdown]
# ## One model
# The tangent model f0 + J (w - w0) trains in closed form, so all that its training can do is in the kernel J Jᵀ. With a
# random head it is phi phiᵀ + 1 of the features plus a random probe of the gradients of the backbone. A view of a model
# on a task computes each part when it is asked for.

# %%
view = View(zoo[0], task, lin_ft.RankConfig(probes=2))
print(f"{view.model.name}: features {view.features.shape}, kernel {view.kernel.shape}")

# %% [markdown]
# One eigendecomposition gives the leave-one-out accuracy at every training time and ridge.

# %%
chance = 1 / task.n_classes
print(f"leave-one-out accuracy {view.prediction.accuracy:.1%}, chance {chance:.0%}")
view.label_spectrum

# %% [markdown]
# ## The whole zoo
# The same for every model, ranked by what fine-tuning is predicted to gain over the reference, in accuracy points.

# %%
reference = zoo[0].name
ranking = lin_ft.rank(zoo, task, lin_ft.RankConfig(reference=reference))
print(ranking)

# %% [markdown]
# ## The check
# Fine-tune the first and the last for real.

# %%
config = FinetuneConfig(steps=4 if SMALL else 100, batch_size=8 if SMALL else 32, learning_rates=(0.01, 0.03))
measured = {}
for row in (ranking.models[0], ranking.models[-1]):
    (chosen,) = (model for model in zoo if model.name == row.name)
    measured[row.name] = finetune(chosen, task, config).test_accuracy
    low, high = row.predicted_accuracy_interval
    told = f"{row.predicted_accuracy:.1%} [{low:.0%}, {high:.0%}]"
    print(f"{row.name}: predicted {told}, fine-tuned {measured[row.name]:.1%}")
