"""One figure or table a module, from the committed results; `python -m experiments.figures` makes them all."""
