"""What is got wrong, for the HTML report: the confusions of the first model, and images that most models get wrong."""

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from lin_ft.report.html_page import picture, table, text

if TYPE_CHECKING:
    from lin_ft.data import Task
    from lin_ft.ranking import Ranking

SHOWN = 12
"""Pairs of classes, the most frequent first; photographs, those that most models get wrong first."""


def mistakes(ranking: "Ranking", task: "Task") -> list[str]:
    """Both, as HTML, of training images that are left out one at a time; nothing where no model has details."""
    detailed = [row for row in ranking.models if row.details]
    if not detailed:
        return []
    votes = np.array([row.details.predicted for row in detailed if row.details])
    labels = np.asarray(task.train.labels)
    parts = _confusions(detailed[0].name, votes[0], labels, task)
    return [*parts, *_hard(votes, labels, task)] if len(detailed) > 1 else parts


def _confusions(name: str, predicted: np.ndarray, labels: np.ndarray, task: "Task") -> list[str]:
    pairs = Counter((int(a), int(b)) for a, b in zip(labels, predicted, strict=True) if a != b)
    wrong = sum(pairs.values())
    texts = [f"<h2>What {text(name)} confuses</h2>"]
    texts.append(f"<p>Each training image told from the others: {wrong} of {len(labels)} wrong.</p>")
    if not pairs:
        return texts
    of_class = Counter(labels.tolist())
    rows = [
        [text(task.class_names[a]), text(task.class_names[b]), f"{count} of {of_class[a]}"]
        for (a, b), count in sorted(pairs.items(), key=lambda each: (-each[1], each[0]))[:SHOWN]
    ]
    more = len(pairs) - SHOWN
    note = f"<p class=note>And {more} more pairs of classes.</p>" if more > 0 else ""
    shown = table(("class", "taken for", "images"), rows)
    return [*texts, f"<div class=confusions>{shown}</div>{note}"]


def _hard(votes: np.ndarray, labels: np.ndarray, task: "Task") -> list[str]:
    wrong = (votes != labels).sum(0)
    hard = [int(place) for place in np.argsort(-wrong, kind="stable") if 2 * wrong[place] > len(votes)]
    if not hard:
        return []
    cards = []
    for place in hard[:SHOWN]:
        label = int(labels[place])
        other, _ = Counter(votes[votes[:, place] != label, place].tolist()).most_common(1)[0]
        said = f"{wrong[place]} of {len(votes)} models are wrong, most often by <span class=wrong>"
        said += f"{text(task.class_names[other])}</span>"
        cards.append(
            f"<div class=card>{picture(task.train.images[place], task.class_names[label])}"
            f"<div><b>{text(task.class_names[label])}</b><br>{said}</div></div>"
        )
    intro = f"<p>{len(hard)} of {len(labels)} images"
    intro += f"; the first {SHOWN}.</p>" if len(hard) > SHOWN else ".</p>"
    return ["<h2>Images that most models get wrong</h2>", intro, f"<div class=cards>{''.join(cards)}</div>"]
