"""Trains the theme heads of the built-in table (models/static/heads.json) from what `reader` says.

    python train_student.py --base FOLDER --table ../static --codes CODES.jsonl --weak UNITS.jsonl \
        --train dev|all --out heads.json

The arguments are those of train_reader.py; UNITS comes from weak.py. The table stays as it is. Each theme
weighs the tokens of a text by attention of its own, as in the reader, and learns from the codes and, softly,
from the probabilities of the units (distillation: Hinton et al. 2015). Tokens are left out at random.
Needs torch, numpy, safetensors, tokenizers.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from reader_model import CODEBOOK, THEMES, Vocabulary, figures, half, load_file, read_jsonl

BATCH = 128
RATE = 1e-2
CODE_WEIGHT = 2.0
LEFT_OUT = 0.1
# Vectors of length 1 are small beside the weights that the optimiser likes.
SCALE = 4.0


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", required=True)
    parser.add_argument("--table", required=True)
    parser.add_argument("--codes", required=True)
    parser.add_argument("--weak", required=True)
    parser.add_argument("--train", choices=["dev", "all"], required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


class Student(torch.nn.Module):
    def __init__(self, table):
        super().__init__()
        norms = np.linalg.norm(table, axis=1, keepdims=True)
        rows = SCALE * table / np.maximum(norms, 1e-9)
        # One row more, of zeros, pads.
        self.rows = torch.from_numpy(np.vstack([rows, np.zeros_like(rows[:1])]))
        self.queries = torch.nn.Parameter(torch.randn(len(THEMES), rows.shape[1]) * 0.02)
        self.outputs = torch.nn.Parameter(torch.randn(len(THEMES), rows.shape[1]) * 0.02)
        self.biases = torch.nn.Parameter(torch.full((len(THEMES),), -3.0))

    def forward(self, ids, mask):
        """ids, mask: (texts, tokens). Returns logits (texts, themes)."""
        tokens = F.dropout(self.rows[ids], LEFT_OUT, self.training)
        attention = (tokens @ self.queries.T).masked_fill(~mask[:, :, None], -1e9)
        if self.training:
            attention = attention.masked_fill(torch.rand(ids.shape)[:, :, None] < LEFT_OUT, -1e4)
        return (attention.softmax(1) * (tokens @ self.outputs.T)).sum(1) + self.biases


def padded(rows, padding):
    ids = torch.full((len(rows), max(map(len, rows), default=1) or 1), padding)
    mask = torch.zeros_like(ids, dtype=torch.bool)
    mask[:, 0] = True
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row, dtype=torch.long)
        mask[i, : len(row)] = True
    return ids, mask


def train(student, rows, labels, weights, args):
    steps = args.epochs * (len(rows) // BATCH)
    adam = torch.optim.AdamW(student.parameters(), lr=RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(adam, RATE, total_steps=steps + 1)
    rng = np.random.default_rng(args.seed)
    student.train()
    for _ in range(args.epochs):
        order = rng.permutation(len(rows))
        for start in range(0, len(order) - BATCH + 1, BATCH):
            batch = order[start : start + BATCH]
            logits = student(*padded([rows[i] for i in batch], len(student.rows) - 1))
            loss = F.binary_cross_entropy_with_logits(logits, torch.from_numpy(labels[batch]), reduction="none")
            loss = (loss.sum(1) * torch.from_numpy(weights[batch])).mean()
            adam.zero_grad()
            loss.backward()
            adam.step()
            schedule.step()


def main():
    args = options()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    table = load_file(str(Path(args.table) / "model.safetensors"))
    student = Student(table["embeddings"].astype(np.float32))
    vocabulary = Vocabulary(args.base, Path(args.table) / "vocab.txt")
    known = len(student.rows) - 1
    encode = lambda texts: [[i for i in row[1:-1] if i < known] for row in vocabulary.encode(texts)]
    codes, weak = read_jsonl(args.codes), read_jsonl(args.weak)
    taught = [code for code in codes if args.train == "all" or half(code["doc"]) == 0]
    coded = lambda codes: np.array([[theme in code["themes"] for theme in THEMES] for code in codes])
    soft = np.array([[unit["scores"][theme] for theme in THEMES] for unit in weak])
    labels = np.vstack([coded(taught), soft]).astype(np.float32)
    weights = np.r_[np.full(len(taught), CODE_WEIGHT), np.ones(len(weak))].astype(np.float32)
    rows = encode([code["text"] for code in taught] + [unit["text"] for unit in weak])
    train(student, rows, labels, weights, args)
    student.eval()
    rounded = lambda values: [round(float(x), 3) for x in values]
    heads = {
        "codebook": CODEBOOK, "labels": THEMES,
        "queries": [rounded(row * SCALE) for row in student.queries],
        "outputs": [rounded(row * SCALE) for row in student.outputs],
        "biases": rounded(student.biases),
    }
    lines = ",\n".join(f'"{key}": {json.dumps(value)}' for key, value in heads.items())
    Path(args.out).write_text("{\n" + lines + "\n}\n")
    tested = [code for code in codes if half(code["doc"]) == 1]
    if args.train == "dev":
        with torch.no_grad():
            logits = student(*padded(encode([code["text"] for code in tested]), known)).numpy()
        print(json.dumps(figures(logits, coded(tested)), indent=1))


if __name__ == "__main__":
    main()
