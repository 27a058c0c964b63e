"""The exceptions for bad input: one sentence, shown without a traceback, exit code 2."""


class InputError(ValueError):
    """Something the user gave is wrong. The message names the input, what is wrong and what to do."""


class DivergedError(InputError):
    """Fine-tuning gave weights that are not finite at every learning rate: a result, but no accuracy."""
