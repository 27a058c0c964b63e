"""The main job: rank the models of a zoo for a task, from the training images alone."""

from lin_ft.ranking.config import HEADS, RankConfig
from lin_ft.ranking.rank import describe, rank
from lin_ft.ranking.result import SCORES, Details, RankedModel, Ranking, ranking_from_dict
from lin_ft.ranking.view import Seen, look

__all__ = [
    "HEADS", "SCORES", "Details", "RankConfig", "RankedModel", "Ranking", "Seen", "describe", "look", "rank",
    "ranking_from_dict",
]  # fmt: skip
