"""Which pre-trained model should I fine-tune on my data?

Begin with: lin-ft rank photos/
$LIN_FT_CACHE: the folder of all that is fetched and kept.
$LIN_FT_ZOO: the folder of your own models.
--version: print the version.
--tyro-print-completion bash: print what completes commands (or zsh, tcsh).
"""

import functools
import importlib
import logging
import operator
import os
import signal
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import tyro

from lin_ft import __version__
from lin_ft.commands.help import with_help
from lin_ft.errors import InputError
from lin_ft.files.programs import keep_programs

COMMANDS = ("rank", "inspect", "finetune", "spectrum", "data", "zoo", "bench", "scores", "cache", "doctor")
"""Each is a class of that name in a module of that name in lin_ft.commands, loaded when it is asked for."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Exit code 0; 2 after bad input, with one sentence on stderr; 130 after Ctrl-C."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("lin_ft").setLevel(logging.INFO)
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if arguments == ["--version"]:
        print(f"lin-ft {__version__}")
        return 0
    try:
        one = arguments[0] if arguments and arguments[0] in COMMANDS else None
        command: Any = tyro.cli(
            _class(one) if one else functools.reduce(operator.or_, map(_subcommand, COMMANDS)),
            prog=f"lin-ft {one}" if one else "lin-ft",
            description=None if one else __doc__,
            args=_positional(arguments)[1:] if one else arguments,
            config=(tyro.conf.OmitSubcommandPrefixes, tyro.conf.OmitArgPrefixes),
        )
        command.run()
    except InputError as error:
        print(f"lin-ft: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one must not cut the clean-up short
        print("lin-ft: interrupted; what was written is whole.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 141
    return 0


def _class(name: str) -> Any:
    return with_help(getattr(importlib.import_module(f"lin_ft.commands.{name}"), name.capitalize()))


def _subcommand(name: str) -> Any:
    return Annotated[_class(name), tyro.conf.subcommand(name)]


LISTS = ("--models", "--without", "--set", "--learning-rates", "--weight-decays")
"""Options that take any number of words, and so would take the target for one more."""


def _positional(arguments: Sequence[str]) -> list[str]:
    """The target right after the command, wherever a command line can say which word it is.

    `--target X` is how it was written before it had a place of its own; after the words of a list, the last is the
    target where it is a folder or file that exists.
    """
    arguments = list(arguments)
    if not arguments or arguments[0] not in ("rank", "inspect", "finetune", "spectrum"):
        return arguments
    for place, argument in enumerate(arguments):
        if argument == "--target" and place + 1 < len(arguments):
            return [arguments[0], arguments[place + 1], *arguments[1:place], *arguments[place + 2 :]]
        if argument.startswith("--target="):
            target = argument.removeprefix("--target=")
            return [arguments[0], target, *arguments[1:place], *arguments[place + 1 :]]
    options = [place for place, argument in enumerate(arguments) if argument.startswith("--")]
    in_list = options and arguments[options[-1]] in LISTS and len(arguments) - options[-1] > 2
    if in_list and arguments[1].startswith("-") and os.path.exists(arguments[-1]):
        return [arguments[0], arguments[-1], *arguments[1:-1]]
    return arguments


def entry() -> None:
    """The console script: `main`, with compiled programs kept for the next run, then exit with its code.

    After Ctrl-C the process ends at once: a compilation still running in another thread would crash in a regular exit.
    """
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("lin_ft").setLevel(logging.INFO)
    keep_programs()
    code = main()
    if code == 130:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    entry()
