"""Slow, literal transcriptions of the scores' equations, sharing nothing with lin_ft: the twins of the tests."""

import math

import numpy as np
import scipy.linalg
import scipy.stats


def one_hot(y):
    return np.eye(max(y) + 1)[y]


def nce(theta, y):
    n, z = len(y), theta.argmax(1)
    total = 0.0
    for a in set(y):
        for b in set(z):
            joint = sum(1 for i in range(n) if y[i] == a and z[i] == b) / n
            if joint:
                total += joint * math.log(joint / (sum(1 for i in range(n) if z[i] == b) / n))
    return total


def leep(theta, y):
    n, n_source = theta.shape
    joint = {(a, z): sum(theta[i, z] for i in range(n) if y[i] == a) / n for a in set(y) for z in range(n_source)}
    marginal = [sum(joint[a, z] for a in set(y)) for z in range(n_source)]
    return sum(math.log(sum(joint[y[i], z] / marginal[z] * theta[i, z] for z in range(n_source))) for i in range(n)) / n


def logme_columns(phi, targets):
    """The best of log N(y; 0, (I + F Fᵀ/t)/b) / n over t (dense, on a fine grid and then by Brent) and b."""
    from scipy.optimize import minimize_scalar

    n, best = len(phi), []
    for y in targets.T:

        def negative(log_t, y=y):
            shape = np.eye(n) + phi @ phi.T / math.exp(log_t)
            b = n / (y @ np.linalg.solve(shape, y))
            covariance = shape / b
            log_density = -0.5 * (np.linalg.slogdet(2 * np.pi * covariance)[1] + y @ np.linalg.solve(covariance, y))
            return -log_density / n

        grid = np.linspace(-18, 15, 100)
        k = int(np.argmin([negative(point) for point in grid]))
        bounds = (grid[max(k - 1, 0)], grid[min(k + 1, len(grid) - 1)])
        best.append(-min(negative(grid[k]), minimize_scalar(negative, bounds=bounds, method="bounded").fun))
    return np.mean(best)


def logme_mackay(phi, targets, steps):
    """The published iteration with dense matrices, and the whole determinant of A."""
    n, d = phi.shape
    values = []
    for y in targets.T:
        a = b = 1.0
        for _ in range(steps):
            eigenvalues = np.linalg.eigvalsh(phi.T @ phi)
            gamma = sum(b * e / (a + b * e) for e in eigenvalues)
            m = b * np.linalg.solve(a * np.eye(d) + b * phi.T @ phi, phi.T @ y)
            t, mm, error = a / b, m @ m, np.sum((phi @ m - y) ** 2)
            a, b = gamma / (mm + 1e-5), (n - gamma) / (error + 1e-5)
            if abs(a / b - t) / t <= 1e-3:
                break
        log_det = np.linalg.slogdet(a * np.eye(d) + b * phi.T @ phi)[1]
        value = d / 2 * math.log(a) + n / 2 * math.log(b) - log_det / 2 - b / 2 * error - a / 2 * mm
        values.append((value - n / 2 * math.log(2 * math.pi)) / n)
    return np.mean(values)


def h_score(phi, y):
    means = np.array([phi[np.array(y) == c].mean(0) for c in y])
    return np.trace(np.linalg.pinv(np.cov(phi.T), rcond=1e-10) @ np.cov(means.T))


def shrinkage_h_score(phi, y):
    from sklearn.covariance import LedoitWolf

    fitted = LedoitWolf().fit(phi)
    means = np.array([phi[np.array(y) == c].mean(0) for c in y])
    return np.trace(np.linalg.inv(fitted.covariance_) @ ((1 - fitted.shrinkage_) * np.cov(means.T)))


def transrate(phi, y, eps=1e-4):
    z = phi - phi.mean(0)

    def rate(x):
        return 0.5 * np.linalg.slogdet(np.eye(x.shape[1]) + x.T @ x / (len(x) * eps))[1]

    return rate(z) - np.mean([rate(z[np.array(y) == c]) for c in sorted(set(y))])


