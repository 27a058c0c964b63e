"""The picture of a kernel's spectrum: eigenvalues, labels in the leading directions, predicted training curve."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lin_ft.report.plain import plain

if TYPE_CHECKING:
    from lin_ft.report.picture import Picture
    from lin_ft.spectra import KernelSpectrum

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)))


def plot_spectra(spectra: Sequence["KernelSpectrum"], path: str | Path) -> None:
    """Write the picture of `spectra_picture`: a PNG, or what the suffix says.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.report import plot_spectra
        >>> from lin_ft.spectra import spectrum_of
        >>> features, labels = np.random.default_rng(0).normal(size=(12, 4)), np.arange(12) % 3
        >>> spectrum = spectrum_of(features @ features.T, np.eye(3)[labels], model="mine", task="noise")
        >>> plot_spectra([spectrum], "spectrum.png")
    """
    spectra_picture(spectra).save(path)


def spectra_picture(spectra: Sequence["KernelSpectrum"]) -> "Picture":
    """One line a model in three panels; a matplotlib figure that notebooks show.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.report import spectra_picture
        >>> from lin_ft.spectra import spectrum_of
        >>> features, labels = np.random.default_rng(0).normal(size=(12, 4)), np.arange(12) % 3
        >>> spectrum = spectrum_of(features @ features.T, np.eye(3)[labels], model="mine", task="noise")
        >>> len(spectra_picture([spectrum]).axes)
        3
    """
    from lin_ft.report.picture import Picture

    figure = Picture(figsize=(11, 3.6), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    times = np.logspace(-2, 4, 200)
    for index, spectrum in enumerate(spectra):
        look = {"color": COLOURS[index % len(COLOURS)], "ls": DASHES[index % len(DASHES)], "lw": 1.8}
        places = np.arange(1, len(spectrum.eigenvalues) + 1)
        positive = spectrum.eigenvalues > 0
        left.loglog(places[positive], spectrum.eigenvalues[positive], **look)
        middle.semilogx(places, np.cumsum(spectrum.label_energy), label=spectrum.model, **look)
        right.semilogx(times, spectrum.unfitted(times), **look)
    longest = max(len(spectrum.eigenvalues) for spectrum in spectra)
    chance = np.arange(1, longest + 1)
    middle.semilogx(chance, chance / longest, color="#777777", lw=1, label="random labels")
    left.set(xlabel="eigenvector", ylabel="eigenvalue / mean", title="Spectrum of the centred kernel")
    middle.set(xlabel="leading eigenvectors", ylabel="share of label energy", ylim=(0, 1.02), title="Labels in it")
    right.set(xlabel="time × mean eigenvalue", ylabel="squared loss left", ylim=(0, 1.02), title="Predicted training")
    right.legend(*middle.get_legend_handles_labels(), loc="upper right", frameon=False, fontsize=8)
    for axes in (left, middle, right):
        axes.spines[["top", "right"]].set_visible(False)
    plain(figure.suptitle(spectra[0].task, fontsize=10), right)
    return figure
