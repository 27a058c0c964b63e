"""Answers as Markdown: a page for each question, with a section for each matrix that answers it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lin_ft.benchmark.questions.answer import Answer
from lin_ft.files.atomic import write_atomically

Sections = Mapping[str, Sequence[Answer]]
"""Title of a matrix -> what it answers."""


def write_pages(sections: Sections, folder: Path, *, suffixes: Sequence[str] = ("png",)) -> list[Path]:
    """SLUG.md for each question and the pictures beside it. Returns what was written."""
    written = []
    for slug, rows in by_question(sections).items():
        for title, answer in rows:
            for name, draw in answer.pictures.items():
                for suffix in suffixes:
                    written.append(folder / f"{picture(slug, name, title)}.{suffix}")
                    draw(written[-1])
        written.append(folder / f"{slug}.md")
        write_text(written[-1], page(slug, rows))
    return written


def by_question(sections: Sections) -> dict[str, list[tuple[str, Answer]]]:
    """Slug -> (title, answer) of every matrix that has one, in their order."""
    pages: dict[str, list[tuple[str, Answer]]] = {}
    for title, answers in sections.items():
        for answer in answers:
            pages.setdefault(answer.slug, []).append((title, answer))
    return pages


def page(slug: str, rows: Sequence[tuple[str, Answer]]) -> list[str]:
    """The question, then each matrix's sentence, tables and pictures."""
    lines = [f"# {rows[0][1].question}", ""]
    for title, answer in rows:
        lines += [f"## {capital(title)}", "", answer.sentence, ""] if title else [answer.sentence, ""]
        lines += ["\n".join(answer.lines).rstrip("\n"), ""] if answer.lines else []
        for name in answer.pictures:
            lines += [f"![{answer.question} {title}]({picture(slug, name, title)}.png)", ""]
    return lines[:-1]


def digest(sections: Sections, *, links: bool = True) -> Iterator[str]:
    """The question and what the first matrix says, one paragraph each, linked to its page."""
    for slug, rows in by_question(sections).items():
        title, answer = rows[0]
        question = f"[{answer.question}]({slug}.md)" if links else answer.question
        yield from (f"**{question}** {answer.sentence}" + (f" ({title})" if title else ""), "")


def picture(slug: str, name: str, title: str) -> str:
    """File name, without suffix, of a page's picture."""
    parts = [slug, name, *re.findall(r"[a-z0-9]+", title.lower())]
    return "_".join(parts).replace("_images_a_class", "_shots")


def capital(text: str) -> str:
    """The text with its first letter capital, the others as they are."""
    return text[:1].upper() + text[1:]


def write_text(path: Path, lines: Sequence[str]) -> None:
    """Write the lines in one step, so that no half-written page is ever seen; one newline at the end."""
    text = "\n".join(lines).rstrip("\n") + "\n"
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
