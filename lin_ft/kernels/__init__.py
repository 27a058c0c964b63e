"""Empirical neural tangent kernels: one protocol, one file per algorithm."""

from lin_ft.kernels.estimates import Estimate, squared_norm_estimate, trace_estimate
from lin_ft.kernels.gradients import per_example_gradients
from lin_ft.kernels.gram import gram
from lin_ft.kernels.jacobian import whole_jacobian_gram
from lin_ft.kernels.ntk import ntk
from lin_ft.kernels.pseudo import probe_gram
from lin_ft.kernels.sketch import project
from lin_ft.kernels.sketched_features import sketched_features
from lin_ft.kernels.vector_products import NTKProducts

__all__ = [
    "Estimate",
    "NTKProducts",
    "gram",
    "ntk",
    "per_example_gradients",
    "probe_gram",
    "project",
    "sketched_features",
    "squared_norm_estimate",
    "trace_estimate",
    "whole_jacobian_gram",
]
