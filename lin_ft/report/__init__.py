"""Figures and tables."""

from lin_ft.report.agreement_plot import plot_agreement
from lin_ft.report.gain_curve_plot import plot_gain_curves
from lin_ft.report.ranking_plot import plot_ranking, ranking_picture
from lin_ft.report.spectrum_plot import plot_spectra, spectra_picture

__all__ = [
    "plot_agreement",
    "plot_gain_curves",
    "plot_ranking",
    "plot_spectra",
    "ranking_picture",
    "spectra_picture",
]