def gbc(phi, y, spherical, floor=1e-4, log_factor=None):
    total = 0.0
    classes = sorted(set(y))
    for a in classes:
        for b in classes:
            if a == b:
                continue
            xa, xb = phi[np.array(y) == a], phi[np.array(y) == b]
            va, vb = np.maximum(xa.var(0), floor), np.maximum(xb.var(0), floor)
            if spherical:
                va, vb = np.full(len(va), va.mean()), np.full(len(vb), vb.mean())
            v = (va + vb) / 2
            logs = np.sum(np.log(v)) - 0.5 * np.sum(np.log(va)) - 0.5 * np.sum(np.log(vb))
            if log_factor:
                logs *= log_factor
            total += math.exp(-(np.sum((xa.mean(0) - xb.mean(0)) ** 2 / v) / 8 + logs / 2))
    return -total


def pca(phi, k):
    x = phi - phi.mean(0)
    u, s, _ = np.linalg.svd(x, full_matrices=False)
    return (u * s)[:, :k]


def parc(phi, y, k=32):
    from sklearn.utils.extmath import svd_flip

    u, s, vt = np.linalg.svd(phi - phi.mean(0), full_matrices=False)
    x = (svd_flip(u, vt, u_based_decision=True)[0] * s)[:, :k]
    x = (x - x.mean(0)) / x.std(0)
    i, j = np.triu_indices(len(y), 1)
    features, labels = 1 - np.corrcoef(x), np.round(1 - np.corrcoef(one_hot(y)), 9)
    return 100 * scipy.stats.spearmanr(features[i, j], labels[i, j])[0]


def rsa(phi, other):
    i, j = np.triu_indices(len(phi), 1)
    return scipy.stats.spearmanr((1 - np.corrcoef(phi))[i, j], (1 - np.corrcoef(other))[i, j])[0]


def dds(phi, other):
    def dissimilarity(x):
        x = (x - x.mean(0)) / x.std(0)
        n = len(x)
        d = np.array(
            [[1 - x[i] @ x[j] / np.linalg.norm(x[i]) / np.linalg.norm(x[j]) for j in range(n)] for i in range(n)]
        )
        return d - np.diag(np.diag(d))

    def hsic(k, t):
        n, one = len(k), np.ones(len(k))
        value = (
            np.trace(k @ t) + (one @ k @ one) * (one @ t @ one) / (n - 1) / (n - 2) - 2 / (n - 2) * one @ k @ t @ one
        )
        return value / n / (n - 3)

    k, t = dissimilarity(phi), dissimilarity(other)
    return hsic(k, t) / math.sqrt(hsic(k, k) * hsic(t, t))


def power_iteration(matrix, rounds=3):
    """The largest eigenvalue from a few rounds of two products each, starting from the row sums."""
    x = matrix.sum(1)
    for _ in range(rounds):
        y = matrix @ x / np.linalg.norm(matrix @ x)
        x = matrix @ y / np.linalg.norm(matrix @ y)
    return x @ matrix @ y


def lda_posteriors(x, y, shrinkage, largest=None):
    """By the generalised eigenvectors of (S_T - S_W', S_W'), as printed."""
    y = np.array(y)
    classes, d = sorted(set(y)), x.shape[1]
    within = sum(np.mean(y == c) * np.cov(x[y == c].T, bias=True) for c in classes)
    if shrinkage is None:
        largest = largest or (lambda matrix: np.linalg.eigvalsh(matrix)[-1])
        shrinkage = max(math.exp(-5 * largest(within)), 1e-10)
    shrunk = (1 - shrinkage) * within + shrinkage * np.trace(within) / d * np.eye(d)
    total = np.cov(x.T, bias=True)
    total = (1 - shrinkage) * total + shrinkage * np.trace(total) / d * np.eye(d)
    _, u = scipy.linalg.eigh(total - shrunk, shrunk)
    out = np.zeros((len(x), len(classes)))
    for i in range(len(x)):
        for k, c in enumerate(classes):
            mu = x[y == c].mean(0)
            out[i, k] = x[i] @ u @ u.T @ mu - 0.5 * mu @ u @ u.T @ mu + math.log(np.mean(y == c))
    out = np.exp(out - out.max(1, keepdims=True))
    return out / out.sum(1, keepdims=True), shrinkage


