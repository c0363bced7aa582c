"""What the tests share: the example corpus, the command, and a run of each."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

import themeline as tl

ROOT = Path(__file__).resolve().parents[2]
READOUTS = ROOT / "examples" / "readouts"


def binary() -> str:
    """The command: as cargo builds it where THEMELINE_BIN names that, else as the wheel installs it."""
    return os.environ.get("THEMELINE_BIN") or installed()


def installed() -> str:
    """The command as the wheel installs it."""
    found = shutil.which("themeline", path=sysconfig.get_path("scripts"))
    assert found, "the wheel installs no command"
    return found


def command(*arguments: object, by: str | None = None) -> subprocess.CompletedProcess[str]:
    """Runs the command, which must succeed."""
    done = subprocess.run([by or binary(), *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command writes of the example corpus."""
    out = tmp_path_factory.mktemp("command") / "out"
    command("run", READOUTS, "--out", out, "--quiet")
    return out


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> tl.Run:
    """What Python makes of the example corpus."""
    return tl.run(READOUTS, out=tmp_path_factory.mktemp("python") / "out", progress=False)


@pytest.fixture(scope="session")
def records() -> list[dict[str, object]]:
    """Records to score: the example texts, one of them twice, one with a day, one without text."""
    paths = sorted(READOUTS.rglob("*.txt"))
    texts = [path.read_text(encoding="utf-8") for path in paths]
    records = [{"id": f"r{n}", "date": "2024-05-01", "text": text} for n, text in enumerate(texts)]
    records[1]["date"] = None
    records.append({"id": "again", "date": "2024-06-01", "text": texts[0]})
    records.append({"id": "empty", "date": "2024-06-01", "text": None})
    return records


@pytest.fixture(scope="session")
def scored_by_command(
    tmp_path_factory: pytest.TempPathFactory, folder: Path, records: list[dict[str, object]]
) -> tl.Run:
    """What the command makes of the same records as JSON Lines."""
    dir = tmp_path_factory.mktemp("score")
    lines = dir / "records.jsonl"
    lines.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    command(
        "score", lines, "--themes", folder / "themes.json", "--out", dir / "out", "--quiet", "--max-reject-rate", 0.5
    )
    return tl.read(dir / "out")
