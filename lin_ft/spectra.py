"""What a model's kernel sees of a task: eigenvalues, where the labels lie in them, how long each part takes to fit."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.files.atomic import write_atomically
from lin_ft.predict import PrimalSpectrum, Spectrum, decompose, decompose_features
from lin_ft.scores import alignment, label_feature


@dataclasses.dataclass(frozen=True, eq=False)
class KernelSpectrum:
    """Spectrum of the centred kernel of one model on one task, eigenvalues descending; see `spectrum_of`.

    Of a model on a task: `lin_ft.ranking.View(model, task).label_spectrum`.
    """

    model: str
    task: str
    eigenvalues: Float[np.ndarray, " m"]
    """In units of their mean."""
    label_energy: Float[np.ndarray, " m"]
    """Share of ||Y||² along each eigenvector; adds up to 1."""
    alignment: float
    """Cosine of the centred kernel with Y Yᵀ, in [-1, 1]: the normalised Label-Gradient."""
    learning_rate: float
    """Largest stable rate of gradient descent on the mean squared loss, in 1 / (unit of the kernel)."""

    def energy_in_top(self, count: int) -> float:
        """Share of the label energy along the `count` leading eigenvectors."""
        return float(self.label_energy[:count].sum())

    def effective_dimension(self, ridge: float) -> float:
        """sum_k lambda_k / (lambda_k + ridge), `ridge` in units of the mean eigenvalue."""
        return float(np.sum(self.eigenvalues / (self.eigenvalues + ridge)))

    def unfitted(self, times: Float[np.ndarray, " t"]) -> Float[np.ndarray, " t"]:
        """Share of the squared loss left after training times eta t (units of 1 / mean eigenvalue).

        sum_k exp(-2 t lambda_k) energy_k, the training curve 1 - G(t) / G(infinity) of the linearized model.
        """
        return np.exp(-2 * np.outer(times, self.eigenvalues)) @ self.label_energy

    def time_to_fit(self, share: float) -> float:
        """The least time after which at most 1 - `share` of the squared loss is left; infinite if never."""
        if not 0 < share < 1:
            raise InputError(f"share {share}: give a number between 0 and 1, such as 0.9.")
        if self.label_energy[self.eigenvalues <= 0].sum() > 1 - share:
            return float("inf")
        low, high = -12.0, 24.0  # powers of ten
        for _ in range(100):
            middle = (low + high) / 2
            low, high = (middle, high) if self.unfitted(np.array([10.0**middle]))[0] > 1 - share else (low, middle)
        return 10.0**high

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain numbers and lists, with effective dimensions and times to fit, as JSON takes it."""
        return {
            "model": self.model,
            "task": self.task,
            "n": len(self.eigenvalues),
            "alignment": self.alignment,
            "largest_learning_rate": self.learning_rate,
            "effective_dimension": {f"{r:g}": self.effective_dimension(r) for r in (0.01, 0.1, 1.0)},
            "time_to_fit": {f"{s:g}": self.time_to_fit(s) for s in (0.5, 0.9, 0.99)},
            "eigenvalues": self.eigenvalues.tolist(),
            "label_energy": self.label_energy.tolist(),
        }

    def plot(self, path: str | Path | None = None) -> Any:
        """The picture, a matplotlib figure that notebooks show; written as well where a `path` is given."""
        from lin_ft.report.spectrum_plot import spectra_picture

        picture = spectra_picture([self])
        if path is not None:
            picture.save(path)
        return picture

    def _repr_html_(self) -> str:
        from html import escape

        text = f"{self.model} on {self.task}: alignment {self.alignment:.3f}, effective dimension"
        text += f" {self.effective_dimension(0.1):.1f} of {len(self.eigenvalues)}"
        return f"<p>{escape(text)}</p>{self.plot().html()}"

    def save_json(self, path: str | Path) -> None:
        """Write `as_dict` to the file, in one step."""
        text = json.dumps(self.as_dict(), indent=1) + "\n"
        write_atomically(Path(path), lambda temporary: temporary.write_text(text))


def spectrum_of(
    kernel: Float[np.ndarray, "n n"], targets: Float[np.ndarray, "n C"], model: str = "", task: str = ""
) -> KernelSpectrum:
    """Of any symmetric kernel and targets.

    Kernel rows and columns and the targets are centred, so that no eigenvector is the constant one. Images of one class
    have similar gradients where the energy lies in the leading eigenvectors (paper, section 3.2). Cost: O(n³).

    Raises:
        InputError: as `decompose`; targets that are constant.
    """
    centring = np.eye(len(kernel)) - 1 / len(kernel)
    centred: Spectrum = decompose(centring @ kernel @ centring)
    return _told(centred, targets, float(alignment(kernel, targets, form="cka")), model, task)


def spectrum_of_features(
    features: Float[np.ndarray, "n k"], targets: Float[np.ndarray, "n C"], model: str = "", task: str = ""
) -> KernelSpectrum:
    """Of the kernel that the inner products of features are.

    Where n > k the null space, with what of the labels lies in it, is one more eigenvalue, 0. Cost: O(n k min(n, k)).
    """
    rows = np.asarray(features, np.float64)
    return _told(
        decompose_features(rows - rows.mean(0)), targets, float(label_feature(rows, targets, form="cka")), model, task
    )


def _told(
    centred: Spectrum | PrimalSpectrum, targets: Float[np.ndarray, "n C"], aligned: float, model: str, task: str
) -> KernelSpectrum:
    residual = targets - targets.mean(0, keepdims=True)
    total = float(np.sum(residual**2))
    if total == 0:
        raise InputError("targets: all the same; a spectrum of labels needs two classes.")
    energy, eigenvalues = centred.label_energy(residual)[::-1] / total, centred.eigenvalues[::-1]
    if len(eigenvalues) < len(targets):
        energy, eigenvalues = np.append(energy, max(0.0, 1 - float(energy.sum()))), np.append(eigenvalues, 0.0)
    return KernelSpectrum(
        model=model,
        task=task,
        eigenvalues=eigenvalues / centred.scale,
        label_energy=energy,
        alignment=aligned,
        learning_rate=2 * len(targets) / max(float(eigenvalues[0]), np.finfo(float).tiny),
    )
