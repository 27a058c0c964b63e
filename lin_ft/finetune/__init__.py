"""Real fine-tuning with Optax: the measurement every prediction is held against."""

from lin_ft.finetune.finetune import FinetuneConfig, FinetuneResult, finetune

__all__ = ["FinetuneConfig", "FinetuneResult", "finetune"]
