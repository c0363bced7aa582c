"""Every file of a folder loads in one line in pandas, polars and DuckDB: by the lines of docs/output.md."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from pathlib import Path

import duckdb
import matplotlib
import pandas as pd
import polars as pl
import pytest
from conftest import ROOT, command

matplotlib.use("Agg")

ENGINES = ["pd", "pl", "duckdb"]
# What a text must stay, whatever it looks like.
TEXTS = {"id", "document", "date", "period", "group", "duplicate_of", "copy_of", "cluster", "from", "to", "theme"}


@dataclass
class Loaded:
    """What a line of the documentation gives: its rows as dictionaries, and how it was written."""

    line: str
    columns: list[str]
    types: dict[str, str]
    rows: list[dict[str, object]]


def notes(all_days: bool) -> str:
    """Notes with ids that look like numbers; dated to the day, or also to the month and the year; a copy, one
    without a date, and one record that is none."""
    lines = []
    for k in range(40):
        year, often = (2021, 2) if k < 20 else (2022, 9)
        about = "build a new harbour and a railway line" if k % 10 < often else "discuss the training of nurses"
        date = [f"{year}-03-{1 + k % 28:02}", f"{year}-04", f"{year}"][0 if all_days else k % 3]
        lines.append({"id": f"{k:03}", "date": date, "text": f"Note {k}. The two sides agreed to {about}.", "n": k})
    lines.append({**lines[0], "id": "0e5"})
    lines.append({"id": "1", "text": "The harbour has no date."})
    lines.append({"id": "00", "date": "2021"})
    return "".join(json.dumps(line) + "\n" for line in lines)


@pytest.fixture(scope="module", params=["days", "days, months and years"])
def folders(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder with every file, and its export, by the names that the documentation has for them."""
    root = tmp_path_factory.mktemp("files")
    (root / "notes.jsonl").write_text(notes(request.param == "days"), encoding="utf-8")
    code = {"doc": "000", "text": "The two sides agreed to build a new harbour and a railway line.", "themes": []}
    (root / "codes.jsonl").write_text(json.dumps(code) + "\n", encoding="utf-8")
    dir, csv = root / "results", root / "csv"
    command("run", root / "notes.jsonl", "--out", dir, "--units", "jsonl", "--max-reject-rate", 0.1, "--quiet")
    command("validate", dir, "--codes", root / "codes.jsonl")
    command("export", dir, "--out", csv)
    return {"DIR": dir, "FOLDER": csv}


def blocks() -> list[str]:
    """The Python of docs/output.md."""
    text = (ROOT / "docs" / "output.md").read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def run_block(block: str, folders: dict[str, Path]) -> list[tuple[str, object]]:
    """Runs a block as it stands, but for the folders; gives each expression of it with its value."""
    names = {"pd": pd, "pl": pl, "duckdb": duckdb, "json": json}
    given = []
    for statement in ast.parse(block).body:
        line = ast.get_source_segment(block, statement)
        assert line is not None
        code = line
        for name, folder in folders.items():
            code = code.replace(f"{name}/", f"{folder}/")
        if isinstance(statement, ast.Expr):
            given.append((line, eval(code, names)))
        else:
            exec(code, names)
    return given


@pytest.fixture(scope="module")
def loaded(folders: dict[str, Path]) -> dict[tuple[str, str], Loaded]:
    """For each file and engine the first line of the documentation that loads it."""
    found: dict[tuple[str, str], Loaded] = {}
    for block in blocks():
        for line, value in run_block(block, folders):
            engine, file = line.split(".")[0], re.search(r"(?:DIR|FOLDER)/([\w.]+)", line)
            if engine in ENGINES and file:
                found.setdefault((file[1], engine), table(line, value))
    return found


def table(line: str, value: object) -> Loaded:
    if isinstance(value, pd.DataFrame):
        types = {str(name): str(type_) for name, type_ in value.dtypes.items()}
        rows = [{str(name): cell for name, cell in row.items()} for row in value.to_dict("records")]
        return Loaded(line, list(types), types, rows)
    if isinstance(value, pl.DataFrame):
        types = {name: str(type_) for name, type_ in value.schema.items()}
        return Loaded(line, list(types), types, value.to_dicts())
    if isinstance(value, duckdb.DuckDBPyRelation):
        types = {name: str(type_) for name, type_ in zip(value.columns, value.types, strict=True)}
        rows = [dict(zip(value.columns, row, strict=True)) for row in value.fetchall()]
        return Loaded(line, list(types), types, rows)
    return Loaded(line, [], {}, [])


def is_null(value: object) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def expected(folder: Path, name: str) -> list[dict[str, object]]:
    """The rows of a file, read in the plainest way."""
    text = (folder / name).read_text(encoding="utf-8") if name.endswith(".jsonl") else ""
    return [json.loads(line) for line in text.splitlines()]


def test_every_file_has_a_line_for_every_engine(
    folders: dict[str, Path], loaded: dict[tuple[str, str], Loaded]
) -> None:
    files = {path.name for path in folders["DIR"].iterdir()} - {"report.html"}
    assert len(files) == 12
    missing = [(file, engine) for file in files for engine in ENGINES if (file, engine) not in loaded]
    assert missing == []
    assert all(loaded[key].rows for key in loaded), [key for key in loaded if not loaded[key].rows]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("file", ["documents.jsonl", "units.jsonl", "copies.jsonl", "rejects.jsonl"])
