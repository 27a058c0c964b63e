"""Every score against a slow, literal transcription of its equation: 1e-6 relative or better."""

import numpy as np
import pytest
import samples
import scipy.linalg
import twins

from lin_ft import scores
from lin_ft.errors import InputError
from lin_ft.scores.pactran import GAUSSIAN_FORMS

CLOSE = {"rel": 1e-6, "abs": 1e-9}
WIDTHS = [9, 40]
"""24 samples: n > d, and n < d."""


def drawn(d, seed=0, **options):
    phi, y = samples.features(seed, d=d, **options)
    return phi, y, list(y)


@pytest.mark.parametrize("seed", range(3))
def test_source_probabilities(seed):
    _, y, labels = drawn(9, seed)
    theta = samples.probabilities(seed)
    assert scores.nce(theta, y) == pytest.approx(twins.nce(theta, labels), **CLOSE)
    assert scores.leep(theta, y) == pytest.approx(twins.leep(theta, labels), **CLOSE)
    assert scores.pactran_gamma(theta, y) == pytest.approx(twins.pac_gamma(theta, labels, 1.0), **CLOSE)
    floor = scores.nce(theta, y) + np.mean(np.log(theta.max(1)))
    assert scores.leep(theta, y) >= floor


@pytest.mark.parametrize("d", WIDTHS)
def test_logme(d):
    phi, y, labels = drawn(d)
    targets = twins.one_hot(labels)
    assert scores.logme(phi, y) == pytest.approx(twins.logme_columns(phi, targets), **CLOSE)
    assert scores.logme(phi, y, steps=11) == pytest.approx(twins.logme_mackay(phi, targets, 11), **CLOSE)
    assert scores.logme(phi, y) >= scores.logme(phi, y, steps=11) - 1e-9
    values = phi[:, :2] @ [[1.0, 0.5], [0.2, -1]] + np.random.default_rng(1).normal(size=(len(y), 2))
    assert scores.logme_regression(phi, values) == pytest.approx(twins.logme_columns(phi, values), **CLOSE)
    one = scores.logme_regression(phi, values[:, 0])
    assert one == pytest.approx(twins.logme_columns(phi, values[:, :1]), **CLOSE)


def test_scores_that_cannot_tell_models_apart_give_all_the_same_value():
    values = [samples.features(seed, d=40)[0] for seed in range(4)]
    y = samples.features(0, d=40)[1]
    assert {scores.h_score(phi, y) for phi in values} == {3.0}
    assert {scores.emms(phi, y, np.eye(4)[y][None]) for phi in values} == {0.0}


def test_h_score():
    phi, y, labels = drawn(9)
    assert scores.h_score(phi, y) == pytest.approx(twins.h_score(phi, labels), **CLOSE)
    wide, y, labels = drawn(40)
    assert scores.h_score(wide, y) == pytest.approx(3, **CLOSE)
    assert twins.h_score(wide, labels) == pytest.approx(3, **CLOSE)


@pytest.mark.parametrize("d", WIDTHS)
def test_shrinkage_h_score_transrate_gbc_and_parc(d):
    phi, y, labels = drawn(d)
    assert scores.shrinkage_h_score(phi, y) == pytest.approx(twins.shrinkage_h_score(phi, labels), **CLOSE)
    assert scores.transrate(phi, y) == pytest.approx(twins.transrate(phi, labels), **CLOSE)
    for shape in ("spherical", "diagonal"):
        for k in (None, 5):
            x = phi if k is None else twins.pca(phi, k)
            mine = scores.gbc(phi, y, shape=shape, dimensions=k)
            assert mine == pytest.approx(twins.gbc(x, labels, shape == "spherical"), **CLOSE)
    published = scores.gbc(phi, y, dimensions=None, published=True)
    assert published == pytest.approx(twins.gbc(phi, labels, True, log_factor=1 / d), **CLOSE)
    assert scores.parc(phi, y, dimensions=6) == pytest.approx(twins.parc(phi, labels, 6), **CLOSE)


def test_gbc_floors_the_variance_of_each_dimension():
    phi, y, labels = drawn(9)
    phi = phi * np.where(np.arange(9) < 4, 1e-3, 1)
    for shape in ("spherical", "diagonal"):
        mine = scores.gbc(phi, y, shape=shape, dimensions=None, floor=0.3)
        assert mine == pytest.approx(twins.gbc(phi, labels, shape == "spherical", floor=0.3), **CLOSE)


