"""Trains the built-in encoder `reader`: all-MiniLM-L6-v2 with heads for the codebook `cooperation`.

    python train_reader.py --base FOLDER --vocabulary ../static/vocab.txt --codes CODES.jsonl \
        --unlabelled TEXTS.jsonl.zst ... --train dev|all --out FOLDER

`--base` is all-MiniLM-L6-v2 as sentence-transformers saves it. A line of CODES has `doc`, `text` and
`themes`; a line of TEXTS has `text`. With `--train dev` the sentences of half of the documents train
(crc32 of the id is even) and the other half tests: those are the figures of the model card. With
`--train all` all of them train, by the same settings: those are the weights. Nothing is chosen by
looking at the other half while training; the last step's weights are kept.

Every step has coded sentences and unlabelled ones. The loss is the sum of
 * cross-entropy of the themes. One coded sentence in four is fed as its clauses, each alone, and the
   clause that scores highest stands for the sentence (multiple instances: Dietterich et al. 1997), so
   that a clause alone can be read too;
 * `--keep` times the distance (1 - cosine) between a sentence's mean vector and what the base model
   makes of it, so that the vectors stay good for what the heads know nothing of.
The embeddings and the first layers stay as they are. Needs torch, numpy, safetensors, tokenizers, zstandard.
"""

import argparse
import copy
import json
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from reader_model import (THEMES, Vocabulary, base_reader, clauses, dequantised, figures, half,
                          padded, quantised, read, read_jsonl, save, sentences_of)