def test_lines_are_the_rows_that_they_were(
    file: str, engine: str, folders: dict[str, Path], loaded: dict[tuple[str, str], Loaded]
) -> None:
    rows = expected(folders["DIR"], file)
    found = loaded[file, engine]
    assert len(found.rows) == len(rows)
    assert found.columns == list(rows[0])
    for row, wanted in zip(found.rows, rows, strict=True):
        for name, value in wanted.items():
            same_value(row[name], value, f"{found.line}: {name}")


def same_value(found: object, wanted: object, place: str) -> None:
    if wanted is None:
        assert is_null(found), place
    elif isinstance(wanted, str | int | float):
        assert found == wanted and isinstance(found, str) == isinstance(wanted, str), (place, found, wanted)
    elif isinstance(wanted, dict) and isinstance(found, dict):
        for name, value in wanted.items():
            same_value(found[name], value, f"{place}.{name}")
    elif isinstance(wanted, list):
        assert len(found) == len(wanted), place  # type: ignore[arg-type]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("file", ["scores.parquet", "units.parquet", "trends.parquet"])
def test_parquet_has_the_rows_types_and_nulls_of_the_data_dictionary(
    file: str, engine: str, folders: dict[str, Path], loaded: dict[tuple[str, str], Loaded]
) -> None:
    package = json.loads((folders["DIR"] / "datapackage.json").read_text(encoding="utf-8"))
    fields = next(resource for resource in package["resources"] if resource["path"] == file)["schema"]["fields"]
    found = loaded[file, engine]
    assert found.columns == [field["name"] for field in fields]
    documents, units = (expected(folders["DIR"], f"{name}.jsonl") for name in ["documents", "units"])
    n_themes = len(documents[0]["themes"])  # type: ignore[arg-type]
    n_rows = {"scores.parquet": len(documents) * n_themes, "units.parquet": len(units)}
    assert len(found.rows) == n_rows.get(file, 2 * (n_themes + 1))
    kinds = {"string": str, "integer": int, "number": float, "boolean": bool}
    n_null = 0
    for row in found.rows:
        for field in fields:
            value = row[field["name"]]
            if field["type"] == "array":
                continue
            if is_null(value):
                n_null += 1
                assert not field.get("constraints", {}).get("required"), (found.line, field["name"])
            else:
                assert isinstance(value, kinds[field["type"]]), (found.line, field["name"], value)
    assert n_null > 0
    if file != "trends.parquet":
        assert {"007", "0e5", "1"} <= {row["document"] for row in found.rows}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("file", ["documents.jsonl", "units.jsonl", "scores.parquet", "units.parquet", "documents.csv"])
def test_dates_and_ids_stay_text(file: str, engine: str, loaded: dict[tuple[str, str], Loaded]) -> None:
    found = loaded[file, engine]
    for name in TEXTS & set(found.columns):
        values = [row[name] for row in found.rows if not is_null(row[name])]
        assert all(isinstance(value, str) for value in values), (found.line, name, found.types[name])
    assert "007" in {row.get("id", row.get("document")) for row in found.rows}, found.line


@pytest.mark.parametrize("engine", ENGINES)
def test_an_export_has_the_rows_of_its_file_and_empty_fields_are_null(
    engine: str, folders: dict[str, Path], loaded: dict[tuple[str, str], Loaded]
) -> None:
    documents = expected(folders["DIR"], "documents.jsonl")
    found = loaded["documents.csv", engine].rows
    assert len(found) == len(documents)
    for row, document in zip(found, documents, strict=True):
        for name in ["id", "date", "period", "duplicate_of", "similarity", "n_units"]:
            same_value(row[name], document[name], f"{engine}: {name}")
        assert row["none_share"] == document["none"]["share"]  # type: ignore[index]


@pytest.mark.parametrize("engine", ENGINES)
def test_lists_of_json_files_have_all_their_rows(
    engine: str, folders: dict[str, Path], loaded: dict[tuple[str, str], Loaded]
) -> None:
    def whole(name: str) -> dict[str, list[dict[str, object]]]:
        return json.loads((folders["DIR"] / name).read_text(encoding="utf-8"))

    comparisons = whole("trends.json")["comparisons"]
    found = loaded["trends.json", engine].rows
    assert [row["sentence"] for row in found] == [row["sentence"] for row in comparisons]
    for row, wanted in zip(found, comparisons, strict=True):
        for name in ["theme", "from", "to", "group", "difference", "p", "q"]:
            same_value(row[name], wanted[name], f"{engine}: {name}")
    themes = [theme["id"] for theme in whole("themes.json")["themes"]]
    assert [row["id"] for row in loaded["themes.json", engine].rows] == themes


def test_columns_are_described_in_one_table(folders: dict[str, Path]) -> None:
    (described,) = [
        value for block in blocks() for line, value in run_block(block, folders) if "for field in" in line
    ]
    assert isinstance(described, pd.DataFrame)
    assert {"file", "name", "type", "description", "constraints"} <= set(described.columns)
    share = described[(described["file"] == "scores.parquet") & (described["name"] == "share")]
    assert share["constraints"].item() == {"required": True, "minimum": 0, "maximum": 1}
