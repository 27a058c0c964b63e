"""A figure that notebooks show by themselves, and that is written whole or not at all."""

from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from lin_ft.files.atomic import write_atomically


class Picture(Figure):
    """A matplotlib figure without a window; `save` writes it, a notebook shows it."""

    def __init__(self, *arguments: Any, **options: Any):
        super().__init__(*arguments, **options)
        FigureCanvasAgg(self)

    def save(self, path: str | Path) -> None:
        """PNG, or what the suffix says."""
        path = Path(path)
        suffix = path.suffix.lstrip(".") or "png"
        write_atomically(path, lambda temporary: self.savefig(temporary, dpi=150, format=suffix))

    def _repr_png_(self) -> bytes:
        import io

        buffer = io.BytesIO()
        self.savefig(buffer, dpi=110, format="png")
        return buffer.getvalue()

    def html(self) -> str:
        """An <img> with the picture inside."""
        import base64

        return f'<img alt="" src="data:image/png;base64,{base64.b64encode(self._repr_png_()).decode()}">'
