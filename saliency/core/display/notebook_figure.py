"""Matplotlib figures that render themselves in notebooks."""

import io

from matplotlib.figure import Figure


class NotebookFigure(Figure):
    """A matplotlib figure that IPython shows as a PNG, without pyplot and with any backend."""

    def _repr_png_(self) -> tuple[bytes, dict[str, str]]:
        """Return the PNG, with the titles as its alternative text."""
        buffer = io.BytesIO()
        self.savefig(
            buffer, format="png", metadata={"Software": None}
        )  # no version number, so that the bytes do not depend on the matplotlib release
        titles = filter(None, (axes.get_title().replace("\n", " ") for axes in self.axes))
        return buffer.getvalue(), {"alt": "Pictures: " + ", ".join(titles)}
