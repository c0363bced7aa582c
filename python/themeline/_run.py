"""Runs: files in, a folder out, and its tables as attributes."""

from __future__ import annotations

import json
import os
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

from . import _themeline
from ._errors import conclude
from ._options import as_inputs, as_json, told
from ._table import Table, Trends
from ._themes import Themes, load_themes


class Run:
    """The folder of a finished run. Tables are read when they are first asked for, and then kept."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        """The folder."""
        self.record: dict[str, Any] = json.loads(_themeline.run_json(os.fspath(path)))
        """What ``run.json`` says: version, options, inputs with hashes, counts, timings, warnings."""

    def _table(self, name: str) -> _themeline.Table:
        return _themeline.read_table(os.fspath(self.path), name)

    @cached_property
    def documents(self) -> Table:
        """A document a row, with its evidence; the shares of its themes are in ``scores``."""
        return Table(self._table("documents"))

    @cached_property
    def scores(self) -> Table:
        """A document and a theme a row: share, score, number of mentions."""
        return Table(self._table("scores"))

    @cached_property
    def units(self) -> Table:
        """A unit (a clause, or a sentence that has one) a row, with its themes."""
        return Table(self._table("units"))

    @cached_property
    def trends(self) -> Trends:
        """A theme and a period a row: share with interval, and the change since the period before."""
        return Trends(self._table("trends"))

    @cached_property
    def comparisons(self) -> Table:
        """A theme and two periods a row: difference, interval, q, verdict, and the verdict in words."""
        return Table(self._table("comparisons"))

    @cached_property
    def change_points(self) -> Table:
        """Where the level of a theme changed, a row each."""
        return Table(self._table("change_points"))

    @cached_property
    def copies(self) -> Table:
        """A document or passage that repeats an earlier one a row."""
        return Table(self._table("copies"))

    @cached_property
    def rejects(self) -> Table:
        """A record that could not be read a row, with place, reason and next step."""
        return Table(self._table("rejects"))

    @cached_property
    def themes(self) -> Themes:
        """The fitted themes, to score more documents with."""
        return load_themes(self.path)

    @property
    def counts(self) -> dict[str, int]:
        """What became of the records: in = scored + rejected + duplicates + filtered."""
        counts: dict[str, int] = self.record["counts"]
        return counts

    @property
    def warnings(self) -> list[str]:
        """What you should know of."""
        warnings: list[str] = self.record["warnings"]
        return warnings

    def __repr__(self) -> str:
        return f"<themeline.Run {os.fspath(self.path)!r}: {_counted(self.counts)}>"

    def _repr_html_(self) -> str:
        path, counted = escape(os.fspath(self.path)), escape(_counted(self.counts))
        warned = "".join(f"<li>{escape(warning)}</li>" for warning in self.warnings)
        return f"<p><b>{path}</b>: {counted}</p><ul>{warned}</ul>{self.trends._repr_html_()}"


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{n:,} {what}" for what, n in counts.items())


def read(path: str | os.PathLike[str]) -> Run:
    """Opens a folder that ``run``, ``score`` or the command wrote.

    Raises ``UsageError`` where it is no finished run (no ``run.json``), or was written by a later version; a table
    that is missing or broken is named when it is asked for.
    """
    return Run(path)


def run(
    inputs: Any,
    *,
    out: str | os.PathLike[str],
    codebook: str | os.PathLike[str] | None = None,
    encoder: str | os.PathLike[str] | None = None,
    precision: str | None = None,
    device: str | None = None,
    codes: str | os.PathLike[str] | None = None,
    max_emergent: int | None = None,
    sample_units: int | None = None,
    seed: int | None = None,
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
    config: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> Run:
    """Does the whole job, as ``themeline run``: reads files, fits themes, scores every document, compares periods,
    writes the folder ``out``, and opens it.

    ``inputs`` is a file, a folder, a glob, or a list of them (txt, md, html, jsonl, csv, parquet; .gz, .zst). The
    options are those of the command line; ``themeline run --help`` describes each. What is not given has the
    value of ``config`` (a TOML file), else its default. The interpreter's lock is free meanwhile, and Ctrl-C (in
    a notebook, interrupting the cell) ends the work and leaves an earlier run in the folder as it was. The same call
    again goes on from what was done.
    """
    options = as_json(locals())
    with told(progress) as tell:
        said, too_many = _themeline.run(as_inputs(inputs), os.fspath(out), options, config, tell)
    return conclude(Run(out), said, too_many)
