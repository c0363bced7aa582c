"""How well do vectors tell themes apart? Prints macro F1 of three simple readers of an embedding.

Used to choose how the `static` table is made; see models/static/README.md. Vectors come from files, so
that any encoder can be compared:

    python models/probe.py CODED.jsonl NAME=VECTORS.f32 ...

CODED.jsonl has one `{"text", "doc", "themes": [...]}` a line; VECTORS.f32 holds one row of little-endian
f32 a line of it, end to end. Folds are split by `doc`. Needs numpy and scikit-learn.
"""

import json
import sys

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupKFold


def macro(truth: np.ndarray, found: np.ndarray) -> float:
    return f1_score(truth, found, average="macro")


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)


def regression(rows, truth, train, test):
    """Probability of each theme by a logistic regression of its own."""
    fit = lambda theme: LogisticRegression(C=10, class_weight="balanced", max_iter=300).fit(
        rows[train], truth[train, theme]
    )
    themes = range(truth.shape[1])
    return np.stack([fit(theme).predict_proba(rows[test])[:, 1] for theme in themes], axis=1)


def neighbours(rows, truth, train, test):
    """Share of each theme among the ten nearest sentences."""
    nearest = np.argsort(-(rows[test] @ rows[train].T), axis=1)[:, :10]
    return truth[train][nearest].mean(axis=1)


def centroid(rows, truth, train, test):
    """Whether a sentence is nearer to a theme's mean than the best threshold on the training folds."""
    found = np.zeros((len(test), truth.shape[1]))
    for theme in range(truth.shape[1]):
        has = truth[train, theme]
        direction = unit(rows[train][has == 1].mean(axis=0)) - rows[train].mean(axis=0)
        scores = rows[train] @ direction
        cuts = np.quantile(scores, np.linspace(0.5, 0.995, 60))
        best = max(cuts, key=lambda cut: f1_score(has, scores >= cut))
        found[:, theme] = rows[test] @ direction >= best
    return found


def main() -> None:
    coded = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
    themes = sorted({theme for row in coded for theme in row["themes"]})
    truth = np.array([[int(theme in row["themes"]) for theme in themes] for row in coded])
    folds = list(GroupKFold(5).split(truth, groups=[row["doc"] for row in coded]))
    readers = [(regression, 0.8), (neighbours, 0.35), (centroid, 0.5)]
    for argument in sys.argv[2:]:
        name, path = argument.split("=", 1)
        rows = unit(np.fromfile(path, "<f4").reshape(len(coded), -1).astype(float))
        line = [name]
        for reader, threshold in readers:
            found = np.zeros(truth.shape)
            for train, test in folds:
                found[test] = reader(rows, truth, train, test)
            line.append(f"{reader.__name__} {macro(truth, found >= threshold):.3f}")
        print("  ".join(line), flush=True)


if __name__ == "__main__":
    main()
