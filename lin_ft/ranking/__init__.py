"""The main job: rank the models of a zoo for a task, from the training images alone."""

from lin_ft.ranking.agreement import kendall_matrix
from lin_ft.ranking.config import RankConfig
from lin_ft.ranking.describe import describe
from lin_ft.ranking.inputs import score_inputs
from lin_ft.ranking.kept import made_of, outdated
from lin_ft.ranking.plan import PlannedRow, RankPlan, plan
from lin_ft.ranking.rank import rank
from lin_ft.ranking.result import GAIN, SCORES, Details, Failed, RankedModel, Ranking, ranking_from_dict
from lin_ft.ranking.view import View, part, predict_left_out

__all__ = [
    "GAIN", "SCORES", "Details", "Failed", "PlannedRow", "RankConfig", "RankPlan", "RankedModel", "Ranking", "View",
    "describe", "kendall_matrix", "made_of", "outdated", "part", "plan", "predict_left_out", "rank",
    "ranking_from_dict", "score_inputs",
]  # fmt: skip
