"""Which conclusions of the earlier, noisier matrix changed?"""

from collections.abc import Sequence
from typing import Any

from lin_ft.benchmark.questions.answer import Answer


def what_changed(before: Sequence[Answer], after: Sequence[Answer], *, earlier: str, now: str) -> Answer | None:
    """Each question's verdict from both, in the order of the later ones."""
    known = {row.slug: row for row in before}
    pairs = [(known[row.slug], row) for row in after if row.slug in known]
    if not pairs:
        return None
    changed = [new for old, new in pairs if old.verdict != new.verdict]
    sentence = f"{len(changed)} of {len(pairs)} conclusions read differently with {now} than with {earlier}" + (
        f": {'; '.join(row.question.rstrip('?') for row in changed)}." if changed else "."
    )
    lines = [f"| question | {earlier} | {now} | |", "| --- | --- | --- | --- |"]
    for old, new in pairs:
        lines.append(
            f"| {new.question} | {old.verdict} | {new.verdict} | {'' if old.verdict == new.verdict else 'changed'} |"
        )
    lines += ["", f"In full, first with {earlier}, then with {now}:", ""]
    for old, new in pairs:
        lines += [f"**{new.question}**", "", f"- {old.sentence}", f"- {new.sentence}", ""]
    numbers: dict[str, Any] = {
        new.slug: {"before": old.verdict, "after": new.verdict, "changed": old.verdict != new.verdict}
        for old, new in pairs
    }
    return Answer(
        slug="changed",
        question="Which conclusions changed?",
        verdict=f"{len(changed)} of {len(pairs)} changed",
        sentence=sentence,
        numbers=numbers,
        lines=tuple(lines),
    )
