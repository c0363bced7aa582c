"""Runs and folders: what Python makes is what the command makes."""

from __future__ import annotations

import _thread
import inspect
import json
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from conftest import READOUTS, command, installed

import themeline as tl
from themeline import _themeline


def test_a_run_writes_the_bytes_that_the_command_writes(folder: Path, run: tl.Run) -> None:
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted(path.name for path in run.path.iterdir())
    for name in set(names) - {"run.json"}:
        assert (run.path / name).read_bytes() == (folder / name).read_bytes(), name
    assert run.record["fingerprint"] == tl.read(folder).record["fingerprint"]


def test_tables_hold_what_the_files_hold(run: tl.Run) -> None:
    for name in ["scores", "units", "trends"]:
        file = pd.read_parquet(run.path / f"{name}.parquet")
        pd.testing.assert_frame_equal(getattr(run, name).to_pandas(), file)
        assert len(getattr(run, name)) == len(file)
    lines = [json.loads(line) for line in (run.path / "documents.jsonl").open(encoding="utf-8")]
    for row, line in zip(run.documents.to_pylist(), lines, strict=True):
        assert json.loads(row.pop("metadata")) == line["metadata"]
        assert row.pop("none_share") == line["none"]["share"]
        assert row == {name: line[name] for name in row}
    trends = json.loads((run.path / "trends.json").read_text(encoding="utf-8"))
    for row, comparison in zip(run.comparisons.to_pylist(), trends["comparisons"], strict=True):
        robustness, theirs = row.pop("robustness"), comparison["robustness"]
        assert robustness == (theirs and {name: theirs[name] for name in ["robust", "sentence"]})
        assert row.pop("mix") == [
            {name: mix[name] for name in ["field", "content", "mix", "turnover", "sentence"]}
            for mix in comparison["mix"]
        ]
        assert row == {name: comparison[name] for name in row}
    assert len(run.comparisons) > 0
    assert len(run.copies) == sum(1 for _ in (run.path / "copies.jsonl").open())
    assert len(run.rejects) == 0 and run.rejects.columns[0] == "file"
    assert run.counts["in"] == 22


def test_tables_are_taken_over_without_a_copy(run: tl.Run) -> None:
    assert len(run.units) > 100
    before = pa.total_allocated_bytes()
    table = pa.table(run.units)
    assert pa.total_allocated_bytes() == before
    assert pl.DataFrame(run.units).height == table.num_rows == len(run.units)


def test_every_option_of_the_engine_has_its_name_here() -> None:
    def options(function: object) -> set[str]:
        return set(inspect.signature(function).parameters) - {"self", "inputs", "out", "config", "progress"}

    names = set(_themeline.option_names())
    assert {"codebook", "by", "seed", "threads", "max_reject_rate"} <= names
    assert options(tl.run) == names
    assert options(tl.fit) <= names
    assert options(tl.Themes.score_files) <= names
    shown = command("run", "--help").stdout
    assert all(f"--{name.replace('_', '-')}" in shown for name in names)


def test_options_reach_the_engine(tmp_path: Path) -> None:
    run = tl.run([READOUTS], out=tmp_path / "out", by="quarter", seed=7, max_emergent=0, threads=1, progress=False)
    options = run.record["options"]
    assert (options["by"], options["seed"], options["max_emergent"]) == ("quarter", 7, 0)
    assert run.record["n_threads"] == 1
    assert {row["period"][4:6] for row in run.trends.to_pylist()} == {"-Q"}


def test_a_folder_that_is_no_run_or_lacks_a_table_is_named_with_what_to_do(
    folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(tl.UsageError, match=r"it has no run.json\n  next: run `themeline run`") as caught:
        tl.read(tmp_path)
    assert isinstance(caught.value, ValueError)
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / "scores.parquet").unlink()
    with pytest.raises(tl.UsageError, match=r"copy: it has no scores.parquet\n  next: run `themeline run`"):
        tl.read(copy).scores
    assert len(tl.read(copy).units) > 0
    record = (copy / "run.json").read_text().replace("themeline/run/1", "themeline/run/2")
    (copy / "run.json").write_text(record)
    with pytest.raises(tl.UsageError, match=r"(?s)`themeline/run/2`, written by a later version.*next: update"):
        tl.read(copy)


