"""Makes scores mean something: the curve from a score to how often answers with it were right, and a table of that."""

import sys

import numpy as np
import numpy.typing as npt
from sklearn.isotonic import IsotonicRegression

Bools = npt.NDArray[np.bool_]
F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

_PLACES = 33
_LEAST, _MOST = 0.02, 0.99  # nobody is surer than that


def curve(scores: F64, right: Bools) -> dict[str, F32]:
    """Fit a curve that only rises to held-out answers: its places and its heights, as `dsp` reads them."""
    fitted = IsotonicRegression(out_of_bounds="clip", y_min=_LEAST, y_max=_MOST).fit(scores, right)
    places = np.linspace(float(scores.min()), 1.0, _PLACES)
    return {"scores": places.astype(np.float32), "chances": fitted.predict(places).astype(np.float32)}


def crossed(scores: F64, right: Bools) -> F64:
    """Give each answer's chance by the curve of the other half of them: what new material will see."""
    chances = np.zeros(len(scores))
    half = np.random.default_rng(2).random(len(scores)) < 0.5  # noqa: PLR2004 -- half
    for part in (half, ~half):
        fitted = curve(scores[~part], right[~part])
        chances[part] = np.interp(scores[part], fitted["scores"], fitted["chances"])
    return chances


def report(name: str, chances: F64, right: Bools) -> None:
    """Print how many answers were given with each tenth of confidence, and how many of them were right."""
    sure, share = 100 * chances.mean(), 100 * right.mean()
    sys.stdout.write(f"{name}: {len(right)} answers, {sure:.1f} % sure, {share:.1f} % right\n")
    for low in range(10):
        inside = np.minimum((10.0 * chances).astype(int), 9) == low
        if inside.any():
            sure, share = 100 * chances[inside].mean(), 100 * right[inside].mean()
            sys.stdout.write(f"  {low / 10:.1f}: {inside.sum():6} answers, {sure:5.1f} % sure, {share:5.1f} % right\n")
