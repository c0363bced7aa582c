"""Trains the encoder `reader`: all-MiniLM-L6-v2 with heads for the codebook `cooperation`.

    python train_reader.py --base FOLDER --vocabulary ../static/vocab.txt --codes CODES.jsonl \
        --unlabelled TEXTS.jsonl.zst ... --train dev|all --out FOLDER

`--base` is all-MiniLM-L6-v2 as sentence-transformers saves it. A line of CODES has `doc`, `text` and
`themes`; a line of TEXTS has `text`. With `--train dev` the sentences of half of the documents train
(crc32 of the id is even) and the other half tests. With `--train all` all of them train, by the same
settings; they can test nothing then. The last step's weights are kept.

Two rounds made the committed weights:

 1. the options as they stand: the codes alone.
 2. `--start FOLDER/weights.pt --epochs 2 --rate 1e-4 --seed 2 --weak UNITS.jsonl --codebook ../../seeds/cooperation.toml`:
    beside the codes, clauses of unlabelled texts with the probabilities that themeline gives them with
    the first round's weights (weak.py), and the codebook's terms and examples. 5,000 sentences name only so many
    things: after the first round a plain sentence about a naval exercise had no theme.

Every step has coded sentences and others. The loss is the sum of
 * cross-entropy of the themes. One coded sentence in four is fed as its clauses, each alone, and the
   clause that scores highest stands for the sentence (multiple instances: Dietterich et al. 1997), so
   that a clause alone can be read too;
 * `--soft` times the cross-entropy against the probabilities of the others, where they have some
   (distillation: Hinton et al. 2015);
 * `--keep` times the distance (1 - cosine) between a text's mean vector and what the base model
   makes of it, so that the vectors stay good for what the heads know nothing of.
The embeddings and the first layers stay as they are. Needs torch, numpy, safetensors, tokenizers, zstandard.
"""

import argparse
import copy
import json
import time
import tomllib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from reader_model import (THEMES, Vocabulary, base_reader, clauses, dequantised, figures, half,
                          padded, quantised, read, read_jsonl, save, sentences_of)

UNLABELLED = 750
UNLABELLED_A_STEP = 4
WEAK_A_STEP = 20
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
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--head-rate", type=float, default=2e-3)
    parser.add_argument("--keep", type=float, default=2.0)
    parser.add_argument("--start", help="weights.pt of an earlier round to go on from")
    parser.add_argument("--weak", help="JSONL of texts with `scores` by theme, to learn softly from")
    parser.add_argument("--codebook", help="the codebook, to learn from its terms and examples")
    parser.add_argument("--soft", type=float, default=0.5)
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


def weak(path):
    """Texts of a JSONL with their probabilities in the order of THEMES."""
    return [(line["text"], [line["scores"][theme] for theme in THEMES]) for line in read_jsonl(path)]


def phrases(path):
    """The terms and examples of a codebook with probabilities that are nearly sure."""
    book = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    for theme in book["theme"] + [book["none"] | {"id": None}]:
        for phrase in theme["terms"] + theme.get("examples", []):
            yield phrase.replace("*", ""), [0.95 if theme["id"] == other else 0.02 for other in THEMES]


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


class Others:
    """Texts without codes: ids, the base model's vectors and, where known, probabilities (else nan)."""

    def __init__(self, texts, probabilities, vocabulary, original):
        self.rows = vocabulary.encode(texts)
        self.vectors = read(original, self.rows, bf16=True)[0]
        self.probabilities = probabilities

    def part(self, indices):
        part = copy.copy(self)
        part.rows = [self.rows[i] for i in indices]
        part.vectors, part.probabilities = self.vectors[indices], self.probabilities[indices]
        return part


def soft_loss(logits, probabilities):
    """Cross-entropy of logits (rows, themes) against probabilities, over the rows that have them."""
    known = ~torch.isnan(probabilities[:, 0])
    if not known.any():
        return logits.sum() * 0.0
    loss = F.binary_cross_entropy_with_logits(logits[known], probabilities[known], reduction="none")
    return loss.sum(1).mean()


def train(model, coded, others, args):
    """`coded` carries the base model's vectors too, as `others` do."""
    rng = np.random.default_rng(args.seed)
    steps = args.epochs * -(-len(coded.rows) // args.batch)
    adam, schedule = optimiser(model, args, steps)
    drawn_a_step = WEAK_A_STEP if args.weak or args.codebook else UNLABELLED_A_STEP
    step, started, sums = 0, time.time(), np.zeros(3)
    for _ in range(args.epochs):
        for batch in coded.batches(args.batch, rng):
            model.train()
            rows, owner, whole = coded.fed(batch, rng)
            drawn = rng.integers(len(others.rows), size=drawn_a_step)
            with torch.autocast("cpu", torch.bfloat16):
                vectors, logits = model(*padded(rows))
                vectors_now, logits_now = model(*padded([others.rows[i] for i in drawn]))
            labels = torch.from_numpy(coded.labels[batch]).float()
            best = torch.full(labels.shape, -1e4).scatter_reduce(
                0, owner[:, None].expand(-1, len(THEMES)), logits, "amax")
            theme = F.binary_cross_entropy_with_logits(best, labels, reduction="none").sum(1).mean()
            soft = soft_loss(logits_now, torch.from_numpy(others.probabilities[drawn]))
            wanted = np.concatenate([coded.vectors[batch[owner[whole].numpy()]], others.vectors[drawn]])
            kept = torch.cat([vectors[whole], vectors_now])
            drift = (1 - (kept * torch.from_numpy(wanted)).sum(1)).mean()
            adam.zero_grad()
            (theme + args.soft * soft + args.keep * drift).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            adam.step()
            schedule.step()
            step, sums = step + 1, 0.95 * sums + 0.05 * np.array([theme.item(), soft.item(), drift.item()])
            if step % 20 == 0:
                print(f"step {step}/{steps} {time.time() - started:.0f}s themes {sums[0]:.3f} soft {sums[1]:.3f} "
                      f"drift {sums[2]:.4f}",
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
    n_unlabelled = len(texts)
    probabilities = [[np.nan] * len(THEMES)] * n_unlabelled
    for path, taken in (args.weak, weak), (args.codebook, phrases):
        for text, themes in taken(path) if path else []:
            texts.append(text)
            probabilities.append(themes)
    model = base_reader(args.base, vocabulary)
    original = copy.deepcopy(model)
    others = Others(texts, np.array(probabilities, np.float32), vocabulary, original)
    dev.vectors = read(original, dev.rows, bf16=True)[0]
    aside = np.random.default_rng(args.seed).permutation(n_unlabelled)
    held, drawn = others.part(aside[:500]), others.part(np.r_[aside[500:], n_unlabelled : len(texts)])
    if args.start:
        model.load_state_dict(torch.load(args.start, weights_only=True))
    train(model, dev, drawn, args)
    held = held.rows, read(original, held.rows)[0]
    torch.save(model.state_dict(), out / "weights.pt")
    tensors = quantised(model.state_dict())
    save(out, tensors, args, vocabulary)
    result = measured(dequantised(tensors, model), tested, held)
    result = {"trained_on": len(dev.rows), "weights as saved": result, "options": vars(args)}
    (out / "figures.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
