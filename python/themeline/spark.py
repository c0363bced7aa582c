"""Scoring on Spark, for those who outgrow one machine: a data frame in, a data frame out, nothing on the driver.

    import themeline.spark

    themes = themeline.spark.fit(df, n_documents=20_000)        # on a sample, here
    scores = themeline.spark.score(df, themes, id="key")        # on the workers
    scores.write.parquet("scores")
    found = themeline.spark.compare(spark.read.parquet("scores"), themes)    # summed there, compared here

The wheel must be installed on the workers, and ``pyspark``, ``pandas`` and ``pyarrow`` with it:
``pip install "themeline[spark]"``. ``docs/scale.md`` has the recipe, and what differs from one process.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from . import _themeline
from ._errors import UsageError
from ._options import as_json
from ._table import Table, Trends
from ._themes import Themes, fit as fit_here, load_themes
from ._worker import CHUNK_BYTES, Work, read

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame, Row

__all__ = ["TABLES", "Compared", "compare", "fit", "score"]

TABLES = {
    "scores": "document STRING NOT NULL, date STRING, period STRING, duplicate_of STRING, theme STRING NOT NULL, "
    "share DOUBLE NOT NULL, score DOUBLE NOT NULL, n_mentions BIGINT NOT NULL, n_bytes BIGINT NOT NULL, "
    "n_units BIGINT NOT NULL",
    "units": "document STRING NOT NULL, unit BIGINT NOT NULL, sentence BIGINT NOT NULL, start BIGINT NOT NULL, "
    "end BIGINT NOT NULL, text STRING NOT NULL, themes ARRAY<STRUCT<theme: STRING, score: DOUBLE>> NOT NULL, "
    "cluster STRING, scores ARRAY<DOUBLE> NOT NULL, copy_of STRING",
    "documents": "id STRING NOT NULL, date STRING, date_origin STRING NOT NULL, period STRING, language STRING, "
    "charset STRING NOT NULL, file STRING NOT NULL, n_sentences BIGINT NOT NULL, n_units BIGINT NOT NULL, "
    "duplicate_of STRING, similarity DOUBLE, n_repeated_units BIGINT NOT NULL, none_share DOUBLE NOT NULL, "
    "evidence ARRAY<STRUCT<theme: STRING, start: BIGINT, end: BIGINT, text: STRING, score: DOUBLE>> NOT NULL, "
    "metadata STRING NOT NULL",
    "rejects": "document STRING, field STRING, code STRING NOT NULL, message STRING NOT NULL, excerpt STRING NOT NULL",
}
"""Columns of the tables that ``score`` makes, in Spark's words."""

REJECTS = ("raise", "leave_out")

# Most text that the driver takes for a fit. The fit looks at some 2.4 MB of it (`sample_units`).
_SAMPLE_BYTES = 64 << 20
_ROLES = ("id", "text", "date")
_INSTALL = 'pip install "themeline[spark]", here and on the workers'


def score(
    df: DataFrame,
    themes: Themes | bytes | str | os.PathLike[str],
    *,
    table: str = "scores",
    rejects: str = "raise",
    text: str | None = None,
    id: str | None = None,
    date: str | None = None,
    encoder: str | os.PathLike[str] | None = None,
    precision: str | None = None,
    device: str | None = None,
    by: str | None = None,
    max_evidence: int | None = None,
    date_format: str | None = None,
    threads: int = 1,
    models_dir: str | os.PathLike[str] | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    max_cache_bytes: int | None = None,
) -> DataFrame:
    """Scores the rows of a Spark data frame, one document each, and never refits.

    ``themes`` is what ``fit`` gave, the path of a ``themes.json`` or of the folder of a run, or the bytes of the file.
    ``table`` names what comes back: ``scores`` (a document and a theme a row), ``units``, ``documents`` or ``rejects``,
    with the columns of ``Scored``; ``scores`` has two more, ``n_bytes`` and ``n_units`` of the document: its weight in a
    period, and its units.

    A row without text, without an id, or with a date that is none fails the job; with ``rejects="leave_out"`` it has no
    row, but one in ``table="rejects"``, which costs little, since nothing is scored for it.

    The work is lazy as all of Spark's: done when the result is written or counted, and again each time. Options are
    tried here on one short text, so that a wrong one is an error of this call. No document is marked as a copy of
    another, since nobody sees all of them.
    """
    frame = _frame(df, "Themes.score")
    columns = _columns(frame, text=text, id=id, date=date)
    _one_of("table", table, TABLES)
    _one_of("rejects", rejects, REJECTS)
    options = as_json(
        {
            "text_field": columns[1],
            "id_field": columns[0],
            "date_field": columns[2] if len(columns) > 2 else None,
            "encoder": encoder,
            "precision": precision,
            "device": device,
            "by": by,
            "max_evidence": max_evidence,
            "date_format": date_format,
            "max_reject_rate": 1.0,
            "threads": threads,
            "models_dir": models_dir,
            "cache_dir": cache_dir,
            "max_cache_bytes": max_cache_bytes,
        }
    )
    work = Work(_as_bytes(themes), options, columns, table, rejects, CHUNK_BYTES)
    work.trial()
    return _typed(frame, columns).mapInArrow(work.of, TABLES[table])


