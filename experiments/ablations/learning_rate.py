"""Does the ground truth depend on the learning rate? Accuracies at each fixed rate beside those at the chosen one.

Command   python -m experiments.ablations.learning_rate --truth TABLE.parquet
Expected  results/ablation_learning_rate.{json,md,png,pdf}
Hardware  1 CPU core, seconds: the table holds the test accuracy of every rate
"""

import tyro

from experiments.common.ablation import Options, Pair, key_of, run
from lin_ft.benchmark.collect import OF_RATE, finetuned, read_parquet


def of_rates(options: Options) -> dict[str, dict[str, float]]:
    """Pair -> accuracy at each learning rate."""
    table = read_parquet(options.truth)
    rates = [name for name in table.columns if name.startswith(OF_RATE)]
    return {
        key_of(row["task"], row["seed"], row["model"]): {
            f"rate {name.removeprefix(OF_RATE)}": row[name] for name in rates
        }
        for row in finetuned(table, options.shots).iter_rows(named=True)
    }


def main(options: Options) -> None:
    table = of_rates(options)

    def variants(pair: Pair) -> dict[str, float]:
        return table[key_of(pair.task.name, pair.config.seed, pair.model.name)]

    run("learning_rate", "learning rate of the ground truth", variants, options)


if __name__ == "__main__":
    main(tyro.cli(Options, config=(tyro.conf.OmitArgPrefixes,)))
