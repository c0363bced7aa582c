"""Tables in, tables out: the numbers are those of the command on the same records."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from conftest import READOUTS

import themeline as tl

Records = list[dict[str, object]]


class Capsule:
    """A table that has the interface and nothing else."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


def one_chunk_a_row(records: Records) -> pa.Table:
    schema = pa.schema([("id", pa.string()), ("date", pa.string()), ("text", pa.string())])
    return pa.concat_tables([pa.Table.from_pylist([record], schema=schema) for record in records])


VIEWS = pa.schema([("id", pa.string_view()), ("date", pa.large_string()), ("text", pa.string_view())])
MAKERS = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "pyarrow": pa.Table.from_pylist,
    "chunks": one_chunk_a_row,
    "stream": lambda records: pa.Table.from_pylist(records).to_reader(),
    "capsule": lambda records: Capsule(pa.Table.from_pylist(records)),
    "categories": lambda records: pl.DataFrame(records).with_columns(pl.col("text", "id").cast(pl.Categorical)),
    "views": lambda records: pa.Table.from_pylist(records).cast(VIEWS),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_scores_of_a_table_are_those_of_the_command(
    kind: str, folder: Path, records: Records, scored_by_command: tl.Run
) -> None:
    scored = tl.load_themes(folder).score(MAKERS[kind](records), max_reject_rate=0.5, progress=False)
    for name in ["scores", "units", "copies"]:
        assert pa.table(getattr(scored, name)) == pa.table(getattr(scored_by_command, name)), name
    documents = scored.documents.to_pandas().drop(columns="file")
    theirs = scored_by_command.documents.to_pandas().drop(columns="file")
    pd.testing.assert_frame_equal(documents, theirs)
    assert scored.counts == scored_by_command.counts
    assert pa.table(scored.units).schema.metadata == {b"themeline.schema": b"themeline/units/1"}
    (reject,), (same,) = scored.rejects.to_pylist(), scored_by_command.rejects.to_pylist()
    assert (reject["record"], reject["code"]) == (same["record"], same["code"])


def test_columns_have_the_names_that_one_gives_and_dates_are_dates(
    folder: Path, records: Records, scored_by_command: tl.Run
) -> None:
    frame = pl.DataFrame(records).rename({"id": "key", "text": "body", "date": "day"})
    frame = frame.with_columns(pl.col("day").str.to_date(), other=pl.lit(1))
    themes = tl.load_themes(folder / "themes.json")
    scored = themes.score(frame, text="body", id="key", date="day", max_reject_rate=1, progress=False)
    assert pa.table(scored.scores) == pa.table(scored_by_command.scores)
    dated = frame.to_pandas()
    dated["day"] = pd.to_datetime(dated["day"])
    scored = themes.score(dated, text="body", id="key", date="day", max_reject_rate=1, progress=False)
    assert pa.table(scored.scores) == pa.table(scored_by_command.scores)


def test_numbers_are_ids_and_a_table_need_have_no_dates(folder: Path) -> None:
    frame = pd.DataFrame({"id": [7, 8], "text": ["They agreed on a railway.", "They signed a tariff deal."]})
    with pytest.warns(tl.ThemelineWarning, match="2 of 2 documents are in no period"):
        scored = tl.load_themes(folder).score(frame, progress=False)
    documents = scored.documents.to_pylist()
    assert [(row["id"], row["date"]) for row in documents] == [("7", None), ("8", None)]
    assert [row["document"] for row in scored.units.to_pylist()] == ["7", "8"]


def test_what_cannot_be_scored_is_said_with_what_to_do(folder: Path) -> None:
    themes = tl.load_themes(folder)
    frame = pd.DataFrame({"id": ["a"], "body": ["They agreed on a railway."]})
    with pytest.raises(tl.UsageError, match=r"no column `text`; its columns are `id`, `body`\n  next: .*`text`"):
        themes.score(frame, progress=False)
    with pytest.raises(tl.UsageError, match=r"a list is no table\n  next: give a data frame"):
        themes.score([1, 2], progress=False)
    with pytest.raises(tl.UsageError, match="the table has no rows"):
        themes.score(frame[:0], text="body", progress=False)
    with pytest.raises(tl.UsageError, match="`day`"):
        themes.score(frame, text="body", date="day", progress=False)
    with pytest.raises(tl.UsageError, match="README.md:1:1: not a theme model"):
        tl.load_themes(READOUTS.parent / "README.md")
    with pytest.raises(tl.ThemelineError, match="No such file"):
        tl.load_themes("no-such-themes.json")


def test_too_many_rejects_are_an_error_that_holds_the_result(folder: Path, records: Records) -> None:
    with pytest.raises(tl.TooManyRejects, match="records were rejected") as caught:
        tl.load_themes(folder).score(pa.Table.from_pylist(records), progress=False)
    assert caught.value.result.counts["rejected"] == 1
    assert len(caught.value.result.units) > 0


def test_themes_fitted_on_files_are_those_of_the_command_and_score_files(folder: Path, tmp_path: Path) -> None:
    themes = tl.fit(READOUTS, out=tmp_path / "themes.json", progress=False)
    assert (tmp_path / "themes.json").read_bytes() == (folder / "themes.json").read_bytes()
    run = themes.score_files([READOUTS], out=tmp_path / "out", progress=False)
    for name in ["scores.parquet", "units.parquet", "trends.json"]:
        assert (run.path / name).read_bytes() == (folder / name).read_bytes()
    assert [row["id"] for row in themes.table.to_pylist()] == themes.ids


def test_themes_are_fitted_on_a_table_as_on_its_file(records: Records, tmp_path: Path) -> None:
    frame = pl.DataFrame(records[:-1])
    frame.write_parquet(tmp_path / "records.parquet")
    of_file = tl.fit(tmp_path / "records.parquet", max_emergent=3, progress=False)
    assert tl.fit(frame, max_emergent=3, progress=False).to_json() == of_file.to_json()


def test_a_table_is_not_copied(folder: Path) -> None:
    n = 2_000
    texts = pa.array([f"Talks, round {i}: they agreed on a railway." for i in range(n)])
    table = pa.table({"id": pa.array([str(i) for i in range(n)]), "text": texts, "rest": ["x" * 999] * n})
    before = pa.total_allocated_bytes()
    scored = tl.load_themes(folder).score(table, progress=False)
    assert pa.total_allocated_bytes() == before
    assert scored.counts["in"] == n


def test_what_comes_from_the_corpus_is_inert_in_a_notebook(folder: Path) -> None:
    payload = "<script>alert(1)</script>"
    frame = pd.DataFrame({"id": [payload], "text": [f"They agreed on a railway {payload}."]})
    with pytest.warns(tl.ThemelineWarning):
        scored = tl.load_themes(folder).score(frame, progress=False)
    for shown in [scored, scored.scores, scored.units, scored.documents]:
        html = shown._repr_html_()
        assert "script" in html and "<script" not in html
