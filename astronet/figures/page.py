"""A figure that notebooks show whether or not pyplot has been imported."""

import io

from matplotlib.figure import Figure

from astronet.figures.style import DPI


class Page(Figure):
    """A matplotlib Figure without a display, which a notebook shows as a picture."""

    def _repr_png_(self) -> bytes:
        image = io.BytesIO()
        self.savefig(image, dpi=DPI, format="png")
        return image.getvalue()