def fit(
    df: DataFrame,
    *,
    n_documents: int = 20_000,
    seed: int = 1,
    out: str | os.PathLike[str] | None = None,
    text: str | None = None,
    id: str | None = None,
    codebook: str | os.PathLike[str] | None = None,
    encoder: str | os.PathLike[str] | None = None,
    precision: str | None = None,
    device: str | None = None,
    max_emergent: int | None = None,
    sample_units: int | None = None,
    threads: int | None = None,
    models_dir: str | os.PathLike[str] | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    max_cache_bytes: int | None = None,
    progress: bool = True,
) -> Themes:
    """Fits themes here, on the driver, on a sample of a Spark data frame.

    The sample is the ``n_documents`` whose text has the least hash under ``seed``, as far as 64 MB hold them: the same
    documents, and so the same themes, in whatever partitions and order they lie. Of these the fit looks at
    ``sample_units`` units, as ``tl.fit`` does; the options are its own.
    """
    frame = _frame(df, "themeline.fit")
    if n_documents < 1:
        raise UsageError(f"n_documents {n_documents} is out of range\n  next: give 1 or more")
    id, text = columns = _columns(frame, text=text, id=id)[:2]
    return fit_here(
        _sample(frame, columns, n_documents, seed),
        out=out,
        seed=seed,
        text_field=text,
        id_field=id,
        codebook=codebook,
        encoder=encoder,
        precision=precision,
        device=device,
        max_emergent=max_emergent,
        sample_units=sample_units,
        threads=threads,
        models_dir=models_dir,
        cache_dir=cache_dir,
        max_cache_bytes=max_cache_bytes,
        progress=progress,
    )


class Compared:
    """Shares of the themes by period, and what changed."""

    def __init__(self, native: _themeline.Compared) -> None:
        self._native = native

    @cached_property
    def trends(self) -> Trends:
        """A theme and a period a row: share, interval, standard error, trend."""
        return Trends(self._native.shares())

    @cached_property
    def comparisons(self) -> Table:
        """A theme and two periods a row: difference, interval, q, verdict, and the verdict in words."""
        return Table(self._native.comparisons())

    @cached_property
    def change_points(self) -> Table:
        """Where the level of a theme changed, a row each."""
        return Table(self._native.change_points())

    def to_json(self) -> str:
        """As ``trends.json`` has it."""
        return self._native.to_json()

    def _repr_html_(self) -> str:
        return self.trends._repr_html_()


