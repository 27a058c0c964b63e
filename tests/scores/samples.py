"""Features, labels and probabilities that the score tests draw."""

import numpy as np


def features(seed=0, n_classes=4, each=6, d=9, apart=1.0, spread=1.0):
    """Gaussian classes, rectified in no way, in shuffled order: phi (n, d) and labels."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(np.arange(n_classes), each))
    means = rng.normal(size=(n_classes, d)) * apart
    return means[y] + spread * rng.normal(size=(len(y), d)) * rng.uniform(0.3, 1.5, d) + 0.5, y


def probabilities(seed=0, n=24, n_source=5, sharpness=2.0):
    logits = sharpness * np.random.default_rng(seed).normal(size=(n, n_source))
    powers = np.exp(logits)
    return powers / powers.sum(1, keepdims=True)


def rotation(d, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(d, d)))[0]
