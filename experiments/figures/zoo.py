"""The zoo: sources, sizes, accuracies on their own test sets (paper, tables 1 and 2).

Command   python -m experiments.figures.zoo
Expected  results/figures/zoo.md, from the model cards
Hardware  1 CPU core, seconds; nothing is trained
"""

from experiments.common.figure import Options, main, save_table
from lin_ft.zoo import embedded_zoo


def draw(options: Options) -> None:
    lines = ["| model | domain | classes | training images | parameters | test accuracy |"]
    lines += ["| --- | --- | ---: | ---: | ---: | ---: |"]
    for model in embedded_zoo():
        card = model.card
        accuracy = f"{100 * card.test_accuracy:.1f} % of {card.n_test:,}"
        sizes = f"{card.n_classes} | {card.n_train:,} | {card.n_params:,}"
        lines.append(f"| {card.name} | {card.domain} | {sizes} | {accuracy} |")
    save_table(lines, options, "zoo")


if __name__ == "__main__":
    main(draw)
