"""Themes: fitted once, kept in a file, and used to score files and tables."""

from __future__ import annotations

import json
import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

from . import _themeline
from ._errors import conclude
from ._options import as_inputs, as_json, is_table, told
from ._table import Table, cell, html_table

if TYPE_CHECKING:
    from ._run import Run


class Themes:
    """Fitted themes: what ``themes.json`` holds. ``tl.fit`` and ``tl.load_themes`` make them."""

    def __init__(self, native: _themeline.Themes) -> None:
        self._native = native

    @property
    def ids(self) -> list[str]:
        """The ids of the themes: those of the codebook in its order, then the emergent ones."""
        return self._native.ids()

    @cached_property
    def table(self) -> Table:
        """A theme a row: id, name, kind, terms, most typical units, threshold."""
        return Table(self._native.table())

    def to_json(self) -> str:
        """The text of ``themes.json``."""
        return self._native.to_json()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes ``themes.json``; ``tl.load_themes`` and ``themeline score --themes`` read it."""
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(self.to_json())

    def score(
        self,
        table: Any,
        *,
        text: str | None = None,
        id: str | None = None,
        date: str | None = None,
        encoder: str | os.PathLike[str] | None = None,
        precision: str | None = None,
        device: str | None = None,
        by: str | None = None,
        max_evidence: int | None = None,
        date_format: str | None = None,
        max_reject_rate: float | None = None,
        strict: bool | None = None,
        threads: int | None = None,
        memory: str | None = None,
        models_dir: str | os.PathLike[str] | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        max_cache_bytes: int | None = None,
        config: str | os.PathLike[str] | None = None,
        progress: bool = True,
    ) -> Scored:
        """Scores the rows of a table, one document each, and never refits.

        ``table`` is a data frame of pandas, polars or pyarrow, or anything else with ``__arrow_c_stream__``. Its
        columns are taken as they lie in memory. ``text``, ``id`` and ``date`` name three of them; without a
        column of dates (``date`` by default), dates are looked for in the text. The numbers are those of
        ``themeline score`` on the same records.
        """
        options = as_json(
            {
                "text_field": text,
                "id_field": id,
                "date_field": date,
                "encoder": encoder,
                "precision": precision,
                "device": device,
                "by": by,
                "max_evidence": max_evidence,
                "date_format": date_format,
                "max_reject_rate": max_reject_rate,
                "strict": strict,
                "threads": threads,
                "memory": memory,
                "models_dir": models_dir,
                "cache_dir": cache_dir,
                "max_cache_bytes": max_cache_bytes,
            }
        )
        with told(progress) as tell:
            native = _themeline.score_table(self._native, table, options, config, tell)
        return conclude(Scored(native), native.warnings(), native.too_many_rejects())

    def score_files(
        self,
        inputs: Any,
        *,
        out: str | os.PathLike[str],
        encoder: str | os.PathLike[str] | None = None,
        precision: str | None = None,
        device: str | None = None,
        by: str | None = None,
        copies: str | None = None,
        max_evidence: int | None = None,
        units: str | None = None,
        text_field: str | None = None,
        date_field: str | None = None,
        id_field: str | None = None,
        date_format: str | None = None,
        date: list[str] | None = None,
        max_record_bytes: int | None = None,
        max_reject_rate: float | None = None,
        strict: bool | None = None,
        threads: int | None = None,
        memory: str | None = None,
        models_dir: str | os.PathLike[str] | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        max_cache_bytes: int | None = None,
        progress: bool = True,
    ) -> Run:
        """Scores files into the folder ``out``, as ``themeline score --themes``, and opens it."""
        options = as_json(locals())
        from ._run import Run

        with told(progress) as tell:
            said, too_many = _themeline.score(
                self._native, as_inputs(inputs), os.fspath(out), options, tell
            )
        return conclude(Run(out), said, too_many)

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"<themeline.Themes: {', '.join(self.ids)}; fitted on {self._native.origin()}>"

    def _repr_html_(self) -> str:
        columns = ["id", "name", "kind", "n_units", "terms"]
        rows = [[cell(row[column]) for column in columns] for row in self.table.to_pylist()]
        return html_table(columns, rows) + f"<p>fitted on {cell(self._native.origin())}</p>"


class Scored:
    """A scored table: what ``themeline score`` would have written, in memory."""

    def __init__(self, native: _themeline.Scored) -> None:
        self._native = native

    @cached_property
    def scores(self) -> Table:
        """A document and a theme a row: share, score, number of mentions."""
        return Table(self._native.scores())

    @cached_property
    def units(self) -> Table:
        """A unit (a clause, or a sentence that has one) a row, with its themes."""
        return Table(self._native.units())

    @cached_property
    def documents(self) -> Table:
        """A document a row, with its evidence; the shares of its themes are in ``scores``."""
        return Table(self._native.documents())

    @cached_property
    def copies(self) -> Table:
        """A document or passage that repeats an earlier one a row."""
        return Table(self._native.copies())

    @cached_property
    def rejects(self) -> Table:
        """A record that could not be read a row, with its number and the reason."""
        return Table(self._native.rejects())

    @property
    def counts(self) -> dict[str, int]:
        """What became of the records: in = scored + rejected + duplicates + filtered."""
        counts: dict[str, int] = json.loads(self._native.counts())
        return counts

    @property
    def warnings(self) -> list[str]:
        """What you should know of."""
        return self._native.warnings()

    def __repr__(self) -> str:
        counted = ", ".join(f"{n:,} {what}" for what, n in self.counts.items())
        return f"<themeline.Scored: {counted}>"

    def _repr_html_(self) -> str:
        return f"<p>{cell(repr(self)[1:-1])}</p>{self.scores._repr_html_()}"


def load_themes(path: str | os.PathLike[str]) -> Themes:
    """Reads fitted themes: a ``themes.json``, or the folder that a run wrote."""
    return Themes(_themeline.load_themes(os.fspath(path)))


def fit(
    inputs: Any,
    *,
    out: str | os.PathLike[str] | None = None,
    codebook: str | os.PathLike[str] | None = None,
    encoder: str | os.PathLike[str] | None = None,
    precision: str | None = None,
    device: str | None = None,
    codes: str | os.PathLike[str] | None = None,
    max_emergent: int | None = None,
    sample_units: int | None = None,
    seed: int | None = None,
    text_field: str | None = None,
    date_field: str | None = None,
    id_field: str | None = None,
    date_format: str | None = None,
    date: list[str] | None = None,
    max_record_bytes: int | None = None,
    threads: int | None = None,
    memory: str | None = None,
    models_dir: str | os.PathLike[str] | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    max_cache_bytes: int | None = None,
    config: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> Themes:
    """Fits themes, as ``themeline fit``, and writes them to the file ``out`` where one is given.

    ``inputs`` is a file, a folder, a glob, or a list of them; or a table, as for ``Themes.score``. The options are
    those of the command line.
    """
    options = as_json(locals())
    with told(progress) as tell:
        if is_table(inputs):
            native = _themeline.fit_table(inputs, options, config, tell)
        else:
            native = _themeline.fit(as_inputs(inputs), options, config, tell)
    themes = Themes(native)
    if out is not None:
        themes.save(out)
    return themes
