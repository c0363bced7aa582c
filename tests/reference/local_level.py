"""The local level model as statsmodels fits it, with a gap in time: makes local_level.json.

pip install statsmodels; python local_level.py > local_level.json
"""

import json

import numpy as np
import statsmodels.api as sm

rng = np.random.default_rng(3)
n, gap = 41, range(17, 20)
level = 0.6 + np.cumsum(rng.normal(0, 0.03, n))
values = level + rng.normal(0, 0.06, n)
values[list(gap)] = np.nan
model = sm.tsa.UnobservedComponents(values, "llevel")
start = model.fit(disp=0, method="nm", maxiter=5000)
fitted = model.fit(start_params=start.params, disp=0, maxiter=5000, pgtol=1e-14, factr=10)
seen = [t for t in range(n) if t not in gap]
smoothed = fitted.smoother_results
print(json.dumps({
    "at": seen,
    "values": [float(values[t]) for t in seen],
    "noise": float(fitted.params[0]),
    "drift": float(fitted.params[1]),
    "levels": [float(smoothed.smoothed_state[0, t]) for t in seen],
    "variances": [float(smoothed.smoothed_state_cov[0, 0, t]) for t in seen],
}, indent=1))
