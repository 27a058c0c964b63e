"""Figures and tables."""

from lin_ft.report.agreement_plot import plot_agreement
from lin_ft.report.ranking_plot import plot_ranking

__all__ = ["plot_agreement", "plot_ranking"]