def test_transrate_of_classes_of_unequal_size():
    phi, y, _ = drawn(9)
    y = np.where(y == 3, 2, y)
    assert scores.transrate(phi, y) == pytest.approx(twins.transrate(phi, list(y)), **CLOSE)
    shares = np.bincount(y) / len(y)

    def rate(x):
        return 0.5 * np.linalg.slogdet(np.eye(9) + x.T @ x / (len(x) * 1e-4))[1]

    z = phi - phi.mean(0)
    expected = rate(z) - sum(shares[c] * rate(z[y == c]) for c in range(3))
    assert scores.transrate(phi, y, weighted=True) == pytest.approx(expected, **CLOSE)


def test_rsa_and_dds():
    phi, _, _ = drawn(9)
    other, _, _ = drawn(7, seed=3)
    assert scores.rsa(phi, other) == pytest.approx(twins.rsa(phi, other), **CLOSE)
    assert scores.dds(phi, other) == pytest.approx(twins.dds(phi, other), **CLOSE)
    assert scores.rsa(phi, 3 * phi) == pytest.approx(1)
    assert scores.dds(phi, 3 * phi) == pytest.approx(1)


@pytest.mark.parametrize("spread", [1.0, 0.3])
def test_sfda_ped_and_etran(spread):
    phi, y, labels = drawn(9, apart=0.4, spread=spread)
    assert scores.sfda(phi, y) == pytest.approx(twins.sfda(phi, labels), **CLOSE)
    assert scores.etran_classification(phi, y) == pytest.approx(twins.sfda(phi, labels, confmix=False), **CLOSE)
    source = samples.features(5, d=9)[0]
    for size in (0.6, 1.5):
        assert scores.ped(phi, y, source, size=size) == pytest.approx(twins.ped(phi, labels, source, size), **CLOSE)
        assert scores.ped(phi, y, size=size) == pytest.approx(twins.ped(phi, labels, phi, size), **CLOSE)
    energies = sorted(np.log(sum(np.exp(value) for value in row)) for row in phi)
    assert scores.etran_energy(phi) == pytest.approx(energies[0], **CLOSE)
    assert scores.etran_energy(phi, share=0.2) == pytest.approx(np.mean(energies[:4]), **CLOSE)
    assert scores.etran_energy(np.arange(100.0)[:, None], share=0.29) == pytest.approx(np.mean(range(29)), **CLOSE)


@pytest.mark.parametrize(("d", "spread"), [(9, 1.0), (9, 0.1), (60, 0.05)])
def test_published_sfda_ped_and_etran(d, spread):
    phi, y, labels = drawn(d, apart=0.4 * spread, spread=spread)
    source = samples.features(5, d=d)[0]
    largest = twins.power_iteration
    assert scores.sfda(phi, y, published=True) == pytest.approx(twins.sfda(phi, labels, largest=largest), **CLOSE)
    expected = twins.ped(phi, labels, source, 0.6, largest=largest)
    assert scores.ped(phi, y, source, size=0.6, published=True) == pytest.approx(expected, **CLOSE)
    y = np.where(y == 3, 2, y)
    means = [phi[y == c].mean(0) for c in range(3)]
    total = 0.0
    for row, label in zip(phi, y, strict=True):
        p = [np.mean(y == c) * np.exp(-0.5 * np.sum((row - means[c]) ** 2)) for c in range(3)]
        total += p[label] / sum(p)
    assert scores.etran_classification(phi, y, published=True) == pytest.approx(total / len(y), **CLOSE)


def test_wide_features_reach_the_same_discriminant():
    phi, y, labels = drawn(40, apart=0.1, spread=0.2)
    assert scores.etran_classification(phi, y) == pytest.approx(twins.sfda(phi, labels, confmix=False), rel=1e-5)


def test_ncti_parts():
    from sklearn.decomposition import PCA
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    phi, y, _ = drawn(9, apart=0.2, spread=0.3)
    reducer = PCA(n_components=7).fit(phi)
    x = reducer.transform(phi)
    shrinkage = max(np.exp(-reducer.explained_variance_[:32].sum()), 1e-10)
    discriminant = LinearDiscriminantAnalysis(solver="eigen", shrinkage=float(shrinkage))
    low = discriminant.fit_transform(x, y)
    p = discriminant.predict_proba(x)
    nuclear = np.linalg.svd(low - low.mean(0), compute_uv=False).sum()
    by_class = sum(np.linalg.svd(p[y == c], compute_uv=False).sum() for c in range(4))
    expected = (nuclear, p[np.arange(len(y)), y].mean(), np.log(by_class))
    assert scores.ncti_parts(phi, y, dimensions=7) == pytest.approx(expected, **CLOSE)


