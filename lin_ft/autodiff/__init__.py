"""Derivatives as XLA does not give them: gradients in two programs, uses of weights, convolutions of few channels."""
