"""Writes reference.json: shares and standard errors as ppi_py and statsmodels compute them.

    pip install ppi-python statsmodels numpy
    python tests/corrected/reference.py > tests/corrected/reference.json

`ppi`: a simple random sample with codes Y and scores Yhat, and many more scores. For each lambda the
point estimate and standard error of ppi_py (which divides variances by n, not n - 1); `narrowest` is
the lambda at which its interval is narrowest, by the parabola through three of its variances; `tuned`
what its own tuning gives (it takes the spread of the scores from both samples together).
`weighted`: weighted means of clustered values, and their standard errors, as statsmodels' WLS on a
constant gives them with cov_type="cluster" (which has the factor G / (G - 1)).
"""

import json

import numpy as np
import statsmodels.api as sm
from ppi_py import ppi_mean_ci, ppi_mean_pointestimate

Z = 1.959963984540054


def scalar(x):
    return float(np.asarray(x).reshape(-1)[0])


def ppi_case(rng, name, n, n_more, fit, noise):
    truth = rng.random(n + n_more) < 0.2
    coded = np.where(truth, rng.choice([0.5, 1.0], n + n_more), 0.0)
    scored = np.round(np.clip(fit * coded + rng.random(n + n_more) * noise, 0, 2), 3)
    y, f, more = coded[:n], scored[:n], scored[n:]

    def at(lam):
        low, high = ppi_mean_ci(y, f, more, alpha=0.05, lam=lam)
        se = (scalar(high) - scalar(low)) / 2 / Z
        return {"lambda": lam, "share": scalar(ppi_mean_pointestimate(y, f, more, lam=lam)), "se": se}

    v0, v5, v1 = (at(lam)["se"] ** 2 for lam in (0.0, 0.5, 1.0))
    curve, slope = 2 * (v0 - 2 * v5 + v1), -3 * v0 + 4 * v5 - v1
    shares = [scalar(ppi_mean_pointestimate(y, f, more, lam=lam)) for lam in (0.0, 1.0)]
    tuned = scalar(ppi_mean_pointestimate(y, f, more))
    return {
        "name": name,
        "coded": y.tolist(),
        "scored": f.tolist(),
        "more": more.tolist(),
        "at": [at(lam) for lam in (0.0, 0.3, 0.7, 1.0)],
        "narrowest": -slope / (2 * curve),
        "tuned": (tuned - shares[0]) / (shares[1] - shares[0]),
    }


def weighted_case(rng, name, n_clusters, mean_size):
    cluster, value, weight, probability = [], [], [], []
    for k in range(n_clusters):
        own = rng.beta(0.5, 2)
        for _ in range(1 + rng.poisson(mean_size)):
            cluster.append(k)
            value.append(float(rng.random() < own) * float(rng.choice([0.5, 1.0])))
            weight.append(int(rng.integers(20, 300)))
            probability.append(float(rng.choice([0.01, 0.04, 0.5])))
    full = np.array(weight) / np.array(probability)
    fit = sm.WLS(value, np.ones(len(value)), weights=full).fit(
        cov_type="cluster", cov_kwds={"groups": np.array(cluster)}
    )
    return {
        "name": name,
        "cluster": cluster,
        "value": value,
        "weight": weight,
        "probability": probability,
        "share": float(fit.params[0]),
        "se": float(fit.bse[0]),
    }


rng = np.random.default_rng(4)
print(
    json.dumps(
        {
            "ppi": [
                ppi_case(rng, "good scores", 150, 2500, 0.9, 0.8),
                ppi_case(rng, "weak scores", 80, 2000, 0.15, 0.9),
            ],
            "weighted": [
                weighted_case(rng, "many clusters", 40, 3),
                weighted_case(rng, "few clusters", 6, 12),
            ],
        }
    )
)
