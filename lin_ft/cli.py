"""`lin-ft`: rank a zoo on a task, check the ranking by fine-tuning, look at data and models."""

import logging
import os
import signal
import sys
from collections.abc import Sequence
from typing import Annotated

import tyro

from lin_ft.commands.bench import Bench
from lin_ft.commands.data import Data
from lin_ft.commands.finetune import Finetune
from lin_ft.commands.rank import Rank
from lin_ft.commands.scores import Scores
from lin_ft.commands.spectrum import Spectrum
from lin_ft.commands.zoo import Zoo
from lin_ft.errors import InputError

Command = (
    Annotated[Rank, tyro.conf.subcommand("rank")]
    | Annotated[Finetune, tyro.conf.subcommand("finetune")]
    | Annotated[Spectrum, tyro.conf.subcommand("spectrum")]
    | Annotated[Data, tyro.conf.subcommand("data")]
    | Annotated[Zoo, tyro.conf.subcommand("zoo")]
    | Annotated[Bench, tyro.conf.subcommand("bench")]
    | Annotated[Scores, tyro.conf.subcommand("scores")]
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Exit code 0; 2 after bad input, with one sentence on stderr; 130 after Ctrl-C."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("lin_ft").setLevel(logging.INFO)
    try:
        command = tyro.cli(
            Command,  # pyright: ignore[reportArgumentType]
            prog="lin-ft",
            description=__doc__,
            args=arguments,
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


def entry() -> None:
    """The console script: `main`, then exit with its code.

    After Ctrl-C the process ends at once: a compilation still running in another thread would crash in a regular exit.
    """
    code = main()
    if code == 130:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    entry()