def compare(
    scores: DataFrame,
    themes: Themes | bytes | str | os.PathLike[str],
    *,
    group: str | None = None,
    between: Iterable[str] = (),
    seed: int | None = None,
    resamples: int | None = None,
    notable: float | None = None,
) -> Compared:
    """Compares the periods of what ``score`` made: intervals, tests and verdicts of ``themeline compare``.

    Spark sums, and the driver compares: it is sent one row a document of a period (and group) of fewer than 2,000
    documents, and of larger ones 1,000 groups of documents, by the hash of their ids, as ``themeline compare`` gathers
    them too. Shares are of the text. Every document counts; leave copies out of ``scores`` first.

    ``group`` is a column of ``scores`` to compare within, ``between`` lists pairs of periods or of runs of them
    (``"2019,2024"``, ``"2010..2014,2015..2024"``) to compare besides neighbours. What changed is not looked at closer:
    whether it is in the mix or hangs on one source, ``themeline compare`` says of folders.
    """
    for column in [*_SUMMED, *([group] if group else [])]:
        if column not in scores.columns:
            columns = "`, `".join(scores.columns)
            raise UsageError(
                f"the scores have no column `{column}`; their columns are `{columns}`\n"
                f"  next: give what themeline.spark.score made{', joined with the group' if column == group else ''}"
            )
    model = read(_as_bytes(themes))
    rows = _summed(scores, model.ids(), group)
    period = next((row["period"] for row in rows if row["period"] is not None), None)
    if period is None:
        raise UsageError("no document is in a period\n  next: give scores of documents with dates, or score by='all'")
    options = {"by": _length_of(period), "group": group, "between": list(between)}
    chosen = {"seed": seed, "resamples": resamples, "notable": notable}
    return Compared(
        _themeline.compare_counted(
            model, _as_table(rows), json.dumps(options | {name: x for name, x in chosen.items() if x is not None})
        )
    )


_SUMMED = ("document", "period", "theme", "share", "n_mentions", "n_bytes", "n_units")
# Documents of a period from which on groups of them are compared, and their number.
_MANY, _GROUPS = 2_000, 1_000


def _summed(scores: DataFrame, themes: list[str], group: str | None) -> list[Row]:
    """A row for each document, or group of documents, of a period, or of none: for each theme the millionths of bytes that it takes,
    and its mentions. Sums are of whole numbers, so that no order makes a difference."""
    from pyspark.sql import Window, functions as F

    own = (F.col(_quoted(group)) if group else F.lit(None)).cast("string")
    rows = scores.withColumn("group", own)
    n = F.sum(F.when(F.col("theme") == themes[0], 1).otherwise(0)).over(Window.partitionBy("period", "group"))
    gathered = F.concat(F.lit("group "), F.pmod(F.xxhash64("document"), F.lit(_GROUPS)).cast("string"))
    rows = rows.withColumn("unit", F.when(n < _MANY, F.col("document")).otherwise(gathered))
    millionths = F.round(F.col("share") * 1_000_000).cast("decimal(20, 0)") * F.col("n_bytes")

    def of(theme: str, what: Column) -> Column:
        return F.sum(F.when(F.col("theme") == theme, what).otherwise(0))

    summed = rows.groupBy("period", "group", "unit").agg(
        of(themes[0], F.lit(1)).cast("bigint").alias("n_documents"),
        of(themes[0], F.col("n_units")).cast("bigint").alias("n_units"),
        of(themes[0], F.col("n_bytes")).cast("bigint").alias("n_bytes"),
        F.array(*[of(theme, millionths).cast("decimal(38, 0)") for theme in themes]).alias("taken"),
        F.array(*[of(theme, F.col("n_mentions")).cast("bigint") for theme in themes]).alias("n_mentions"),
    )
    return summed.orderBy("period", "group", "unit").collect()


def _as_table(rows: list[Row]) -> pa.Table:
    """The sums as the engine takes them: shares of the bytes for what is taken of them."""
    import pyarrow as pa

    def shares(row: Row) -> list[float]:
        return [int(taken) / max(row["n_bytes"], 1) / 1e6 for taken in row["taken"]]

    columns: dict[str, pa.DataType] = {
        **dict.fromkeys(("unit", "period", "group"), pa.string()),
        **dict.fromkeys(("n_documents", "n_units", "n_bytes"), pa.int64()),
        "n_mentions": pa.list_(pa.int64()),
    }
    table = pa.table({name: pa.array([row[name] for row in rows], kind) for name, kind in columns.items()})
    return table.append_column("shares", pa.array([shares(row) for row in rows], pa.list_(pa.float64())))


def _length_of(period: str) -> str:
    """How long a period is, by its label."""
    if period == "all":
        return "all"
    return "quarter" if "-Q" in period else "month" if "-" in period else "year"