def test_scores_of_a_zoo():
    parts = np.array([[1.0, 0.2, 3.0], [2.0, 0.5, 5.0], [4.0, 0.3, 4.0]])
    expected = [0 + 0 - 0, 1 / 3 + 1 - 1, 1 + 1 / 3 - 0.5]
    assert list(scores.ncti(parts)) == pytest.approx(expected)
    assert list(scores.etran(parts[:, :2])) == pytest.approx([0, 0.85 / 3 + 0.15, 0.85 + 0.15 / 3])
    flipped = [0.426 * 1 + 0.574 * 1, 0.426 * (1 - 2 / 3) - 0.574, -0.426 + 0.574 * (1 - 2 / 3)]
    assert list(scores.feature_metrics(parts[:, :2])) == pytest.approx(flipped)


def test_sparsity():
    phi = np.array([[0.0, 0, 3, 2.5], [0, 1, 1, 4], [2, 2, 2, 2]])
    assert scores.sparsity_parts(phi) == pytest.approx((9 / 12, np.mean([2 / 2, 1 / 1, 4 / 1])))


def test_n_leep_is_leep_on_the_mixtures_posteriors():
    from sklearn.decomposition import PCA
    from sklearn.mixture import GaussianMixture

    phi, y, labels = drawn(9, each=20, apart=3)
    x = PCA(n_components=0.8).fit_transform(phi)
    x = x / np.sqrt(np.mean(x**2))
    mixture = GaussianMixture(20, covariance_type="diag", random_state=0).fit(x)
    density = np.array(
        [
            [
                w * np.prod(np.exp(-0.5 * (row - m) ** 2 / v) / np.sqrt(2 * np.pi * v))
                for w, m, v in zip(mixture.weights_, mixture.means_, mixture.covariances_, strict=True)
            ]
            for row in x
        ]
    )
    theta = density / density.sum(1, keepdims=True)
    assert scores.n_leep(phi, y) == pytest.approx(twins.leep(theta, labels), rel=1e-2)


@pytest.mark.parametrize("form", GAUSSIAN_FORMS)
def test_pactran_gaussian(form):
    phi, y, labels = drawn(5, apart=0.3)
    strength, variance = map(float, form.split("/"))
    mine = scores.pactran_gaussian(phi, y, form=form, iterations=5000, tolerance=1e-14)
    assert mine == pytest.approx(twins.pac_gauss(phi, labels, strength, variance), **CLOSE)


def test_pactran_gaussian_is_one_of_the_authors_forms_by_default():
    phi, y, _ = drawn(5, apart=0.3)
    assert scores.pactran_gaussian(phi, y) == scores.pactran_gaussian(phi, y, form="10/100")
    assert GAUSSIAN_FORMS["10/100"] == (10, 100)
    with pytest.raises(InputError, match="form '10/10': unknown; one of 10/1000, 10/100"):
        scores.pactran_gaussian(phi, y, form="10/10")


def test_pactran_gradient_norm_by_its_equation():
    phi, y, labels = drawn(5)
    x, targets = phi - phi.mean(0), twins.one_hot(labels)
    n, d, c, k = len(y), 5, 4, 10.0
    p = np.tile(targets.mean(0), (n, 1))
    entropy = -sum(q * np.log(q) for q in targets.mean(0))
    gradient = x.T @ (p - targets) / n
    bound = 0.5 * np.linalg.eigvalsh(x.T @ x / n)[-1]
    diagonal = [np.mean(x[:, i] ** 2) * p[0, j] * (1 - p[0, j]) for i in range(d) for j in range(c)]
    gain = 0.5 * np.sum(gradient**2) / (bound + 1 / (k * n))
    log_term = d * c / (2 * k * n) * (10 / d) * np.log(k * n * n * np.mean(diagonal) + 1)
    assert scores.pactran_gradient_norm(phi, y) == pytest.approx(-(entropy - gain + log_term), **CLOSE)
    first_terms = -(entropy - gain)
    assert first_terms <= -(twins_optimum(phi, y, k) - 1e-9)