UNLABELLED = 750
UNLABELLED_A_STEP = 6
FROZEN_LAYERS = 2
AS_CLAUSES = 0.25


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", required=True)
    parser.add_argument("--vocabulary", required=True)
    parser.add_argument("--codes", required=True)
    parser.add_argument("--unlabelled", nargs="+", required=True)
    parser.add_argument("--train", choices=["dev", "all"], required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=7e-5)
    parser.add_argument("--head-rate", type=float, default=2e-3)
    parser.add_argument("--keep", type=float, default=4.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


class Coded:
    """Sentences with their themes and their clauses, as ids."""

    def __init__(self, codes, vocabulary):
        self.texts = [code["text"] for code in codes]
        self.rows = vocabulary.encode(self.texts)
        self.clauses = [vocabulary.encode(clauses(text)) for text in self.texts]
        self.labels = np.array([[theme in code["themes"] for theme in THEMES] for code in codes])

    def batches(self, size, rng):
        """Indices by batches of sentences of like length, in random order."""
        noisy = np.array([len(row) for row in self.rows]) * rng.uniform(0.8, 1.25, len(self.rows))
        order = np.argsort(noisy)
        parts = [order[i : i + size] for i in range(0, len(order), size)]
        return [parts[i] for i in rng.permutation(len(parts))]

    def fed(self, batch, rng):
        """The rows to feed and, for each, the place in the batch of its sentence; and which are whole."""
        rows, owner, whole = [], [], []
        for place, index in enumerate(batch):
            cut = self.clauses[index] if rng.random() < AS_CLAUSES else []
            alone = len(cut) < 2
            rows += [self.rows[index]] if alone else cut
            owner += [place] if alone else [place] * len(cut)
            whole += [alone] if alone else [False] * len(cut)
        return rows, torch.tensor(owner), torch.tensor(whole)


def optimiser(model, args, steps):
    for frozen in (model.words, model.positions, model.kinds, model.norm, *model.layers[:FROZEN_LAYERS]):
        frozen.requires_grad_(False)
    heads = [model.queries, model.outputs, model.biases]
    known = {id(p) for p in heads}
    body = [p for p in model.parameters() if p.requires_grad and id(p) not in known]
    adam = torch.optim.AdamW([{"params": body, "lr": args.rate}, {"params": heads, "lr": args.head_rate}],
                             weight_decay=0.01)
    shape = lambda step: min((step + 1) / (0.1 * steps), (steps - step) / (0.9 * steps))
    return adam, torch.optim.lr_scheduler.LambdaLR(adam, shape)


def train(model, coded, unlabelled, args):
    """`coded` and `unlabelled` carry the base model's vectors: `.vectors`, and pairs (rows, vectors)."""
    rng = np.random.default_rng(args.seed)
    steps = args.epochs * -(-len(coded.rows) // args.batch)
    adam, schedule = optimiser(model, args, steps)
    rows_u, vectors_u = unlabelled
    step, started, sums = 0, time.time(), np.zeros(2)
    for _ in range(args.epochs):
        for batch in coded.batches(args.batch, rng):
            model.train()
            rows, owner, whole = coded.fed(batch, rng)
            drawn = rng.integers(len(rows_u), size=UNLABELLED_A_STEP)
            with torch.autocast("cpu", torch.bfloat16):
                vectors, logits = model(*padded(rows))
                vectors_now, _ = model(*padded([rows_u[i] for i in drawn]))
            labels = torch.from_numpy(coded.labels[batch]).float()
            best = torch.full(labels.shape, -1e4).scatter_reduce(
                0, owner[:, None].expand(-1, len(THEMES)), logits, "amax")
            theme = F.binary_cross_entropy_with_logits(best, labels, reduction="none").sum(1).mean()
            wanted = torch.from_numpy(np.concatenate([coded.vectors[batch[owner[whole].numpy()]], vectors_u[drawn]]))
            kept = torch.cat([vectors[whole], vectors_now])
            drift = (1 - (kept * wanted).sum(1)).mean()
            adam.zero_grad()
            (theme + args.keep * drift).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            adam.step()
            schedule.step()
            step, sums = step + 1, 0.95 * sums + 0.05 * np.array([theme.item(), drift.item()])
            if step % 20 == 0:
                print(f"step {step}/{steps} {time.time() - started:.0f}s themes {sums[0]:.3f} drift {sums[1]:.4f}",
                      flush=True)


def measured(model, tested, unlabelled):
    """Figures of a model: sentences alone, and the best of a sentence and its clauses."""
    rows, vectors = unlabelled
    started = time.time()
    cosine = (read(model, rows)[0] * vectors).sum(1)
    result = {"cosine_to_base_mean": round(float(cosine.mean()), 4),
              "cosine_to_base_least_5_percent": round(float(np.quantile(cosine, 0.05)), 4),
              "sentences_per_second_f32": round(len(rows) / (time.time() - started))}
    if tested is not None:
        logits = read(model, tested.rows)[1]
        parts = [(i, row) for i, cut in enumerate(tested.clauses) if len(cut) > 1 for row in cut]
        best = np.full_like(logits, -1e4)
        np.maximum.at(best, [i for i, _ in parts], read(model, [row for _, row in parts])[1])
        alone = np.array([len(cut) < 2 for cut in tested.clauses])
        best[alone] = logits[alone]
        result |= {"sentence": figures(logits, tested.labels), "clauses": figures(best, tested.labels),
                   "mean_of_both": figures((best + logits) / 2, tested.labels)}
    return result


def main():
    args = options()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    vocabulary = Vocabulary(args.base, args.vocabulary)
    codes = read_jsonl(args.codes)
    dev = Coded([c for c in codes if args.train == "all" or half(c["doc"]) == 0], vocabulary)
    tested = Coded([c for c in codes if half(c["doc"]) == 1], vocabulary) if args.train == "dev" else None
    texts = [text for path in args.unlabelled for text in sentences_of(read_jsonl(path), UNLABELLED, args.seed)]
    model = base_reader(args.base, vocabulary)
    original = copy.deepcopy(model)
    rows = vocabulary.encode(texts)
    vectors = read(original, rows, bf16=True)[0]
    dev.vectors = read(original, dev.rows, bf16=True)[0]
    aside = np.random.default_rng(args.seed).permutation(len(rows))
    drawn, kept = aside[500:], aside[:500]
    train(model, dev, ([rows[i] for i in drawn], vectors[drawn]), args)
    held = [rows[i] for i in kept]
    held = held, read(original, held)[0]
    torch.save(model.state_dict(), out / "weights.pt")
    tensors = quantised(model.state_dict())
    save(out, tensors, args, vocabulary)
    result = measured(dequantised(tensors, model), tested, held)
    result = {"trained_on": len(dev.rows), "weights as saved": result, "options": vars(args)}
    (out / "figures.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
