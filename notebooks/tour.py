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

import numpy as np

import lin_ft
from lin_ft.finetune import FinetuneConfig, finetune
from lin_ft.functions import features_of
from lin_ft.heads import init_head
from lin_ft.kernels import probe_gram
from lin_ft.predict import decompose, select
from lin_ft.scores import encode

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
print(task)
print(f"{len(zoo)} models: {', '.join(model.name for model in zoo)}")

# %% [markdown]
# ## One model, by hand
# The tangent model f0 + J (w - w0) trains in closed form, so all that its training can do is in the kernel J Jᵀ. With a
# random head it is phi phiᵀ + 1 of the features plus a random probe of the gradients of the backbone.

# %%
model = zoo[0]
apply, params = model.function
x, labels = model.normalise(task.train.images), np.asarray(task.train.labels)
targets = encode(labels, task.n_classes) - 1 / task.n_classes
features = features_of(apply, params, x)
head = init_head("zero", features, targets.astype(x.dtype))
kernel = probe_gram(apply, {**params, "head": head}, x, probes=2)
print(f"{model.name}: kernel {kernel.shape}, mean of the diagonal {np.diag(kernel).mean():.3g}")

# %% [markdown]
# One eigendecomposition gives the leave-one-out accuracy at every training time and ridge.

# %%
spectrum = decompose(kernel)
times, ridges = [1 / spectrum.scale, 100 / spectrum.scale, np.inf], [0.01 * spectrum.scale, spectrum.scale]
prediction = select(spectrum, targets, labels, times, ridges)
print(f"leave-one-out accuracy {prediction.accuracy:.1%}, chance {1 / task.n_classes:.0%}")

# %% [markdown]
# ## The whole zoo
# The same for every model, ranked.

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
    print(f"{row.name}: predicted {row.predicted_accuracy:.1%}, fine-tuned {measured[row.name]:.1%}")
