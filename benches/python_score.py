"""Time of scoring a table from Python beside those of the command on the same records.

    target/python/bin/python benches/python_score.py CORPUS.jsonl[.zst] [N_DOCUMENTS]

Both use the engine of the installed wheel, so that they differ in the way in and out alone: the command reads a
Parquet file and writes a folder, Python takes a pyarrow table and gives tables. Rounds alternate; the least time of each
counts.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import tempfile
import time
import warnings
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import themeline as tl

ROUNDS = 3


def corpus(path: str, n_documents: int) -> pa.Table:
    with pa.input_stream(path) as lines:
        rows = [json.loads(line) for line in lines.read().splitlines()[:n_documents]]
    return pa.Table.from_pylist([{name: row.get(name) for name in ["id", "date", "text"]} for row in rows])


def main() -> None:
    table = corpus(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 530)
    command = Path(sysconfig.get_path("scripts")) / "themeline"
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        dir = Path(folder)
        pq.write_table(table, dir / "corpus.parquet")
        themes = tl.fit(dir / "corpus.parquet", out=dir / "themes.json", max_emergent=0, progress=False)
        least = {"command": float("inf"), "python": float("inf")}
        for _ in range(ROUNDS):
            start = time.perf_counter()
            arguments = [dir / "corpus.parquet", "--themes", dir / "themes.json", "--out", dir / "out", "--quiet"]
            subprocess.run([command, "score", *arguments], check=True)
            least["command"] = min(least["command"], time.perf_counter() - start)
            start = time.perf_counter()
            scored = themes.score(table, progress=False)
            n_units, n_rows = len(scored.units), len(scored.scores)
            least["python"] = min(least["python"], time.perf_counter() - start)
    text = table.column("text").nbytes / 1e6
    print(f"{table.num_rows:,} documents, {text:.1f} MB of text, {n_units:,} units, {n_rows:,} rows of scores")
    for name, seconds in least.items():
        print(f"{name}: {seconds:.2f} s")
    print(f"python / command: {least['python'] / least['command']:.3f}")


if __name__ == "__main__":
    main()
