"""Scoring on Spark: row for row what the command and one process make, whatever the partitions."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import ROOT, command

import themeline as tl
import themeline.spark as on_spark
from themeline import _worker

pytest.importorskip("pyspark", reason="SKIPPED, nothing of Spark is tested: pip install 'themeline[spark]'")
if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
    pytest.skip("SKIPPED, nothing of Spark is tested: Spark needs Java 17", allow_module_level=True)

from pyspark import TaskContext  # noqa: E402
from pyspark.errors import PythonException  # noqa: E402
from pyspark.sql import DataFrame, SparkSession  # noqa: E402
from pyspark.sql.pandas.types import from_arrow_schema  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:distutils Version classes")

Records = list[dict[str, Any]]

COLUMNS = "id string, date string, text string"
# What a table of one process knows and Spark does not: copies, and what JSON Lines have besides.
OF_COPIES = {"scores": "duplicate_of", "units": "copy_of", "documents": "similarity"}
OF_ONE_PROCESS = {"duplicate_of", "similarity", "n_repeated_units", "copy_of", "file", "metadata"}
# What the scores of Spark have besides.
OF_SPARK = {"n_bytes", "n_units"}

WHO = ["The two ministers", "Our delegation", "The harbour board of Lüderitz", "A panel of engineers", "委员会"]
DID = ["agreed to", "discussed", "put off", "paid for", "again asked for"]
WHAT = ["a railway to the coast", "lower tariffs on rice", "a joint patrol at sea", "vaccines for two provinces", "tea"]


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """Two tasks at a time; one that fails is tried four times. Relative paths are those of a folder of its own."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    before = os.getcwd()
    os.chdir(tmp_path_factory.mktemp("spark"))
    session = (
        SparkSession.builder.master("local[2,4]")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .getOrCreate()
    )
    os.chdir(before)
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture(scope="module")
def generated() -> Records:
    """300 documents of a few years, too short to be near-copies; some without a date, one much longer."""
    draw = random.Random(7)

    def sentence() -> str:
        return f"{draw.choice(WHO)} {draw.choice(DID)} {draw.choice(WHAT)}, item {draw.randrange(10**6)}."

    def date(n: int) -> str | None:
        return None if n % 17 == 0 else f"{2019 + n % 5}-{1 + n % 12:02}-03"

    texts = [" ".join(sentence() for _ in range(draw.randint(1, 3))) for _ in range(300)]
    texts[40] = "\n\n".join(sentence() for _ in range(400))
    return [{"id": f"d{n:03}", "date": date(n), "text": text} for n, text in enumerate(texts)]


@pytest.fixture(scope="module")
def generated_by_command(tmp_path_factory: pytest.TempPathFactory, folder: Path, generated: Records) -> tl.Run:
    """What the command makes of them, every document counting."""
    return scored_by_command(tmp_path_factory.mktemp("generated"), folder, generated, copies="all")


def scored_by_command(dir: Path, folder: Path, records: Records, *, copies: str) -> tl.Run:
    """What the command makes of records as JSON Lines."""
    lines = dir / "records.jsonl"
    lines.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    command("score", lines, "--themes", folder / "themes.json", "--out", dir / "out", "--quiet", "--copies", copies)
    return tl.read(dir / "out")


def rows(table: DataFrame | tl.Table) -> Records:
    """The rows of a table in an order of their own, without what only one process knows."""
    if isinstance(table, tl.Table):
        listed = table.to_pylist()
    else:
        listed = [row.asDict(recursive=True) for row in table.collect()]
    besides = OF_ONE_PROCESS | (OF_SPARK if listed and "n_bytes" in listed[0] else set())
    kept = [{name: value for name, value in row.items() if name not in besides} for row in listed]
    return sorted(kept, key=lambda row: (row.get("document") or row.get("id"), row.get("theme"), row.get("unit")))


def test_scores_of_the_examples_are_those_of_the_command(
    spark: SparkSession, folder: Path, records: Records, scored_by_command: tl.Run
) -> None:
    df = spark.createDataFrame(records, COLUMNS).repartition(3)
    for name in ["scores", "units", "documents"]:
        table = on_spark.score(df, folder, table=name, rejects="leave_out")
        theirs = rows(getattr(scored_by_command, name))
        assert len(theirs) >= 15 and rows(table) == theirs, name
    (reject,) = on_spark.score(df, folder, table="rejects").collect()
    (theirs,) = scored_by_command.rejects.to_pylist()
    assert (reject["document"], reject["field"], reject["code"]) == ("empty", "text", theirs["code"])