def _sample(df: DataFrame, columns: list[str], n_documents: int, seed: int) -> pa.Table:
    """Ids and texts of the documents whose text has the least hash; at most ``_SAMPLE_BYTES`` of text, but for the
    first document."""
    import pyarrow as pa
    from pyspark.sql import Window, functions as F

    rows = _typed(df, columns).where("trim(text) != ''")
    order = ["rank", "text", "id"]
    rows = rows.withColumn("rank", F.xxhash64(F.lit(seed), "text")).orderBy(*order).limit(n_documents)
    before = F.sum(F.octet_length("text")).over(Window.orderBy(*order).rowsBetween(Window.unboundedPreceding, -1))
    rows = rows.withColumn("before", F.coalesce(before, F.lit(0))).where(F.col("before") < _SAMPLE_BYTES)
    taken = rows.orderBy(*order).select("id", "text").collect()
    if not taken:
        raise UsageError("the data frame has no documents with text\n  next: give one that has")
    names = pa.schema([(column, pa.string()) for column in columns])
    return pa.table([[row[n] for row in taken] for n in range(2)], schema=names)


def _frame(df: Any, verb: str) -> DataFrame:
    """The data frame, where it is one and Spark is there."""
    try:
        import pandas  # noqa: F401
        import pyarrow  # noqa: F401
        import pyspark  # noqa: F401
    except ImportError as error:
        raise UsageError(f"themeline.spark needs {error.name}, which is not installed\n  next: {_INSTALL}") from None
    if not hasattr(df, "mapInArrow"):
        what = f"a {type(df).__name__} is no data frame of Spark"
        raise UsageError(f"{what}\n  next: {verb} takes other tables")
    return df


def _columns(df: DataFrame, *, text: str | None, id: str | None, date: str | None = None) -> list[str]:
    """The columns of id, text and, where there is one, date; each must be there, once, and of its type."""
    named = {"id": id or "id", "text": text or "text"}
    if date is not None or "date" in df.columns:
        named["date"] = date or "date"
    for argument, column in named.items():
        if column not in df.columns:
            columns = "`, `".join(df.columns)
            raise UsageError(
                f"the data frame has no column `{column}`; its columns are `{columns}`\n"
                f"  next: name the right one with `{argument}`"
            )
        if df.columns.count(column) > 1:
            raise UsageError(f"two columns are named `{column}`\n  next: rename one")
    if len(set(named.values())) < len(named):
        raise UsageError(f"one column cannot be two of `{'`, `'.join(named)}`\n  next: name another")
    kind = df.schema[named["text"]].dataType.simpleString()
    if not kind.startswith(("string", "varchar", "char")):
        what = f"the column `{named['text']}` is of type {kind}, and texts are strings"
        raise UsageError(f"{what}\n  next: name another with `text`")
    return list(named.values())


def _typed(df: DataFrame, columns: list[str]) -> DataFrame:
    """The columns as the engine takes them, as ``id``, ``text``, ``date``: ids as strings, days and times as days (of
    the session's time zone)."""
    from pyspark.sql import functions as F

    def typed(role: str, name: str) -> Column:
        column = F.col(_quoted(name))
        is_time = df.schema[name].dataType.simpleString().startswith(("timestamp", "date"))
        return column.cast("date" if role == "date" and is_time else "string").alias(role)

    return df.select([typed(role, name) for role, name in zip(_ROLES, columns)])


def _quoted(column: str) -> str:
    """The name of a column, whatever is in it, as Spark takes it."""
    return f"`{column.replace('`', '``')}`"


def _one_of(name: str, given: str, known: Iterable[str]) -> None:
    if given not in known:
        one_of = "`, `".join(known)
        raise UsageError(f"`{name}` cannot be `{given}`\n  next: give one of `{one_of}`")


def _as_bytes(themes: Themes | bytes | str | os.PathLike[str]) -> bytes:
    """The bytes of ``themes.json``, which the workers are sent."""
    if isinstance(themes, (bytes, bytearray)):
        return bytes(themes)
    if not isinstance(themes, Themes):
        themes = load_themes(themes)
    return themes.to_json().encode()
