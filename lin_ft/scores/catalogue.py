"""SCORES: every score by name, with its formula, paper, range and cost. Higher is better everywhere."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from lin_ft.errors import InputError
from lin_ft.scores.dds import dds
from lin_ft.scores.domain_similarity import domain_similarity
from lin_ft.scores.emms import emms
from lin_ft.scores.etran import etran, etran_classification, etran_energy, etran_parts
from lin_ft.scores.feature_metrics import feature_metrics, sparsity_parts
from lin_ft.scores.feature_variance import feature_variance
from lin_ft.scores.fisher_distance import fisher_distance
from lin_ft.scores.fisher_ratio import fisher_ratio
from lin_ft.scores.frechet_distance import frechet_distance
from lin_ft.scores.gbc import gbc
from lin_ft.scores.h_score import h_score, shrinkage_h_score
from lin_ft.scores.kernel_alignment import feature_alignment, kernel_alignment
from lin_ft.scores.kernel_loo import kernel_loo_accuracy, kernel_loo_loss
from lin_ft.scores.kernel_target_alignment import kernel_target_alignment
from lin_ft.scores.label_energy import label_energy
from lin_ft.scores.leep import leep
from lin_ft.scores.lin_mse import lab_mse, lin_mse
from lin_ft.scores.linear_probe import linear_probe
from lin_ft.scores.logistic_probe import logistic_probe
from lin_ft.scores.logme import logme, logme_regression
from lin_ft.scores.n_leep import n_leep
from lin_ft.scores.nce import nce
from lin_ft.scores.ncti import ncti, ncti_parts
from lin_ft.scores.nearest_mean import nearest_mean
from lin_ft.scores.nearest_neighbours import nearest_neighbours, nearest_neighbours_chosen
from lin_ft.scores.own import user_score
from lin_ft.scores.pactran import pactran_gamma, pactran_gaussian, pactran_gradient_norm
from lin_ft.scores.paper import paper_label_feature, paper_label_gradient
from lin_ft.scores.parc import parc
from lin_ft.scores.ped import ped
from lin_ft.scores.predicted_decrease import predicted_decrease
from lin_ft.scores.rsa import rsa
from lin_ft.scores.score import Score
from lin_ft.scores.sfda import sfda
from lin_ft.scores.silhouette import silhouette
from lin_ft.scores.supervision_complexity import supervision_complexity
from lin_ft.scores.tangent_norm import tangent_norm
from lin_ft.scores.transrate import transrate
from lin_ft.scores.trivial import best_on_average, largest_model, random_score, reference_always, source_accuracy

_SVD = "one thin decomposition, O(min(n, d)^2 max(n, d))"
_EIG = "one eigendecomposition of the kernel, O(n^3)"
_LG = "Deshpande et al. 2021, eqs. 7 and 8"
_FORMS = {
    "raw": ("<K, Y Y'>", "[0, inf)"),
    "trace": ("<K, Y Y'> / (tr K tr Y Y')", "[0, 1]"),
    "cosine": ("<K, Y Y'> / (|K| |Y Y'|)", "[-1, 1]"),
    "cka": ("cosine of H K H and H Y Y' H", "[-1, 1]"),
    "pearson": ("Pearson correlation of all n^2 entries of K and Y Y'", "[-1, 1]"),
}


def _alignments(name: str, function: Any, kernel: str, cost: str) -> dict[str, Score]:
    return {
        f"{name}_{form}": Score(partial(function, form=form), f"{formula}, {kernel}", _LG, interval, cost)
        for form, (formula, interval) in _FORMS.items()
    }


SCORES: dict[str, Score] = {
    # from source probabilities
    "nce": Score(
        nce, "-H(Y|Z), Z the source label predicted", "Tran et al., ICCV 2019", "[-log C, 0]", "O(n Z)"
    ),
    "leep": Score(
        leep, "mean_i log sum_z P(y_i|z) theta_iz", "Nguyen et al., ICML 2020", "(-inf, 0]", "O(n Z C)"
    ),
    "n_leep": Score(
        n_leep, "LEEP on the posteriors of a Gaussian mixture of PCA features", "Li et al., CVPR 2021",
        "(-inf, 0]", f"{_SVD}, then expectation maximisation",
    ),
    "pactran_gamma": Score(
        pactran_gamma, "minus the Gamma-Poisson PAC-Bayes bound on source probabilities",
        "Ding et al., ECCV 2022", "(-inf, inf)", "10 rounds of O(n Z C)",
    ),
    # from features
    "logme": Score(
        logme, "mean_c max_(a,b) log N(y_c; 0, I/b + F F'/a) / n", "You et al., ICML 2021", "(-inf, inf)", _SVD
    ),
    "h_score": Score(h_score, "tr(cov(f)^-1 cov(E[f|y]))", "Bao et al., ICIP 2019", "[0, C - 1]", _SVD),
    "shrinkage_h_score": Score(
        shrinkage_h_score, "tr(S_a^-1 (1 - a) cov(E[f|y])), S_a Ledoit-Wolf", "Ibrahim et al., ECML 2022",
        "[0, (C - 1) n / (n - 1)]", _SVD,
    ),
    "transrate": Score(
        transrate, "R(Z) - mean_c R(Z_c), R = 1/2 logdet(I + Z'Z / (n eps))", "Huang et al., ICML 2022",
        "(-inf, inf)", "one Cholesky factor of side min(n, d)",
    ),
    "gbc": Score(
        gbc, "-sum_(c != c') exp(-D_B(c, c'))", "Pandy et al., CVPR 2022", "[-C (C - 1), 0]",
        "64 principal components, then O(64 C^2)",
    ),
    "parc": Score(
        parc, "100 spearman(1 - corr(x_i, x_j), 1 - corr(onehot_i, onehot_j))",
        "Bolya et al., NeurIPS 2021", "[-100, 100]", "32 principal components, then O(n^2 log n)",
    ),
    "rsa": Score(
        rsa, "spearman of the 1 - corr matrices of model and target network",
        "Dwivedi and Roig, CVPR 2019", "[-1, 1]", "O(n^2 d)",
    ),
    "dds": Score(
        dds, "unbiased CKA of the cosine dissimilarities of model and target network",
        "Dwivedi et al., ECCV 2020", "[-1, 1]", "O(n^2 d)",
    ),
    "feature_metrics": Score(
        sparsity_parts, ".426 S5 + .574 S6, sparsities on [-1, 1] over the zoo, signs flipped",
        "Ueno and Kondo, ICLR 2020 submission", "[-1, 1]", "O(n d)", combine=feature_metrics,
    ),
    "sfda": Score(
        sfda, "mean_i p(y_i|x_i) of a shrunk linear discriminant after ConfMix", "Shao et al., ECCV 2022",
        "[0, 1]", "two Cholesky factors of side min(n, d)",
    ),
    "ped": Score(
        ped, "SFDA after up to 6 repulsive steps of the classes", "Li et al., ICCV 2023", "[0, 1]",
        "O(6 C^2 d) and SFDA",
    ),
    "ncti": Score(
        ncti_parts, "minmax(|Z|_*) + minmax(mean p(y|x)) - minmax(log sum_c |P_c|_*) over the zoo",
        "Wang et al., ICCV 2023", "[-1, 2]", "64 principal components, then O(64^2 n)", combine=ncti,
    ),
    "etran_energy": Score(
        etran_energy, "mean of the lowest 0.5 % of logsumexp(f_i)", "Gholami et al., ICCV 2023", "(-inf, inf)",
        "O(n d)",
    ),
    "etran_classification": Score(
        etran_classification, "mean_i p(y_i|x_i) of a shrunk linear discriminant", "Gholami et al., ICCV 2023",
        "[0, 1]", "one Cholesky factor of side min(n, d)",
    ),
    "etran": Score(
        etran_parts, ".85 minmax(classification) + .15 minmax(energy) over the zoo", "Gholami et al., ICCV 2023",
        "[0, 1]", "both parts", combine=etran,
    ),
    "pactran_gaussian": Score(
        pactran_gaussian, "-(min_W xent + |W|^2/(2 k n) + (d C/(2 k n)) s^2 log(k n mean diag H))",
        "Ding et al., ECCV 2022", "(-inf, inf)", "100 L-BFGS iterations of O(n d C): it trains",
    ),
    "pactran_gradient_norm": Score(
        pactran_gradient_norm, "the Gaussian bound after one step from W = 0, by its gradient's norm",
        "Ding et al., ECCV 2022", "(-inf, inf)", "O(n d C)",
    ),
    "linear_probe": Score(
        linear_probe, "leave-one-out accuracy of ridge regression, r_i / (1 - H_ii)", "Allen 1974", "[0, 1]",
        _SVD,
    ),
    "logistic_probe": Score(
        logistic_probe, "3-fold accuracy of multinomial logistic regression", "Bolya et al., NeurIPS 2021",
        "[0, 1]", "3 x 30 L-BFGS iterations of O(n d C): it trains",
    ),
    "nearest_neighbours": Score(
        nearest_neighbours, "leave-one-out accuracy of 3 nearest neighbours, cosine",
        "Cover and Hart 1967", "[0, 1]", "O(n^2 d)",
    ),
    "nearest_neighbours_chosen": Score(
        nearest_neighbours_chosen, "the best leave-one-out accuracy over k = 1 .. 50, cosine",
        "Matsoukas et al. 2025 (arXiv 2503.18528)", "[0, 1]", "O(n^2 d)",
    ),
    "nearest_mean": Score(
        nearest_mean, "leave-one-out accuracy of the nearest class mean", "Fisher 1936", "[0, 1]", "O(n d C)"
    ),
    "feature_variance": Score(
        feature_variance, "tr cov(f) / E|f|^2, no labels", "a plain baseline", "[0, 1]", "O(n d)"
    ),
    "fisher_ratio": Score(fisher_ratio, "tr S_B / tr S_T", "Fisher 1936", "[0, 1]", "O(n d)"),
    "silhouette": Score(
        silhouette, "mean (b - a) / max(a, b), distances to own and nearest other class", "Rousseeuw 1987",
        "[-1, 1]", "O(n^2 d)",
    ),
    "emms": Score(
        emms, "-min_(w, t) |X w - sum_k t_k Z_k|^2 / (n e), Z embeddings of the labels",
        "Meng et al., NeurIPS 2023", "[-1, 0]", _SVD,
    ),
    # regression targets
    "lin_mse": Score(
        lin_mse, "-mean |y - F w|^2, ridge regression from features", "Nguyen et al., UAI 2023", "(-inf, 0]",
        _SVD,
    ),
    "lab_mse": Score(
        lab_mse, "-mean |y - g w|^2, ridge regression from source outputs", "Nguyen et al., UAI 2023",
        "(-inf, 0]", "O(n k^2)",
    ),
    "logme_regression": Score(
        logme_regression, "max_(a,b) log N(y; 0, I/b + F F'/a) / n", "You et al., ICML 2021", "(-inf, inf)",
        _SVD,
    ),
    # from source data
    "domain_similarity": Score(
        domain_similarity, "exp(-0.01 EMD) of class means", "Cui et al., CVPR 2018", "(0, 1]",
        "a linear programme in C Z variables",
    ),
    "frechet_distance": Score(
        frechet_distance, "-(|mu - mu_s|^2 + tr S + tr S_s - 2 tr (S S_s)^1/2)",
        "Dowson and Landau 1982", "(-inf, 0]", "singular values of side min(n, d)",
    ),
    "fisher_distance": Score(
        fisher_distance, "cos(F/(F + F_s), F_s/(F + F_s)) - 1, F the head's Fisher diagonal",
        "Achille et al., ICCV 2019", "[-1, 0]", "2 x 30 L-BFGS iterations of O(n d C): it trains",
    ),
    # ours: the tangent kernel, and the features' kernel
    **_alignments("label_gradient", kernel_alignment, "K the tangent kernel", "O(n^2 C)"),
    **_alignments("label_feature", feature_alignment, "K = f f'", "O(n d min(n, d))"),
    "paper_label_gradient": Score(
        paper_label_gradient, "Pearson, K of the last convolution, projected to 10,000", _LG, "[-1, 1]",
        "n x outputs reverse passes",
    ),
    "paper_label_feature": Score(
        paper_label_feature, "Pearson, K = f f', at most 25 images a class", _LG, "[-1, 1]", "O(n^2 d)"
    ),
    "predicted_decrease": Score(
        predicted_decrease, "sum_k (1 - exp(-2 t l_k)) (v_k r)^2 / |r|^2, t = 10 / mean l",
        "Deshpande et al. 2021, eqs. 1 and 3", "[0, 1]", _EIG,
    ),
    "kernel_loo_accuracy": Score(
        kernel_loo_accuracy, "accuracy of y_i - [A^-1 r]_i / [A^-1]_ii, A = K + ridge I",
        "Allen 1974", "[0, 1]", _EIG,
    ),
    "kernel_loo_loss": Score(
        kernel_loo_loss, "-(1/2n) sum_i ([A^-1 r]_i / [A^-1]_ii)^2", "Allen 1974", "(-inf, 0]", _EIG
    ),
    "supervision_complexity": Score(
        supervision_complexity, "-(1/n) sqrt(tr(Y' A^-1 Y) tr A)", "Harutyunyan et al., ICLR 2023",
        "(-inf, 0]", _EIG,
    ),
    "kernel_target_alignment": Score(
        kernel_target_alignment, "<K, K_Y> / (|K| |K_Y|), K_Y = 1 or -1/(C - 1)",
        "Cristianini et al., NeurIPS 2001", "[-1, 1]", "O(n^2)",
    ),
    "label_energy": Score(
        label_energy, "sum_(k <= C) (v_k y)^2 / |y|^2", "Deshpande et al. 2021, eq. 4", "[0, 1]", _EIG
    ),
    "tangent_norm": Score(
        tangent_norm, "-|w - w0| of the linearized fine-tuning", "Ortiz-Jimenez et al., NeurIPS 2023",
        "(-inf, 0]", _EIG,
    ),
    # trivial rows
    "random": Score(random_score, "uniform, by the model's name", "none", "[0, 1)", "none"),
    "largest_model": Score(largest_model, "log10 of the weights", "arXiv 2510.06448", "[0, inf)", "none"),
    "source_accuracy": Score(source_accuracy, "test accuracy on the source", "none", "[0, 1]", "none"),
    "best_on_average": Score(
        best_on_average, "mean measured accuracy on the other targets", "arXiv 2510.06448", "[0, 1]", "fine-tuning"
    ),
    "reference_always": Score(reference_always, "1 for the reference model", "none", "{0, 1}", "none"),
}  # fmt: skip
"""Name -> score. What each needs is `SCORES[name].needs`."""


def chosen(names: Iterable[str]) -> dict[str, Score]:
    """Scores by name, 'all', or a user's 'file.py:function'.

    Raises:
        InputError: an unknown name; says which are known.
    """
    found: dict[str, Score] = {}
    for name in names:
        if name == "all":
            found.update(SCORES)
        elif name in SCORES:
            found[name] = SCORES[name]
        elif ":" in name:
            found[name] = user_score(name)
        else:
            raise InputError(f"score {name!r}: unknown; one of all, FILE.py:FUNCTION, {', '.join(SCORES)}.")
    return found
