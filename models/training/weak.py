"""Takes the units of a finished run as texts with probabilities, to train from.

    themeline run TEXTS.jsonl --encoder FOLDER --out RUN
    python weak.py RUN UNITS.jsonl

A line of UNITS has `text` and `scores` by theme. Of units that no theme comes near, three in ten are kept, so
that they do not crowd out the rest. Needs pyarrow.
"""

import json
import random
import sys
from pathlib import Path

import pyarrow.parquet
from reader_model import THEMES

WORDS = range(5, 61)
NEAR = 0.15
KEPT_OF_THE_REST = 0.3


def main():
    run, out = sys.argv[1:]
    units = pyarrow.parquet.read_table(Path(run) / "units.parquet").to_pylist()
    random.seed(1)
    random.shuffle(units)
    seen, lines = set(), []
    for unit in units:
        text = " ".join(unit["text"].split())
        if text in seen or len(text.split()) not in WORDS:
            continue
        seen.add(text)
        if max(unit["scores"]) >= NEAR or random.random() < KEPT_OF_THE_REST:
            scores = dict(zip(THEMES, unit["scores"]))
            lines.append(json.dumps({"text": text, "scores": scores}, ensure_ascii=False) + "\n")
    Path(out).write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
