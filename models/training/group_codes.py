"""Makes documents of coded sentences, and codes that point into them.

    python group_codes.py CODED.jsonl [--half dev|held] --documents DOCUMENTS.jsonl --codes CODES.jsonl

A line of CODED has `doc`, `text` and `themes` (or the Comparative Agendas Project's `label`), sentences of
a document in their order. A document is its sentences joined by a space; `start` of a code is its first byte
there. `--half` keeps the documents whose id has an even (dev) or odd (held) crc32.
"""

import argparse
import json
from pathlib import Path

from reader_model import half, read_jsonl


def themes(line):
    """The themes of a coded sentence; a label becomes the id of the topic, `Other` none."""
    if "themes" in line:
        return line["themes"]
    return [] if line["label"] == "Other" else [line["label"].lower().replace(" and ", "-").replace(" ", "-")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("coded")
    parser.add_argument("--half", choices=["dev", "held"])
    parser.add_argument("--documents", required=True)
    parser.add_argument("--codes", required=True)
    args = parser.parse_args()
    documents, codes = {}, []
    for line in read_jsonl(args.coded):
        if args.half and half(line["doc"]) != ["dev", "held"].index(args.half):
            continue
        document = documents.setdefault(line["doc"], {"id": line["doc"], "text": ""})
        document["text"] += " " if document["text"] else ""
        start = len(document["text"].encode())
        document["text"] += line["text"]
        codes.append({"doc": line["doc"], "start": start, "text": line["text"], "themes": themes(line)})
    for path, lines in (args.documents, documents.values()), (args.codes, codes):
        Path(path).write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


if __name__ == "__main__":
    main()
