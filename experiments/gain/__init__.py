"""Predicted gains: their terms, the fit, and the judgement of both; see __main__."""