def test_a_table_of_a_later_version_is_named(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    lines = (copy / "documents.jsonl").read_text(encoding="utf-8")
    (copy / "documents.jsonl").write_text(lines.replace("documents/1", "documents/3"), encoding="utf-8")
    with pytest.raises(tl.UsageError, match=r"documents.jsonl: .*later version"):
        tl.read(copy).documents
    table = pa.table(tl.read(copy).scores)
    later = table.replace_schema_metadata({b"themeline.schema": b"themeline/scores/2"})
    import pyarrow.parquet

    pyarrow.parquet.write_table(later, copy / "scores.parquet")
    with pytest.raises(tl.UsageError, match=r"scores.parquet: .*later version"):
        tl.read(copy).scores


def test_errors_have_the_words_of_the_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [installed(), "run", "no-such-folder", "--out", str(tmp_path / "out")], capture_output=True, text=True
    )
    assert done.returncode == 2
    with pytest.raises(tl.UsageError) as caught:
        tl.run("no-such-folder", out=tmp_path / "out", progress=False)
    assert done.stderr == f"error: {caught.value}\n"
    with pytest.raises(tl.UsageError, match="--max-evidence 0 is out of range"):
        tl.run(READOUTS, out=tmp_path / "out", max_evidence=0, progress=False)
    with pytest.raises(tl.UsageError, match="decade"):
        tl.run(READOUTS, out=tmp_path / "out", by="decade", progress=False)
    with pytest.raises(TypeError, match="threds"):
        tl.run(READOUTS, out=tmp_path / "out", threds=2)
    with pytest.raises(TypeError, match="inputs are paths"):
        tl.run(7, out=tmp_path / "out", progress=False)


def test_the_wheel_installs_the_command() -> None:
    assert command("--version", by=installed()).stdout == f"themeline {tl.__version__}\n"
    missing = subprocess.run([installed(), "run"], capture_output=True, text=True)
    assert missing.returncode == 2 and "--out" in missing.stderr
    module = [sys.executable, "-m", "themeline._command", "schema", "scores"]
    assert json.loads(subprocess.run(module, capture_output=True, text=True).stdout)["title"]


def test_others_run_meanwhile(tmp_path: Path) -> None:
    ticks = 0
    thread = threading.Thread(target=lambda: tl.run(READOUTS, out=tmp_path / "out", progress=False))
    thread.start()
    while thread.is_alive():
        time.sleep(0.001)
        ticks += 1
    assert ticks > 20
    assert (tmp_path / "out" / "run.json").is_file()


@pytest.mark.parametrize("seconds", [0.01, 0.03, 0.06, 0.09, 0.12, 0.15, 0.2])
def test_an_interrupt_is_raised_and_the_folder_is_whole_or_empty(tmp_path: Path, seconds: float) -> None:
    out = tmp_path / "out"
    threading.Timer(seconds, _thread.interrupt_main).start()
    with pytest.raises(KeyboardInterrupt):
        tl.run(READOUTS, out=out, progress=False)
        time.sleep(5)  # where the run was faster than the interrupt
    left = {path.name for path in out.iterdir()} if out.exists() else set()
    assert left in (set(), {".resume"}) or ("run.json" in left and ".resume" not in left)
    again = tl.run(READOUTS, out=out, progress=False)
    whole = tl.run(READOUTS, out=tmp_path / "whole", progress=False)
    for name in ("documents.jsonl", "scores.parquet", "report.html"):
        assert (again.path / name).read_bytes() == (whole.path / name).read_bytes()


def test_what_the_progress_raises_ends_the_work(tmp_path: Path) -> None:
    told = []

    def tell(stage: str, n: int) -> None:
        told.append(stage)
        if stage == "scoring":
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        _themeline.run([str(READOUTS)], tmp_path / "out", "{}", None, tell)
    assert told[0] == "reading" and "writing" not in told
    assert not (tmp_path / "out" / "run.json").exists()


def test_progress_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tl.run(READOUTS, out=tmp_path / "out")
    assert "records" in capsys.readouterr().err
    tl.run(READOUTS, out=tmp_path / "out", progress=False)
    assert capsys.readouterr().err == ""


def test_a_notebook_shows_trends_and_themes(run: tl.Run) -> None:
    html = run.trends._repr_html_()
    assert html.count("<tr>") == 1 + len(run.themes) + 1
    assert 'scope="col">2024<' in html and "documents" in html
    assert "connectivity" in run.themes._repr_html_()
    assert "22 in" in run._repr_html_()
    assert run.units._repr_html_().endswith("more rows</p>")


def test_everything_public_is_documented_and_the_stub_is_whole() -> None:
    for name in tl.__all__:
        assert getattr(tl, name).__doc__, name
    for cls in [tl.Run, tl.Themes, tl.Scored, tl.Table]:
        for name, member in vars(cls).items():
            if not name.startswith("_"):
                assert inspect.getdoc(member), f"{cls.__name__}.{name}"
    stub = Path(tl.__file__).with_name("_themeline.pyi").read_text()
    native = [name for name in dir(_themeline) if not name.startswith("_")]
    assert native and all(f"def {name}(" in stub or f"class {name}:" in stub for name in native)
