"""`python -m experiments.figures`: every table and figure from the committed results."""

from experiments.make_figures import main

main()
