"""Learns the weights of models/joint.toml: how the signals for a theme join into a probability.

    python learn_joint.py --half dev --threshold 0.36 SET [SET ...]

A SET is FEATURES:CODEBOOK:CODES:WEIGHT. FEATURES is the OUT of `cargo run --release --example features`
(run on documents that group_codes.py made), CODEBOOK its TOML, CODES the coded sentences of those
documents (`doc`, `start`, `text`, `themes`), WEIGHT how much a sentence of the set counts. Weights are
shared by all themes and all sets. They are learned from the documents of one half (crc32 of the id even:
`dev`) and their figures come from the other: macro F1 at --threshold and expected calibration error.

Multiple instances: of a coded sentence's units the one that scores best stands for it (Dietterich et al.
1997), so learning alternates between choosing it and fitting a logistic regression. `--even-heads` keeps the
weights of the unit's and the sentence's head equal. Needs numpy and scipy.
"""

import argparse
import json
import tomllib
from pathlib import Path

import numpy as np
from reader_model import half, read_jsonl
from scipy.optimize import minimize

N_FEATURES = 15
HEADS = [10, 11]
ROUNDS = 5
PENALTY = 1.0


class Coded:
    """Coded sentences of one set: `x` (n_units, n_themes, n_features), for each sentence its units, labels."""

    def __init__(self, spec):
        features, codebook, codes, weight = spec.split(":")
        self.name, self.weight = Path(features).name, float(weight)
        book = tomllib.loads(Path(codebook).read_text(encoding="utf-8"))
        themes = [theme["id"] for theme in book["theme"]]
        units = read_jsonl(features + ".jsonl")
        self.x = np.fromfile(features + ".f32", "<f4").reshape(len(units), len(themes), N_FEATURES)
        by_document = {}
        for index, unit in enumerate(units):
            by_document.setdefault(unit["doc"], []).append(index)
        self.sentences = []
        for code in read_jsonl(codes):
            start = code["start"]
            end = start + len(code["text"].encode())
            inside = [i for i in by_document.get(code["doc"], []) if mostly(units[i], start, end)]
            labels = np.array([theme in code["themes"] for theme in themes])
            if inside:
                self.sentences.append((half(code["doc"]), inside, labels))

    def of_half(self, wanted):
        return [(units, labels) for which, units, labels in self.sentences if which == wanted]


def mostly(unit, start, end):
    """Whether a unit and a passage share over half of the shorter one."""
    shared = min(unit["end"], end) - max(unit["start"], start)
    return shared > 0.5 * min(unit["end"] - unit["start"], end - start)


def best_rows(x, sentences, parameters):
    """The features of each sentence's best unit for each theme, (n, n_features), and the labels, (n)."""
    logits = x @ parameters[:-1] + parameters[-1]
    themes = np.arange(x.shape[1])
    rows = [x[np.array(units)[logits[units].argmax(0)], themes] for units, _ in sentences]
    return np.concatenate(rows), np.concatenate([labels for _, labels in sentences]).astype(float)


def learn(sets, free):
    """Weights and bias; `free` (n_features, n_free) spans the weights that may be learned."""
    parameters = np.zeros(N_FEATURES + 1)
    parameters[[0, 6, -1]] = 3.0, 0.3, -2.8
    start = np.append(np.linalg.lstsq(free, parameters[:-1], rcond=None)[0], parameters[-1])
    for _ in range(ROUNDS):
        parts = [(*best_rows(s.x, sentences, parameters), s.weight) for s, sentences in sets]

        def loss(q):
            w, bias = free @ q[:-1], q[-1]
            value, gradient, slope = PENALTY * w @ w, 2 * PENALTY * w, 0.0
            for rows, labels, weight in parts:
                logits = rows @ w + bias
                value += weight * (np.logaddexp(0, logits) - labels * logits).sum()
                errors = weight * (1 / (1 + np.exp(-logits)) - labels)
                gradient, slope = gradient + errors @ rows, slope + errors.sum()
            return value, np.append(free.T @ gradient, slope)

        start = minimize(loss, start, jac=True, method="L-BFGS-B").x
        parameters = np.append(free @ start[:-1], start[-1])
    return parameters


def figures(one, sentences, parameters, threshold):
    """Macro F1 over the themes that occur, and the mean expected calibration error (ten bins)."""
    logits = one.x @ parameters[:-1] + parameters[-1]
    p = 1 / (1 + np.exp(-np.array([logits[units].max(0) for units, _ in sentences])))
    y = np.array([labels for _, labels in sentences])
    said = p >= threshold
    f1 = 2 * (said & y).sum(0) / np.maximum(said.sum(0) + y.sum(0), 1)
    bins = np.minimum((p * 10).astype(int), 9)
    errors = [sum(abs((p - y)[:, k][bins[:, k] == b].sum()) for b in range(10)) for k in range(y.shape[1])]
    return f1[y.any(0)].mean(), np.mean(errors) / len(y)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=["dev", "held"], default="dev", help="the half to learn from")
    parser.add_argument("--threshold", type=float, required=True)
    parser.add_argument("--even-heads", action="store_true")
    parser.add_argument("--without", type=int, nargs="*", default=[], help="features to leave out, from 0")
    parser.add_argument("sets", nargs="+")
    args = parser.parse_args()
    sets = [Coded(spec) for spec in args.sets]
    learned_from = 0 if args.half == "dev" else 1
    free = np.eye(N_FEATURES)[:, [i for i in range(N_FEATURES) if i not in args.without]]
    if args.even_heads:
        free = np.hstack([np.delete(free, HEADS, 1), free[:, HEADS].sum(1, keepdims=True)])
    parameters = learn([(one, one.of_half(learned_from)) for one in sets], free)
    print("bias =", round(float(parameters[-1]), 2))
    print("weights =", json.dumps([round(float(w), 2) for w in parameters[:-1]]))
    for one in sets:
        f1, error = figures(one, one.of_half(1 - learned_from), parameters, args.threshold)
        print(f"{one.name}, the other half: macro F1 {f1:.3f} at {args.threshold}, calibration error {error:.3f}")


if __name__ == "__main__":
    main()
