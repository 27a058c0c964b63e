"""Real fine-tuning with Optax, of the network and of its linearization: what every prediction is held against."""

from lin_ft.finetune.config import FinetuneConfig
from lin_ft.finetune.finetune import finetune, finetune_several
from lin_ft.finetune.optimizers import OPTIMIZERS
from lin_ft.finetune.result import FinetuneResult, GridPoint
from lin_ft.finetune.schedules import SCHEDULES

__all__ = ["OPTIMIZERS", "SCHEDULES", "FinetuneConfig", "FinetuneResult", "GridPoint", "finetune", "finetune_several"]
