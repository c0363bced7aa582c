"""What a worker of Spark does: the rows of a partition in, those of a table out.

Nothing here knows of Spark, and nothing depends on how a partition is cut: the engine is given a chunk of documents
at a time, and knows them by their rows.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from . import _themeline
from ._errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK_BYTES = 8 << 20
"""Documents are scored together up to so many bytes of text, a row counting as some of them: few enough that what comes
of them fits a small worker."""

_ROW_BYTES = 256
# Rows that are handed to Spark at a time.
_BATCH_ROWS = 10_000
_SHOWN_REJECTS = 3
# What stands first in every chunk, so that one of nothing but rejects is no empty table.
_FIRST = "Nothing."


@lru_cache(maxsize=4)
def read(themes: bytes) -> _themeline.Themes:
    """Themes from the bytes of their file."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(themes)
        file.flush()
        return _themeline.load_themes(file.name)


@lru_cache(maxsize=4)
def opened(themes: bytes, options: str) -> _themeline.Scorer:
    """The themes and their encoder, opened once a process."""
    return _themeline.open_scorer(read(themes), options)


@dataclass(frozen=True)
class Work:
    """What a worker does: it is sent there as it is."""

    themes: bytes
    """Of ``themes.json``."""
    options: str
    """As JSON."""
    columns: list[str]
    """Names of the columns of id, text and, where there is one, date: what rejects call them."""
    table: str
    rejects: str
    chunk_bytes: int
    """Most bytes of text that are scored together, but for a single larger document."""

    def trial(self) -> None:
        """Scores a short text, so that what is wrong with themes or options is said before Spark is asked."""
        self._scored(self._first())

    def of(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The rows of a partition, in any number of batches, to those of the table."""
        for chunk in chunks(batches, self.chunk_bytes):
            yield from self._table(chunk).to_batches(max_chunksize=_BATCH_ROWS)

    def _table(self, chunk: pa.Table) -> pa.Table:
        """What comes of the documents of a chunk. The engine knows them by their row, from 1, so that two of one id
        are two, and whether they lie in one chunk makes no difference."""
        import pyarrow as pa

        scored = self._scored(self._numbered(chunk))
        ids = chunk.column(0).cast(pa.string())
        rejects = _of_rejects(pa.table(scored.rejects()), ids)
        if self.table == "rejects":
            return rejects
        if self.rejects == "raise" and len(rejects) > 0:
            raise UsageError(_in_words(rejects))
        if self.table == "units":
            return _without_copies(_of_ids(pa.table(scored.units()), ids))
        if self.table == "documents":
            return _without_copies(_of_ids(pa.table(scored.documents()), ids))
        scores, units, documents = (pa.table(table()) for table in (scored.scores, scored.units, scored.documents))
        return _without_copies(_of_ids(_with_lengths(scores, units, documents), ids))

    def _scored(self, chunk: pa.Table) -> _themeline.Scored:
        return opened(self.themes, self.options).score_table(chunk)

    def _numbered(self, chunk: pa.Table) -> pa.Table:
        """The chunk with the numbers of its rows for ids (none where there is no id), behind a first row of ours."""
        import pyarrow as pa
        import pyarrow.compute as pc

        id, text, *dates = chunk.columns
        rows = pa.chunked_array([pa.array(range(1, len(chunk) + 1)).cast(pa.string())])
        rows = pc.if_else(pc.is_valid(id), rows, pa.scalar(None, pa.string()))
        if self.table == "rejects":
            # A text is read in vain here, but for whether there is one.
            is_blank = pc.or_(pc.equal(text, ""), pc.utf8_is_space(text))
            text = pc.if_else(is_blank, text, pa.scalar(_FIRST, text.type))
        rows = pa.table([rows, text, *dates], names=self.columns)
        return pa.concat_tables([self._first(rows.schema), rows])

    def _first(self, schema: pa.Schema | None = None) -> pa.Table:
        """The first row of every chunk."""
        import pyarrow as pa

        schema = schema or pa.schema([(name, pa.string()) for name in self.columns])
        return pa.table([[value] for value in ["0", _FIRST, None][: len(self.columns)]], schema=schema)


def chunks(batches: Iterable[pa.RecordBatch], most: int) -> Iterator[pa.Table]:
    """Batches of any size → tables of at most ``most`` bytes, or of a single larger document, in order."""
    import pyarrow as pa

    kept: list[pa.RecordBatch] = []
    n_bytes = 0
    for piece, n_more in (piece for batch in batches for piece in _pieces(batch, most)):
        if kept and n_bytes + n_more > most:
            yield pa.Table.from_batches(kept)
            kept, n_bytes = [], 0
        kept.append(piece)
        n_bytes += n_more
    if kept:
        yield pa.Table.from_batches(kept)


def _pieces(batch: pa.RecordBatch, most: int) -> Iterator[tuple[pa.RecordBatch, int]]:
    """A batch in pieces of at most ``most`` bytes, or of a single larger document, each with its bytes."""
    import pyarrow.compute as pc

    start, n_bytes = 0, 0
    for row, length in enumerate(pc.binary_length(batch.column(1)).to_pylist()):
        n_more = (length or 0) + _ROW_BYTES
        if row > start and n_bytes + n_more > most:
            yield _copied(batch, start, row), n_bytes
            start, n_bytes = row, 0
        n_bytes += n_more
    if start < batch.num_rows:
        yield (batch if start == 0 else _copied(batch, start, batch.num_rows)), n_bytes


def _copied(batch: pa.RecordBatch, start: int, end: int) -> pa.RecordBatch:
    """Rows of a batch, without the memory of the others, by which the engine would take them for larger ones."""
    import pyarrow as pa

    rows = pa.Table.from_batches([batch]).take(pa.array(range(start, end)))
    return rows.combine_chunks().to_batches()[0]


def _of_ids(table: pa.Table, ids: pa.ChunkedArray) -> pa.Table:
    """The table with the ids of the rows whose numbers stand in its first column, and without our first row's."""
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = table.column(0).cast(pa.int64())
    n_first = pc.sum(pc.equal(rows, 0)).as_py() or 0
    named = ids.take(pc.subtract(rows.slice(n_first), 1))
    return table.slice(n_first).set_column(0, table.column_names[0], named).replace_schema_metadata(None)


def _with_lengths(scores: pa.Table, units: pa.Table, documents: pa.Table) -> pa.Table:
    """The scores with the bytes of the units of each document, which it weighs in a period, and their number."""
    import pyarrow as pa
    import pyarrow.compute as pc

    lengths = pa.table({"document": units["document"], "n": pc.subtract(units["end"], units["start"])})
    lengths = lengths.group_by("document").aggregate([("n", "sum")])
    at = pc.index_in(scores["document"], value_set=lengths["document"].combine_chunks())
    scores = scores.append_column("n_bytes", pc.fill_null(lengths["n_sum"].take(at), 0))
    at = pc.index_in(scores["document"], value_set=documents["id"].combine_chunks())
    return scores.append_column("n_units", documents["n_units"].take(at))


def _without_copies(table: pa.Table) -> pa.Table:
    """The table without what it says of copies: it knows only those of its chunk."""
    import pyarrow as pa

    for name in table.column_names:
        column = table.schema.get_field_index(name)
        kind = table.schema.types[column]
        if name in ("duplicate_of", "similarity", "copy_of"):
            table = table.set_column(column, name, pa.nulls(len(table), kind))
        elif name == "n_repeated_units":
            table = table.set_column(column, name, pa.array([0] * len(table), kind))
    return table


def _of_rejects(rejects: pa.Table, ids: pa.ChunkedArray) -> pa.Table:
    """Rejects, with the id of the row for the place in the table."""
    import pyarrow.compute as pc

    # Records count from 1, and the first is ours.
    named = ids.take(pc.subtract(rejects["record"], 2))
    rejects = rejects.select(["field", "code", "message", "excerpt"]).add_column(0, "document", named)
    return rejects.replace_schema_metadata(None)


def _in_words(rejects: pa.Table) -> str:
    """What is wrong with the first of some rejects, and what to do."""
    shown = rejects.slice(0, _SHOWN_REJECTS).to_pylist()
    lines = [f"  document {json.dumps(row['document'])}: {row['message']}" for row in shown]
    what = "a row is no document" if len(rejects) == 1 else f"{len(rejects)} rows are no documents"
    hint = '  next: mend them, or give rejects="leave_out" and list them with table="rejects"'
    return "\n".join([what, *lines, hint])
