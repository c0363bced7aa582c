#!/usr/bin/env python3
"""Many short documents through `themeline score`, whole and killed at half: rate, memory, and the time to resume.

    cargo build --release && benches/many.py CORPUS.jsonl[.zst] [N] [--shuffled]

CORPUS has a document a line. Its sentences, from all of it, are made into N documents (100,000 by default): each comes
about four times, with words of its own, so that of any N as much is nearly the same. `--shuffled` puts the words of each
in an order of their own: then nothing is. The themes are fitted on CORPUS. Killed with half of its pieces kept, the job is
resumed; tables and report must be those of the undisturbed one, byte for byte.
"""

import filecmp
import json
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measured import measured
from scaling import BINARY, lines

BATCH = 256
# How often a sentence comes.
TIMES = 4


def write_documents(corpus, n, path, is_shuffled=False):
    sentences = []
    for line in lines(corpus):
        record = json.loads(line)
        found = re.split(r"(?<=[.!?])\s+", record["text"])
        sentences += [(record["date"], sentence) for sentence in found if 60 < len(sentence) < 400]
    sentences = sentences[:: max(1, len(sentences) * TIMES // n)]
    with open(path, "w", encoding="utf-8") as out:
        for i in range(n):
            date, text = sentences[i * 7919 % len(sentences)]
            text += f" This was item {i * 31 % 100003} of report {i} in session {i // len(sentences)}."
            if is_shuffled:
                words = text.split()
                random.Random(i).shuffle(words)
                text = " ".join(words)
            print(json.dumps({"id": f"d{i}", "date": date, "text": text}), file=out)


def kill_at(command, kept, n_pieces):
    """Runs a command until so many pieces are kept; seconds until it was killed."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while not kept.is_dir() or len(list(kept.iterdir())) <= n_pieces:
        if process.poll() is not None:
            sys.exit("it ended before it was killed")
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return time.perf_counter() - start


def main():
    corpus, *options = [argument for argument in sys.argv[1:] if argument != "--shuffled"]
    n, is_shuffled = int(options[0]) if options else 100_000, "--shuffled" in sys.argv
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        themes, documents = folder / "themes.json", folder / "documents.jsonl"
        measured([BINARY, "fit", corpus, "--out", themes, "--quiet"])
        write_documents(corpus, n, documents, is_shuffled)

        def score(out):
            return [BINARY, "score", documents, "--themes", themes, "--out", folder / out, "--quiet"]

        seconds, megabytes = measured(score("whole"))
        timings = json.loads((folder / "whole" / "run.json").read_text())["timings"]
        killed = kill_at(score("again"), folder / "again" / ".resume", n // BATCH // 2)
        resumed, _ = measured([BINARY, "resume", folder / "again"])
        for file in (folder / "whole").iterdir():
            if file.name != "run.json" and not filecmp.cmp(file, folder / "again" / file.name, shallow=False):
                sys.exit(f"{file.name} is another than in the undisturbed run")
        size = documents.stat().st_size / 1e6
        n_copies = len((folder / "whole" / "copies.jsonl").read_text().splitlines())
        print(f"{n:,} documents, {size:.0f} MB: {seconds:.1f} s, {n / seconds:,.0f} documents/s, {megabytes:.0f} MB at most, {n_copies:,} copies")
        print("by stage: " + ", ".join(f"{stage} {time:.1f} s" for stage, time in timings.items()))
        print(f"killed at half of the scoring, after {killed:.1f} s; resumed in {resumed:.1f} s; the same bytes")


if __name__ == "__main__":
    main()