@pytest.mark.parametrize("n_partitions", [1, 3, 8])
def test_partitions_and_batches_make_no_difference(
    n_partitions: int,
    spark: SparkSession,
    folder: Path,
    generated: Records,
    generated_by_command: tl.Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batch_rows = {1: "10000", 3: "7", 8: "1"}[n_partitions]
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", batch_rows)
    # A chunk is the whole partition, a few documents, or one.
    monkeypatch.setattr(on_spark, "CHUNK_BYTES", {1: 8 << 20, 3: 5_000, 8: 1}[n_partitions])
    df = spark.createDataFrame(generated[: 300 if n_partitions < 8 else 60], COLUMNS).repartition(n_partitions)
    scores = rows(on_spark.score(df, folder))
    theirs = rows(generated_by_command.scores)
    assert len(theirs) == 300 * 11
    assert scores == theirs[: len(scores)] and len(scores) >= 60 * 11
    spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")


def test_columns_have_the_names_and_types_of_the_tables(spark: SparkSession, folder: Path, generated: Records) -> None:
    scored = tl.load_themes(folder).score(pa.Table.from_pylist(generated), progress=False)
    df = spark.createDataFrame(generated[:1], COLUMNS)
    for name in ["scores", "units", "documents"]:
        ours = on_spark.score(df, folder, table=name).schema
        theirs = from_arrow_schema(getattr(scored, name).to_arrow().schema)
        besides = OF_SPARK if name == "scores" else set()
        common = [(field.name, field.dataType.simpleString()) for field in ours if field.name not in besides]
        assert common == [(field.name, field.dataType.simpleString()) for field in theirs], name


def test_a_killed_worker_loses_and_doubles_nothing(
    spark: SparkSession, folder: Path, generated: Records, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = tmp_path / "killed"
    whole = on_spark.Work

    class Mortal(whole):  # type: ignore[misc, valid-type]
        """Ends its process with the third batch of a partition, the first time."""

        def of(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for n, batch in enumerate(whole.of(self, batches)):
                task = TaskContext.get()
                if (n, task.partitionId(), task.attemptNumber()) == (2, 1, 0):
                    import signal

                    killed.write_text(str(os.getpid()))
                    os.kill(os.getpid(), signal.SIGKILL)
                yield batch

    df = spark.createDataFrame(generated, COLUMNS).repartition(3)
    monkeypatch.setattr(on_spark, "CHUNK_BYTES", 2_000)
    expected = rows(on_spark.score(df, folder))
    monkeypatch.setattr(on_spark, "Work", Mortal)
    on_spark.score(df, folder).write.parquet(str(tmp_path / "scores"))
    assert killed.is_file()
    assert rows(spark.read.parquet(str(tmp_path / "scores"))) == expected
    assert len(expected) == 300 * 11


def test_empty_partitions_and_frames_have_no_rows(spark: SparkSession, folder: Path, generated: Records) -> None:
    df = spark.createDataFrame(generated[:2], COLUMNS)
    assert on_spark.score(df.repartition(8), folder).count() == 2 * 11
    none = df.where("id = 'nobody'")
    assert on_spark.score(none, folder).collect() == []
    assert on_spark.score(none, folder, table="rejects").collect() == []
    with pytest.raises(tl.UsageError, match=r"no documents with text\n  next: "):
        on_spark.fit(none)


def test_rows_that_are_no_documents_fail_the_job_or_are_listed(
    spark: SparkSession, folder: Path, generated: Records
) -> None:
    bad = [
        {"id": "null", "date": None, "text": None},
        {"id": "blank", "date": None, "text": "\u00a0\n\t"},
        {"id": "empty", "date": None, "text": ""},
        {"id": None, "date": None, "text": "They spoke of tea."},
        {"id": "no day", "date": "2024-02-30", "text": "They spoke of tea."},
    ]
    df = spark.createDataFrame(generated[:3] + bad, COLUMNS).repartition(4)
    codes = {row["document"]: row["code"] for row in on_spark.score(df, folder, table="rejects").collect()}
    assert codes == {
        "null": "missing_field",
        "blank": "empty_text",
        "empty": "empty_text",
        None: "missing_field",
        "no day": "bad_date",
    }
    left = on_spark.score(df, folder, rejects="leave_out")
    assert {row["document"] for row in left.select("document").collect()} == {"d000", "d001", "d002"}
    with pytest.raises(PythonException, match=r'(?s)document "null": the field `text` is missing.*next: .*leave_out'):
        on_spark.score(df.where("id = 'null'"), folder).collect()


def test_ids_may_be_numbers_or_repeat_and_dates_may_be_days(spark: SparkSession, folder: Path) -> None:
    df = spark.sql(
        "SELECT * FROM VALUES (7L, DATE '2024-05-01', TIMESTAMP '2023-12-31 23:30:00', 'They built a railway.'),"
        " (7L, DATE '2024-06-01', NULL, 'They lowered the tariffs.'),"
        " (7L, DATE '2024-06-01', NULL, 'They lowered the tariffs.') AS t(key, `the.day`, time, `a ``text``.`)"
    )
    named = {"id": "key", "text": "a `text`."}
    documents = on_spark.score(df, folder, table="documents", date="the.day", **named).collect()
    assert sorted((row["id"], row["date"]) for row in documents) == [
        ("7", "2024-05-01"),
        ("7", "2024-06-01"),
        ("7", "2024-06-01"),
    ]
    timed = on_spark.score(df.where("time IS NOT NULL"), folder, date="time", by="quarter", **named)
    assert {(row["date"], row["period"]) for row in timed.collect()} == {("2023-12-31", "2023-Q4")}


def test_what_is_wrong_is_said_at_once_with_what_to_do(spark: SparkSession, folder: Path, generated: Records) -> None:
    df = spark.createDataFrame([{**record, "n": 1} for record in generated[:3]], COLUMNS + ", n int")
    for wrong, said in [
        ({"text": "body"}, r"no column `body`; its columns are `id`, `date`, `text`, `n`\n  next: .*`text`"),
        ({"id": "key"}, r"no column `key`.*\n  next: .*`id`"),
        ({"date": "day"}, r"no column `day`.*\n  next: .*`date`"),
        ({"text": "n"}, r"`n` is of type int, and texts are strings\n  next: "),
        ({"text": "id"}, r"one column cannot be two .*\n  next: "),
        ({"table": "shares"}, r"`table` cannot be `shares`\n  next: .*`scores`"),
        ({"rejects": "drop"}, r"`rejects` cannot be `drop`\n  next: .*`raise`"),
        ({"by": "decade"}, "decade"),
        ({"encoder": "no-such-encoder"}, "no-such-encoder"),
    ]:
        with pytest.raises(tl.UsageError, match=said):
            on_spark.score(df, folder, **wrong)
    with pytest.raises(tl.UsageError, match="two columns are named `text`\n  next: "):
        on_spark.score(df.selectExpr("id", "text", "id AS text"), folder)
    with pytest.raises(tl.UsageError, match=r"a list is no data frame of Spark\n  next: "):
        on_spark.score(generated, folder)
    with pytest.raises(tl.UsageError, match=r"n_documents 0 is out of range\n  next: "):
        on_spark.fit(df, n_documents=0)
    with pytest.raises(tl.UsageError, match="not a theme model"):
        on_spark.score(df, b"{}")


def test_without_spark_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    said = r'pyspark, which is not installed\n  next: pip install "themeline\[spark\]"'
    with pytest.raises(tl.UsageError, match=said):
        on_spark.score(None, folder)


def test_a_sample_is_the_same_in_any_partitions_and_order(spark: SparkSession, generated: Records) -> None:
    df = spark.createDataFrame(generated, COLUMNS)
    turned = spark.createDataFrame(generated[::-1], COLUMNS).repartition(7)
    fitted = on_spark.fit(df, n_documents=60, max_emergent=2, progress=False)
    assert on_spark.fit(turned, n_documents=60, max_emergent=2, progress=False).to_json() == fitted.to_json()
    other = on_spark.fit(df, n_documents=60, seed=2, max_emergent=2, progress=False)
    assert "of 60 documents" in repr(fitted) and "of 60 documents" in repr(other)
    taken = [on_spark._sample(df, ["id", "text"], 60, seed)["id"].to_pylist() for seed in (1, 2)]
    assert 0 < len(set(taken[0]) & set(taken[1])) < 40
    named = on_spark.score(df.limit(5), fitted.to_json().encode()).select("theme").distinct().collect()
    assert {row["theme"] for row in named} == set(fitted.ids)


def test_a_sample_holds_no_more_than_the_driver_does(
    spark: SparkSession, generated: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    df = spark.createDataFrame(generated, COLUMNS)
    whole = on_spark._sample(df, ["id", "text"], 300, 1)
    assert len(whole) == 300
    monkeypatch.setattr(on_spark, "_SAMPLE_BYTES", 2_000)
    taken = on_spark._sample(df, ["id", "text"], 300, 1)
    assert taken == whole.slice(0, len(taken))
    n_bytes = [len(text.encode()) for text in taken["text"].to_pylist()]
    assert sum(n_bytes[:-1]) < 2_000 <= sum(n_bytes)


def test_chunks_hold_all_rows_once_in_order_and_no_more_than_asked(generated: Records) -> None:
    table = pa.Table.from_pylist(generated).select(["id", "text"])
    whole = table.combine_chunks().to_batches()[0]
    empty = whole.slice(0, 0)
    for batches in [[whole], table.to_batches(max_chunksize=9), [empty, whole.slice(5, 200), empty, whole.slice(250)]]:
        for most in [1, 3_000, 8 << 20]:
            chunks = list(_worker.chunks(batches, most))
            assert pa.concat_tables(chunks) == pa.Table.from_batches(batches)
            for chunk in chunks:
                n_bytes = sum(len(text.encode()) + 256 for text in chunk["text"].to_pylist())
                assert len(chunk) == 1 or n_bytes <= most


def test_themes_and_their_encoder_are_opened_once_a_process(folder: Path, generated: Records) -> None:
    themes, options = (folder / "themes.json").read_bytes(), json.dumps({"threads": 1, "max_reject_rate": 1.0})
    batches = pa.Table.from_pylist(generated[:40]).select(["id", "text", "date"]).to_batches()
    _worker.read.cache_clear()
    _worker.opened.cache_clear()
    for _ in range(2):
        # Two tasks of one worker: each is sent the bytes anew.
        work = on_spark.Work(bytes(bytearray(themes)), options, ["id", "text", "date"], "units", "raise", 3_000)
        assert sum(batch.num_rows for batch in dataclasses.replace(work).of(iter(batches))) > 40
    assert (_worker.read.cache_info().misses, _worker.opened.cache_info().misses) == (1, 1)
    assert _worker.opened.cache_info().hits > 4


def test_what_a_chunk_knows_of_copies_is_not_said(folder: Path, generated: Records) -> None:
    texts = [generated[40]["text"], generated[40]["text"], "They met. " + generated[40]["text"][:3_000]]
    table = pa.table({"id": ["a", "b", "c"], "text": texts})
    options = json.dumps({"threads": 1, "max_reject_rate": 1.0})
    themes = (folder / "themes.json").read_bytes()
    for name, column in OF_COPIES.items():
        marks = getattr(tl.load_themes(folder).score(table, progress=False), name).to_arrow()[column]
        assert marks.null_count < len(marks), name
        work = on_spark.Work(themes, options, ["id", "text"], name, "raise", 8 << 20)
        (batch,) = work.of(iter(table.to_batches()))
        assert batch.column(column).null_count == batch.num_rows == len(marks), name
        assert batch.column(column).type == marks.type
    assert batch.column("n_repeated_units").to_pylist() == [0, 0, 0]


def shares_of_trends(run: tl.Run) -> dict[tuple[str, str], float]:
    """The shares of `trends.json` by theme and period, but for what no theme takes."""
    shares = json.loads((run.path / "trends.json").read_text(encoding="utf-8"))["shares"]
    return {(row["theme"], row["period"]): row["share"] for row in shares if row["theme"] != "none"}


class Page:
    """What docs/scale.md shows of Python, run in its order."""

    def __init__(self, df: DataFrame) -> None:
        text = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
        self.blocks = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        self.names: dict[str, Any] = {"spark": df.sparkSession, "df": df}

    def run(self, *, of: str) -> None:
        """Runs the one block with these words."""
        (block,) = [block for block in self.blocks if of in block]
        exec(compile(block, f"docs/scale.md: {of}", "exec"), self.names)  # noqa: S102


def test_shares_in_sql_are_those_of_the_command_and_the_page_runs(
    spark: SparkSession, folder: Path, generated: Records, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    twice = generated + [{**record, "id": f"{record['id']}-again"} for record in generated if record["id"] < "d030"]
    page = Page(spark.createDataFrame(twice, COLUMNS).repartition(4))
    page.run(of="themeline.spark.fit")
    assert len(page.blocks) == 4
    shutil.copy("themes.json", tmp_path / "command-themes.json")
    for copies in ["all", "once"]:
        if copies == "once":
            page.run(of="row_number")
            assert page.names["df"].count() == 300
            page.names["scores"] = on_spark.score(page.names["df"], "themes.json")
            page.run(of="themeline.spark.compare")
            assert len((tmp_path / "trends.csv").read_text().splitlines()) > 5
        page.run(of="nullif")
        ours = {(row["theme"], row["period"]): row for row in page.names["shares"].collect()}
        (tmp_path / copies).mkdir()
        theirs = shares_of_trends(scored_by_command(tmp_path / copies, tmp_path, twice, copies=copies))
        assert len(theirs) == 5 * len(tl.load_themes("themes.json"))
        assert ours.keys() == theirs.keys()
        assert {key: row["share"] for key, row in ours.items()} == pytest.approx(theirs, abs=1e-9)


def of_one_process(run: tl.Run, table: str) -> Records:
    """Rows of `trends.json`, but for what a closer look says."""
    trends = json.loads((run.path / "trends.json").read_text(encoding="utf-8"))
    closer = {"mix", "robustness", "share_with_copies"}
    return [{name: value for name, value in row.items() if name not in closer} for row in trends[table]]


def test_periods_compare_as_in_one_process(
    spark: SparkSession, folder: Path, generated: Records, generated_by_command: tl.Run
) -> None:
    df = spark.createDataFrame(generated, COLUMNS).repartition(3)
    scores = on_spark.score(df, folder)
    found = on_spark.compare(scores, folder)
    trends = found.trends.to_pylist()
    theirs = of_one_process(generated_by_command, "shares")
    assert len(trends) == 5 * 12 == len(theirs)
    for ours, their in zip(trends, theirs):
        assert {name: ours[name] for name in ours} == pytest.approx({name: their[name] for name in ours}, abs=3e-6)
    theirs = of_one_process(generated_by_command, "comparisons")
    ours = found.comparisons.to_pylist()
    assert len(ours) == 4 * 11
    for row, their in zip(ours, theirs):
        assert (row["verdict"], row["sentence"]) == (their["verdict"], their["sentence"])
        assert row["p"] == pytest.approx(their["p"]) and row["n_documents_to"] == their["n_documents_to"]
    assert json.loads(found.to_json())["copies"] == "all"


def test_large_periods_are_compared_in_groups_of_documents(
    spark: SparkSession, folder: Path, generated: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    df = spark.createDataFrame(generated, COLUMNS)
    scores = on_spark.score(df, folder).cache()
    single = {(row["theme"], row["period"]): row for row in on_spark.compare(scores, folder).trends.to_pylist()}
    monkeypatch.setattr(on_spark, "_MANY", 30)
    monkeypatch.setattr(on_spark, "_GROUPS", 25)
    grouped = on_spark.compare(scores, folder, between=["2019..2020,2021..2023"])
    assert len(on_spark._summed(scores, tl.load_themes(folder).ids, None)) <= 6 * 25
    for row in grouped.trends.to_pylist():
        alone = single[row["theme"], row["period"]]
        exact = ("n_documents", "n_units", "small")
        assert [row[name] for name in exact] == [alone[name] for name in exact]
        assert row["share"] == pytest.approx(alone["share"], abs=3e-6)
        if row["theme"] != "none" and row["share"] > 0.05:
            assert 0.4 < row["se"] / alone["se"] < 2.5
    again = on_spark.compare(scores.repartition(7), folder, between=["2019..2020,2021..2023"])
    assert again.to_json() == grouped.to_json()
    named = [row for row in grouped.comparisons.to_pylist() if row["family"] == "named"]
    assert {(row["from"], row["n_documents_from"]) for row in named} == {("2019..2020", 113)}
    by_half = scores.selectExpr("*", "CASE WHEN document < 'd150' THEN 'first' ELSE 'second' END AS half")
    halves = on_spark.compare(by_half, folder, group="half").trends.to_pylist()
    assert {row["group"] for row in halves} == {None, "first", "second"}
    for wrong, said in [
        ({"group": "country"}, r"no column `country`.*\n  next: .*joined with the group"),
        ({"between": ["2019"]}, "names no two periods"),
        ({"between": ["1999,2020"]}, "no documents in 1999"),
        ({"resamples": 5}, "--resamples 5 is out of range"),
    ]:
        with pytest.raises(tl.UsageError, match=said):
            on_spark.compare(scores, folder, **wrong)
    with pytest.raises(tl.UsageError, match="no column `document`"):
        on_spark.compare(df, folder)
    with pytest.raises(tl.UsageError, match="no document is in a period"):
        on_spark.compare(scores.where("period IS NULL"), folder)