def twins_optimum(phi, y, strength):
    from scipy.optimize import minimize

    x, targets, n = phi - phi.mean(0), np.eye(y.max() + 1)[y], len(y)

    def loss(theta):
        w, b = theta[:-4].reshape(5, 4), theta[-4:]
        logits = x @ w + b
        return np.mean(np.log(np.exp(logits).sum(1)) - (logits * targets).sum(1)) + np.sum(w**2) / (2 * strength * n)

    return minimize(loss, np.zeros(24)).fun


@pytest.mark.parametrize("d", WIDTHS)
def test_linear_probe(d):
    ridges = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0]
    for apart in (0.5, 1.0):
        phi, y, labels = drawn(d, apart=apart)
        assert scores.linear_probe(phi, y) == pytest.approx(twins.loo_ridge_accuracy(phi, labels, ridges), **CLOSE)


def test_logistic_probe():
    from sklearn.linear_model import LogisticRegression

    phi, y, _ = drawn(6, each=9, apart=0.5)
    x = phi - phi.mean(0)
    x /= np.sqrt(np.mean(x**2)) * np.sqrt(6)
    fold = np.array([(np.sum(y[:i] == y[i]) + y[i]) % 3 for i in range(len(y))])
    right = 0
    for k in range(3):
        train = fold != k
        model = LogisticRegression(C=1 / (1e-3 * train.sum()), tol=1e-9, max_iter=5000).fit(x[train], y[train])
        right += np.sum(model.predict(x[~train]) == y[~train])
    assert scores.logistic_probe(phi, y, iterations=3000) == pytest.approx(right / len(y))


def test_neighbours():
    phi, y, labels = drawn(9)
    unit = [row / np.linalg.norm(row) for row in phi]
    best = 0
    for k in (1, 3, 5, 10, 20, 23):
        right = 0
        for i in range(len(y)):
            order = sorted((j for j in range(len(y)) if j != i), key=lambda j, i=i: -(unit[i] @ unit[j]))[:k]
            votes = [labels[j] for j in order]
            most = max(votes.count(v) for v in votes)
            right += next(v for v in votes if votes.count(v) == most) == labels[i]
        if k == 3:
            assert scores.nearest_neighbours(phi, y) == pytest.approx(right / len(y))
        best = max(best, right / len(y))
    assert scores.nearest_neighbours_chosen(phi, y) == pytest.approx(best)
    right = 0
    for i in range(len(y)):
        kept = np.arange(len(y)) != i
        distances = [np.linalg.norm(phi[i] - phi[kept & (y == c)].mean(0)) for c in range(4)]
        right += int(np.argmin(distances)) == labels[i]
    assert scores.nearest_mean(phi, y) == pytest.approx(right / len(y))


def test_separability():
    phi, y, labels = drawn(9)
    assert scores.silhouette(phi, y) == pytest.approx(twins.silhouette(phi, labels), **CLOSE)
    within = sum(np.sum((phi[i] - phi[y == y[i]].mean(0)) ** 2) for i in range(len(y)))
    between = sum(np.sum((phi[y == c].mean(0) - phi.mean(0)) ** 2) for c in labels)
    assert scores.fisher_ratio(phi, y) == pytest.approx(between / (between + within), **CLOSE)
    variance = np.trace(np.cov(phi.T, bias=True)) / np.mean([row @ row for row in phi])
    assert scores.feature_variance(phi) == pytest.approx(variance, **CLOSE)


def test_regression():
    from sklearn.linear_model import Ridge

    phi, y, _ = drawn(9)
    values = np.random.default_rng(0).normal(size=(len(y), 2)) + phi[:, :2]
    for ridge in (1.0, 0.01):
        model = Ridge(alpha=ridge * len(y)).fit(phi, values)
        expected = -np.mean(np.sum((model.predict(phi) - values) ** 2, axis=1))
        assert scores.lin_mse(phi, values, ridge=ridge) == pytest.approx(expected, **CLOSE)
        assert scores.lab_mse(phi, values, ridge=ridge) == pytest.approx(expected, **CLOSE)


