"""themeline: how much of each dated document is about each theme, how that changed, and the sentences behind
every number.

    import themeline as tl

    run = tl.run("readouts/", out="results")        # files in, a folder out, and its tables here
    run.trends                                      # shares by period; in a notebook, a coloured table
    run.scores.to_pandas()

    themes = tl.fit("archive/", codebook="my-themes.toml")
    scored = themes.score(frame, text="body", id="key")     # pandas, polars, pyarrow: Arrow in, Arrow out
    scored.units.to_polars()

    tl.read("results").comparisons                  # any folder that a run wrote

Options have the names of the command line, with underscores: ``--max-emergent`` is ``max_emergent``.
"""

from ._errors import ThemelineError, ThemelineWarning, TooManyRejects, UsageError
from ._run import Run, read, run
from ._table import Table, Trends
from ._themes import Scored, Themes, fit, load_themes
from ._themeline import __version__

__all__ = [
    "Run",
    "Scored",
    "Table",
    "ThemelineError",
    "ThemelineWarning",
    "Themes",
    "TooManyRejects",
    "Trends",
    "UsageError",
    "__version__",
    "fit",
    "load_themes",
    "read",
    "run",
]
