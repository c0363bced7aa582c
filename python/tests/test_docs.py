"""The Python that docs/python.md and docs/case-un.md show runs, on what a run leaves (docs/output.md: test_files.py)."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pytest
from conftest import ROOT, command

import themeline as tl

CODES = ROOT / "examples" / "codes" / "readouts.jsonl"


def blocks(page: str) -> list[tuple[str, str]]:
    """The Python blocks of a page, each with its place."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    found = re.finditer(r"^```python[^\n]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [(f"docs/{page}:{text.count(chr(10), 0, block.start()) + 1}", block[1]) for block in found]


SHOWN = [block for page in ["python.md", "case-un.md"] for block in blocks(page)]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Path:
    """A folder in which what the pages speak of lies: finished runs, and a validation."""
    desk = tmp_path_factory.mktemp("desk")
    for name in ["DIR", "results", "un"]:
        shutil.copytree(folder, desk / name)
    validated = command("validate", desk / "DIR", "--codes", CODES, "--json")
    (desk / "validation.json").write_text(validated.stdout, encoding="utf-8")
    return desk


def test_the_pages_show_python() -> None:
    assert len(SHOWN) >= 3


@pytest.mark.parametrize(("place", "code"), SHOWN, ids=[place for place, _ in SHOWN])
def test_what_is_shown_runs(place: str, code: str, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk)
    frame = pd.DataFrame({"key": ["a", "b"], "day": ["2024-05-01", None], "body": ["They spoke of ports.", "Thanks."]})
    names = {"json": json, "pd": pd, "pl": pl, "duckdb": duckdb, "tl": tl, "frame": frame}
    exec(compile(code, place, "exec"), names)  # noqa: S102