def test_emms():
    phi, y, labels = drawn(5)
    rng = np.random.default_rng(0)
    x = (phi - phi.mean(0)) / phi.std(0)
    one_hot = twins.one_hot(labels)
    z = (one_hot - one_hot.mean(0)) / one_hot.std(0)
    left = z - x @ np.linalg.lstsq(x, z, rcond=None)[0]
    assert scores.emms(phi, y, one_hot[None]) == pytest.approx(-np.mean(left**2), **CLOSE)
    embeddings = rng.normal(size=(2, len(y), 6)) + np.stack([np.repeat(phi[:, :1], 6, 1), np.zeros((len(y), 6))])
    standard = [(e - e.mean(0)) / e.std(0) for e in embeddings]
    losses = []
    for share in np.linspace(0, 1, 2001):
        mixed = share * standard[0] + (1 - share) * standard[1]
        losses.append(np.mean((mixed - x @ np.linalg.lstsq(x, mixed, rcond=None)[0]) ** 2))
    assert scores.emms(phi, y, embeddings) == pytest.approx(-min(losses), rel=1e-6)


def test_source_data():
    phi, y, _ = drawn(9)
    source, source_y = samples.features(4, n_classes=3, each=5, d=9)
    source_y = np.where(np.arange(15) == 0, 0, source_y)
    supply = [np.mean(y == c) for c in range(4)]
    demand = [np.mean(source_y == c) for c in range(3)]
    cost = [[np.linalg.norm(phi[y == a].mean(0) - source[source_y == b].mean(0)) for b in range(3)] for a in range(4)]
    expected = np.exp(-0.01 * by_vertices(supply, demand, np.array(cost)))
    assert scores.domain_similarity(phi, y, source, source_y) == pytest.approx(expected, **CLOSE)
    s, t = np.cov(phi.T, bias=True), np.cov(source.T, bias=True)
    root = np.real(scipy.linalg.sqrtm(s @ t))
    distance = np.sum((phi.mean(0) - source.mean(0)) ** 2) + np.trace(s + t - 2 * root)
    assert scores.frechet_distance(phi, source) == pytest.approx(-distance, **CLOSE)


def test_fisher_distance():
    from sklearn.linear_model import LogisticRegression

    phi, y, _ = drawn(9)
    source, source_y = samples.features(4, n_classes=3, each=5, d=9)

    def fisher(x, labels):
        z = (x - x.mean(0)) / np.sqrt(np.mean(np.sum((x - x.mean(0)) ** 2, axis=1)))
        model = LogisticRegression(C=1 / (1e-3 * len(x)), tol=1e-10, max_iter=10000).fit(z, labels)
        p = model.predict_proba(z)
        each = [[row[k] ** 2 * np.sum(q * (1 - q)) for k in range(9)] for row, q in zip(x, p, strict=True)]
        return np.mean(each, axis=0)

    f, g = fisher(phi, y), fisher(source, source_y)
    a, b = f / (f + g), g / (f + g)
    cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
    mine = scores.fisher_distance(phi, y, source, source_y, iterations=3000)
    assert mine == pytest.approx(cosine - 1, rel=5e-3)
    assert scores.fisher_distance(phi, y, 2 * phi, y) > mine
    assert scores.fisher_distance(phi, y, phi, y) == pytest.approx(0, abs=1e-12)


def by_vertices(supply, demand, cost):
    """The least cost over all vertices of the transport polytope: every basis of C + Z - 1 cells."""
    from itertools import combinations

    c, z = cost.shape
    cells = [(a, b) for a in range(c) for b in range(z)]
    rows = np.array([[float(cell[0] == a) for cell in cells] for a in range(c)])
    columns = np.array([[float(cell[1] == b) for cell in cells] for b in range(z)])
    system, right = np.vstack([rows, columns])[:-1], np.r_[supply, demand][:-1]
    best = np.inf
    for basis in combinations(range(len(cells)), c + z - 1):
        square = system[:, basis]
        if abs(np.linalg.det(square)) > 0.5:
            flow = np.linalg.solve(square, right)
            if flow.min() > -1e-9:
                best = min(best, sum(f * cost[cells[k]] for f, k in zip(flow, basis, strict=True)))
    return best


def test_the_largest_eigenvalue_of_a_large_matrix():
    from lin_ft.scores.discriminant import largest_eigenvalue

    x = np.random.default_rng(0).normal(size=(150, 260))
    for gram in (x @ x.T, x.T @ x, np.zeros((260, 260)), np.ones((260, 260))):
        assert largest_eigenvalue(gram) == pytest.approx(np.linalg.eigvalsh(gram)[-1], rel=1e-10, abs=1e-12)
