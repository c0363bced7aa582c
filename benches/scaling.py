#!/usr/bin/env python3
"""How the time and the memory of `themeline run` grow: with text, threads and themes.

    cargo build --release && benches/scaling.py CORPUS.jsonl[.zst]

CORPUS has a document a line; it is read in eighths, quarters, halves and whole, on one thread and on two, and
whole with codebooks of 12, 50 and 200 themes whose terms are drawn from its words. Every figure is the best of
three runs, each in its turn.
"""

import collections
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from measured import measured

BINARY = Path(__file__).resolve().parents[1] / "target" / "release" / "themeline"
ROUNDS = 3


def lines(path):
    if path.endswith(".zst"):
        done = subprocess.run(["zstd", "-dc", path], check=True, stdout=subprocess.PIPE)
        return done.stdout.decode().splitlines()
    return open(path, encoding="utf-8").read().splitlines()


def run(corpus, threads, codebook, out):
    """Seconds and megabytes of one run."""
    command = [BINARY, "run", corpus, "--out", out, "--threads", str(threads), "--quiet"]
    if codebook:
        command += ["--codebook", codebook]
    found = measured(command)
    shutil.rmtree(out)
    return found


def codebook(n_themes, documents, path):
    """Themes of ten words each, drawn from those of the corpus that are neither rare nor common."""
    counts = collections.Counter()
    for document in documents[::10]:
        counts.update(set(re.findall(r"[a-z]{5,}", json.loads(document)["text"].lower())))
    n = len(documents[::10])
    words = sorted(word for word, count in counts.items() if 0.01 * n < count < 0.3 * n)
    random.Random(1).shuffle(words)
    with open(path, "w", encoding="utf-8") as out:
        print(f'id = "drawn-{n_themes}"\nname = "Drawn"\nversion = "1"', file=out)
        for theme in range(n_themes):
            terms = json.dumps(words[10 * theme:10 * theme + 10])
            print(f'[[theme]]\nid = "t{theme}"\nname = "T{theme}"\nterms = {terms}', file=out)
    return path


def main():
    documents = lines(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        jobs = {}
        for part in (8, 4, 2, 1):
            corpus = folder / f"part-{part}.jsonl"
            corpus.write_text("\n".join(documents[::part]) + "\n", encoding="utf-8")
            for threads in (1, 2):
                jobs[f"{corpus.stat().st_size / 1e6:.0f} MB", f"{threads} threads"] = (corpus, threads, None)
        for n_themes in (12, 50, 200):
            book = codebook(n_themes, documents, folder / f"{n_themes}.toml")
            jobs["whole", f"{n_themes} themes, 2 threads"] = (folder / "part-1.jsonl", 2, book)
        found = collections.defaultdict(list)
        for _ in range(ROUNDS):
            for job, given in jobs.items():
                found[job].append(run(*given, folder / "out"))
        print("| text | | seconds | MB of text a second | peak MB |\n| --- | --- | --- | --- | --- |")
        for (text, what), runs in found.items():
            seconds, megabytes = min(s for s, _ in runs), max(m for _, m in runs)
            rate = jobs[text, what][0].stat().st_size / 1e6 / seconds
            print(f"| {text} | {what} | {seconds:.2f} | {rate:.1f} | {megabytes:.0f} |")


if __name__ == "__main__":
    main()
