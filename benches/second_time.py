#!/usr/bin/env python3
"""What the kept vectors are worth: a corpus without them, with none yet, and again with another codebook; and
`score` with the themes of that.

    cargo build --release && benches/second_time.py CORPUS.jsonl [ENCODER]

The encoder is `reader` by default. The other codebook has one term more. Last it says what the
time of `score` goes to, and how long one short document takes. Each of three rounds begins with an empty cache.
"""

import filecmp
import json
import statistics
import sys
import tempfile
from pathlib import Path

from measured import measured
from scaling import BINARY

ROUNDS = 3
BUILT_IN = Path(__file__).resolve().parents[1] / "seeds" / "cooperation.toml"


def main():
    corpus, encoder = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "reader"
    seconds = {name: [] for name in ("without", "first", "second", "score without", "score")}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            other = folder / "other.toml"
            other.write_text(BUILT_IN.read_text().replace("terms = [", 'terms = ["themeline-bench", ', 1))
            jobs = {"without": ["--max-cache-bytes", 0], "first": [], "second": ["--codebook", other]}
            for job, more in jobs.items():
                command = [BINARY, "run", corpus, "--encoder", encoder, "--out", folder / job, "--quiet"]
                command += ["--cache-dir", folder / "cache", *more]
                seconds[job].append(measured(command)[0])
            for job, more in {"score without": ["--max-cache-bytes", 0], "score": []}.items():
                command = [BINARY, "score", corpus, "--themes", folder / "second" / "themes.json", "--quiet"]
                command += ["--out", folder / job, "--cache-dir", folder / "cache", *more]
                seconds[job].append(measured(command)[0])
            if not filecmp.cmp(folder / "without" / "scores.parquet", folder / "first" / "scores.parquet", shallow=False):
                sys.exit("scores are others with the cache")
            timings = json.loads((folder / "score" / "run.json").read_text())["timings"]
            one = folder / "one.txt"
            one.write_text("The ministers agreed to build a railway and to lower tariffs.")
            command = [BINARY, "score", one, "--themes", folder / "second" / "themes.json", "--quiet"]
            command += ["--out", folder / "one", "--cache-dir", folder / "cache"]
            seconds.setdefault("one document", []).append(measured(command)[0])
            megabytes = sum(file.stat().st_size for file in (folder / "cache").iterdir()) / 1e6
    for one in seconds.pop("one document"):
        print(f"one document, from start to its scores: {one:.2f} s")
    for job, found in seconds.items():
        without = seconds["score without" if job.startswith("score") else "without"]
        ratios = [slow / own for slow, own in zip(without, found)]
        spread = f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"
        print(f"{job}: {', '.join(f'{s:.2f}' for s in found)} s; {spread} times as fast as without")
    print("the last `score`, by stage: " + ", ".join(f"{stage} {time:.2f} s" for stage, time in timings.items()))
    print(f"cache: {megabytes:.1f} MB")


if __name__ == "__main__":
    main()