def sfda(phi, y, confmix=True, largest=None):
    p, shrinkage = lda_posteriors(phi, y, None, largest)
    n = len(y)
    if confmix:
        classes = sorted(set(y))
        means = np.array([phi[np.array(y) == c].mean(0) for c in classes])
        soft = np.exp(p) / np.exp(p).sum(1, keepdims=True)
        x = np.zeros_like(phi)
        for i in range(n):
            other = np.mean([means[c] for c in classes if c != y[i]], axis=0)
            x[i] = soft[i, y[i]] * phi[i] + (1 - soft[i, y[i]]) * other
        p, _ = lda_posteriors(x, y, shrinkage)
    return np.mean([p[i, y[i]] for i in range(n)])


def ped(phi, y, source, size, time=0.1, stop=0.5, steps=6, largest=None):
    mean, std = source.mean(0), np.maximum(source.std(0), 1e-3)
    x, y = (phi - mean) / std, np.array(y)
    classes = sorted(set(y))
    for step in range(steps):
        mu = {c: x[y == c].mean(0) for c in classes}
        radius = {c: math.sqrt(x[y == c].var(0).sum()) for c in classes}
        move = {c: np.zeros(x.shape[1]) for c in classes}
        for a in classes:
            for b in classes:
                distance = np.linalg.norm(mu[a] - mu[b])
                overlap = max(size * (radius[a] + radius[b]) - distance, 0)
                if a != b and overlap > 0:
                    move[a] += min(0.5 * time**2 * overlap, overlap) * (mu[a] - mu[b]) / distance
        total = sum(np.abs(m).sum() for m in move.values())
        first = total if step == 0 else first
        if total <= stop * first:
            break
        x = x + np.array([move[c] for c in y])
    return sfda(x * std + mean, list(y), largest=largest)


def silhouette(phi, y):
    values = []
    for i in range(len(y)):
        to = {
            c: [np.linalg.norm(phi[i] - phi[j]) for j in range(len(y)) if y[j] == c and j != i] for c in sorted(set(y))
        }
        if not to[y[i]]:
            values.append(0.0)
            continue
        a, b = np.mean(to[y[i]]), min(np.mean(to[c]) for c in to if c != y[i])
        values.append((b - a) / max(a, b))
    return np.mean(values)


def pac_gauss(phi, y, strength, factor):
    """A Newton search for the optimum, then the printed bound."""
    x, targets = phi - phi.mean(0), one_hot(y)
    n, d = x.shape
    c = targets.shape[1]
    scale = strength * n
    design = np.hstack([x, np.ones((n, 1))])
    w = np.zeros((d + 1, c))
    ridge = np.r_[np.full(d, 1 / scale), 1e-12]
    for _ in range(60):
        p = np.exp(design @ w)
        p /= p.sum(1, keepdims=True)
        gradient = design.T @ (p - targets) / n + ridge[:, None] * w
        hessian = np.zeros(((d + 1) * c, (d + 1) * c))
        for i in range(n):
            hessian += np.kron(np.outer(design[i], design[i]), np.diag(p[i]) - np.outer(p[i], p[i])) / n
        hessian += np.kron(np.diag(ridge), np.eye(c))
        w -= (np.linalg.pinv(hessian) @ gradient.ravel()).reshape(w.shape)
    p = np.exp(design @ w)
    p /= p.sum(1, keepdims=True)
    loss = -np.mean([math.log(p[i, y[i]]) for i in range(n)]) + 0.5 * np.sum(w[:-1] ** 2) / scale
    h = np.sum((x**2).T @ (p - p**2) + 1 / scale) + np.sum(p - p**2)
    return -(loss + 0.5 * d * c / scale * (factor / d) * math.log(h * scale / (d * c) + 1e-10))


