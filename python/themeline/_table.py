"""Tables: Arrow columns that pandas, polars, pyarrow and DuckDB take over as they lie."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any

from . import _themeline

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

_SHOWN = 10


class Table:
    """A table of Arrow columns.

    It has the PyCapsule interface (``__arrow_c_stream__``): ``polars.DataFrame(table)``, ``pyarrow.table(table)``
    and ``duckdb.sql("FROM table")`` take it as it is, without a copy. ``docs/output.md`` describes the columns.
    """

    def __init__(self, native: _themeline.Table) -> None:
        self._native = native

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._native.__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> object:
        return self._native.__arrow_c_schema__()

    def __len__(self) -> int:
        return len(self._native)

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in their order."""
        return self._native.columns

    def to_arrow(self) -> pyarrow.Table:
        """As a table of pyarrow, which must be installed."""
        import pyarrow

        return pyarrow.table(self)

    def to_pandas(self) -> pandas.DataFrame:
        """As a data frame of pandas; pandas and pyarrow must be installed."""
        return self.to_arrow().to_pandas()

    def to_polars(self) -> polars.DataFrame:
        """As a data frame of polars, which must be installed."""
        import polars

        return polars.DataFrame(self)

    def to_pylist(self) -> list[dict[str, Any]]:
        """As a list of dicts; nothing else need be installed."""
        rows: list[dict[str, Any]] = json.loads(self._native.json_rows())
        return rows

    def __repr__(self) -> str:
        return f"<themeline.{type(self).__name__}: {len(self):,} rows; {', '.join(self.columns)}>"

    def _repr_html_(self) -> str:
        rows = json.loads(self._native.json_rows(_SHOWN))
        left = len(self) - len(rows)
        more = f"<p>and {left:,} more rows</p>" if left > 0 else ""
        return html_table(self.columns, [[cell(value) for value in row.values()] for row in rows]) + more


class Trends(Table):
    """Shares of the themes by period, with intervals and what changed since the period before.

    In a notebook: themes by periods, the darker the larger the share.
    """

    def _repr_html_(self) -> str:
        rows = [row for row in self.to_pylist() if row["group"] is None]
        themes = list(dict.fromkeys(row["theme"] for row in rows))
        periods = sorted({row["period"] for row in rows})
        shares = {(row["theme"], row["period"]): row for row in rows}
        most = max((row["share"] or 0.0 for row in rows if row["theme"] != "none"), default=0.0)
        body = [
            [escape(theme), *(_share(shares.get((theme, period)), most) for period in periods)]
            for theme in themes
        ]
        return html_table(["share, %", *periods], body)


def _share(row: dict[str, Any] | None, most: float) -> str:
    """A cell of the table of trends: the share in percent, and its interval where the mouse rests."""
    if row is None or row["share"] is None:
        return ""
    depth = 0.0 if row["theme"] == "none" or most == 0 else row["share"] / most
    if row["low"] is None:
        interval = "too few documents for an interval"
    else:
        interval = f"{100 * row['low']:.1f} to {100 * row['high']:.1f} %"
    title = f"{interval}; {row['n_documents']} documents"
    style = f"background: rgba(0, 114, 178, {0.6 * depth:.2f}); padding: 0.1em 0.4em"
    return f'<span style="{style}" title="{escape(title)}">{100 * row["share"]:.1f}</span>'


def html_table(columns: list[str], rows: list[list[str]]) -> str:
    """A table; columns are text, cells are HTML."""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join(f"<tr>{''.join(f'<td>{value}</td>' for value in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def cell(value: Any) -> str:
    """A value as HTML: short, and with nothing in it that a browser would act on."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        value = ", ".join(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return escape(text if len(text) <= 120 else text[:119] + "…")
