# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Which images are mislabelled, which help, which to label next
#
# The tangent kernel that ranks models answers more questions about the images. Here some labels are made wrong on
# purpose, so that one can see whether they are found. `LIN_FT_SMALL=1` takes fewer images.

# %%
import dataclasses
import os
from pathlib import Path

import numpy as np

import lin_ft
from lin_ft import inspect
from lin_ft.data import captioned_sheet

SMALL = bool(os.environ.get("LIN_FT_SMALL"))
TARGET = os.environ.get("LIN_FT_TARGET", "optdigits")
ZOO = os.environ.get("LIN_FT_ZOO", "")
OUT = Path(os.environ.get("LIN_FT_OUT", "."))

# %% [markdown]
# ## A task with wrong labels
# Every tenth label becomes the next class's.

# %%
task = lin_ft.load_task(TARGET, shots=4 if SMALL else 10, seed=0)
labels = task.train.labels.copy()
wrong = np.random.default_rng(0).permutation(task.n)[: task.n // 10 or 1]
labels[wrong] = (labels[wrong] + 1) % task.n_classes
task = dataclasses.replace(task, train=dataclasses.replace(task.train, labels=labels))
zoo = lin_ft.load_zoo(ZOO) if ZOO else lin_ft.embedded_zoo()[: 2 if SMALL else 8]

# %% [markdown]
# ## Suspicious labels
# The likely best models are asked, weighted by the probability of being the best. Each image is predicted from all
# others, in closed form.

# %%
asked = inspect.likely_best(zoo, task)
print("asked:", ", ".join(f"{view.model.name} {p:.0%}" for view, p in zip(asked.views, asked.p_best, strict=True)))
errors = inspect.label_errors(asked.views, asked.p_best, level=1.0)
first = errors.order[: len(wrong)]
print(f"{np.isin(first, wrong).sum()} of the {len(wrong)} wrong labels are the first {len(wrong)} of the list")
names = task.class_names
captions = [f"{names[labels[place]]} → {names[errors.looks_like[place]]}" for place in errors.order[:16]]
pictures = list(zip(captions, task.train.images[errors.order[:16]], strict=True))
captioned_sheet([("label → looks like", pictures)], OUT / "suspicious.png")

# %% [markdown]
# ## Influence
# What happens to the predicted loss on the validation images where an image is left out: exact, for all images from one
# decomposition. Images with a wrong label hurt.

# %%
view = asked.views[0]
influence = inspect.influence(view)
hurting = influence.order[: len(wrong)]
print(f"{np.isin(hurting, wrong).sum()} of the {len(wrong)} images that hurt most have a wrong label")
without = inspect.loss_without(view, hurting)
print(f"predicted loss {influence.loss:.3f}, without these images {without:.3f}")

# %% [markdown]
# ## What to label next
# Of images without labels (here the test images), those that tell the model most about all the others.

# %%
pool = task.test.images[:100]
chosen = inspect.next_labels(view, pool, min(8, len(pool)))
told = [(names[label], pool[place]) for place, label in zip(chosen.places, chosen.looks_like, strict=True)]
captioned_sheet([("label these next; the model's guess", told)], OUT / "label_next.png")
print(f"these {len(told)} take {chosen.value.sum():.0%} off the posterior variance of the {len(pool)}")