def pac_gamma(theta, y, strength):
    from scipy.special import gammaln, psi

    n, n_source = theta.shape
    c = max(y) + 1
    a0 = [strength * sum(1 for v in y if v == k) / n + 1e-10 for k in range(c)]
    q = theta.copy()
    for _ in range(10):
        a = np.array([[a0[k] + sum(q[i, z] for i in range(n) if y[i] == k) for z in range(n_source)] for k in range(c)])
        rate = [sum(theta[i, z] * a[k, z] for z in range(n_source) for k in range(c)) for i in range(n)]
        q = np.array([[(theta[i, z] + 1e-10) * math.exp(psi(a[y[i], z])) for z in range(n_source)] for i in range(n)])
        q /= q.sum(1, keepdims=True)
    total = sum(gammaln(a0[k]) - gammaln(a[k, z]) for k in range(c) for z in range(n_source))
    for i in range(n):
        total += sum(q[i, z] * math.log(q[i, z] / (theta[i, z] + 1e-10)) for z in range(n_source))
        total += math.log(rate[i]) - 1
    return -(total / (n * c) + 1)


def loo_ridge_accuracy(phi, y, ridges):
    """n refits with an intercept, at the ridge of least squared loss."""
    targets, n = one_hot(y), len(y)
    centred = phi - phi.mean(0)
    s = np.linalg.svd(centred, compute_uv=False)
    scale = np.mean(s[s > 1e-6 * s[0]] ** 2)
    best = (np.inf, 0.0)
    for ridge in ridges:
        errors = np.zeros_like(targets)
        for i in range(n):
            kept = np.arange(n) != i
            design = np.hstack([centred[kept], np.ones((n - 1, 1))])
            penalty = np.diag(np.r_[np.full(phi.shape[1], ridge * scale), 0.0])
            w = np.linalg.solve(design.T @ design + penalty, design.T @ targets[kept])
            errors[i] = targets[i] - np.r_[centred[i], 1] @ w
        accuracy = np.mean((targets - errors).argmax(1) == np.array(y))
        best = min(best, (np.mean(errors**2), accuracy))
    return best[1]


def ncti_parts(x, y):
    """Of principal components x, with the pseudo-inverse of the covariance inside the classes, nothing shrunk."""
    x, y = x - x.mean(0), np.array(y)
    classes = sorted(set(y))
    means = np.array([x[y == c].mean(0) for c in classes])
    priors = np.array([np.mean(y == c) for c in classes])
    residuals = np.array([row - means[classes.index(c)] for row, c in zip(x, y, strict=True)])
    deviation = residuals.std(0)
    values, axes = np.linalg.eigh(residuals.T @ residuals / len(y) / np.outer(deviation, deviation))
    axes, values = axes[:, values > 1e-8], values[values > 1e-8]
    white = (axes / deviation[:, None]) / np.sqrt(values)
    z, mu = x @ white, means @ white
    logits = np.array([[math.log(priors[k]) - 0.5 * np.sum((row - mu[k]) ** 2) for k in range(len(mu))] for row in z])
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    span = np.linalg.svd(mu.T)[0][:, : np.linalg.matrix_rank(mu, tol=1e-4 * np.linalg.norm(mu, 2))]
    nuclear = np.linalg.svd(z @ span, compute_uv=False).sum()
    by_class = sum(np.linalg.svd(p[y == c], compute_uv=False).sum() for c in classes)
    return nuclear, np.mean([p[i, classes.index(c)] for i, c in enumerate(y)]), math.log(by_class)
