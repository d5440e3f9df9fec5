"""Run PAIR's `pic` on arrays; here `saliency` is PAIR's package: `python pair_process.py ARRAYS.npz RESULTS.npz`."""

import sys

import numpy as np

np.trapz = np.trapezoid  # PAIR 0.2.1 calls the name that NumPy 2.4 has no more

from saliency.metrics import pic  # noqa: E402


def main(source: str, destination: str) -> None:
    """Compute the curve of each map, and the blurred picture of each mask."""
    given = np.load(source)
    picture, always = given["picture"], given["always"]
    results = {"mask": _random_mask(given["seed"]), "nearest": pic.create_blurred_image(picture, always, "nearest")}
    for i, values in enumerate(given["maps"]):
        found = pic.compute_pic_metric(picture, values, always, _contrast, given["thresholds"].tolist(), 0.0, i == 0, 500)
        results |= {f"{name} {i}": np.array(one) for name, one in found._asdict().items()}
    everything = [
        pic.PicMetricResult(*(results[f"{name} {i}"] for name in pic.PicMetricResult._fields))
        for i in range(len(given["maps"]))
    ]
    for method in ("mean", "median"):
        results |= {f"{method} {name}": one for name, one in _aggregate(everything, method).items()}
    np.savez(destination, **results)


def _aggregate(results: list[pic.PicMetricResult], method: str) -> dict[str, np.ndarray]:
    return {name: np.array(one) for name, one in pic.aggregate_individual_pic_results(results, method)._asdict().items()}


def _random_mask(seed: np.ndarray) -> np.ndarray:
    np.random.seed(int(seed))
    return pic.generate_random_mask(40, 30, 0.033)


def _contrast(batch: np.ndarray) -> list[float]:
    return [float(batch.astype(float).std())]


if __name__ == "__main__":
    main(*sys.argv[1:])
