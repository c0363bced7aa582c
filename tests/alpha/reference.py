"""Writes reference.json: Krippendorff's alpha as the Python package `krippendorff` computes it.

    pip install krippendorff numpy
    python tests/alpha/reference.py > tests/alpha/reference.json

A passage is a list with one entry a coder: a list of booleans, one a theme, or null where the
coder did not judge it. `themes`: nominal alpha of each theme as a yes or no. `overall`: the
difference of two sets is the number of themes that only one of them has. `sets`: nominal alpha
where the whole set is the value.
"""

import json
import random

import krippendorff
import numpy as np


def alpha(values, metric="nominal", n_values=None):
    """values: coders x passages, numbers or None."""
    data = np.array([[np.nan if v is None else v for v in row] for row in values], dtype=float)
    domain = np.unique(data[~np.isnan(data)])
    if len(domain) < 2:
        return None
    return float(krippendorff.alpha(reliability_data=data, level_of_measurement=metric))


def case(name, passages, n_themes):
    coders = range(len(passages[0]))
    themes = [
        alpha([[None if p[c] is None else int(p[c][t]) for p in passages] for c in coders])
        for t in range(n_themes)
    ]
    # A set of themes as a number, a bit a theme.
    number = lambda s: None if s is None else sum(1 << t for t in range(n_themes) if s[t])
    sets = [[number(p[c]) for p in passages] for c in coders]

    def apart(v1, v2, i1=None, i2=None, n_v=None, dtype=float):
        differing = np.vectorize(lambda a, b: bin(int(a) ^ int(b)).count("1"))
        return differing(v1, v2).astype(dtype)

    return {
        "name": name,
        "passages": passages,
        "themes": themes,
        "overall": alpha(sets, apart),
        "sets": alpha(sets),
    }


def drawn(seed, n_passages, n_coders, n_themes, gaps):
    random.seed(seed)
    passages = []
    for _ in range(n_passages):
        truth = [random.random() < 0.25 for _ in range(n_themes)]
        judge = lambda: [(not t) if random.random() < 0.15 else t for t in truth]
        passages.append([None if random.random() < gaps else judge() for _ in range(n_coders)])
    return passages


# Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", section A: two observers, ten
# units, binary data. He computes 0.095.
published = list(zip([0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]))
published = [[[bool(a)], [bool(b)]] for a, b in published]

print(
    json.dumps(
        [
            case("published, binary", published, 1),
            case("two coders", drawn(1, 40, 2, 4, 0.0), 4),
            case("three coders with gaps", drawn(2, 40, 3, 3, 0.3), 3),
        ]
    )
)
