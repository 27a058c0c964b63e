"""BatchNorm's statistics where fine-tuning starts."""

from lin_ft.batch_statistics.target import SOURCE_WEIGHT, STATISTICS, Statistics, TargetStatistics, target_statistics

__all__ = ["SOURCE_WEIGHT", "STATISTICS", "Statistics", "TargetStatistics", "target_statistics"]
