"""A figure that shows itself in a notebook."""

import io

from matplotlib.figure import Figure


class NotebookFigure(Figure):
    """A matplotlib figure that IPython shows as a PNG, without pyplot and whatever the backend."""

    def _repr_png_(self) -> tuple[bytes, dict[str, str]]:
        """Return the picture, with its titles as its alternative text."""
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", metadata={"Software": None})  # the same bytes from one release to the next
        titles = filter(None, (axes.get_title().replace("\n", " ") for axes in self.axes))
        return buffer.getvalue(), {"alt": "Pictures: " + ", ".join(titles)}
