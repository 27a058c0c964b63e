"""Source distributions by file name: `pip download` would run their setup.py, so pip's own indexes are read instead.

A program that lin_ft.data.archive starts: python -m lin_ft.data.source_distribution FOLDER NAME/FILENAME ...
It speaks to the indexes pip is configured with, by its certificate and the proxy of the environment. Index pages are
read in both forms, HTML (PEP 503) and JSON (PEP 691). Nothing is unpacked.
"""

import ast
import base64
import html.parser
import json
import shutil
import ssl
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

PYPI = "https://pypi.org/simple"
_ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.5"
_TIMEOUT = 60.0


def main(arguments: list[str]) -> int:
    """Exit code 0, or 1 with one ERROR line."""
    folder, settings = Path(arguments[0]), pip_settings()
    for wanted in arguments[1:]:
        name, _, filename = wanted.partition("/")
        try:
            download(name, filename, folder, settings)
        except (OSError, ValueError) as error:
            print(f"ERROR: {filename}: {error}", file=sys.stderr)
            return 1
    return 0


def pip_settings() -> dict[str, str]:
    """index-url, extra-index-url, cert and the like, as `pip config list` names them; the environment goes first."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    text = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    levels: dict[int, dict[str, str]] = {0: {}, 1: {}, 2: {}}
    for line in text.splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.rpartition(".")
        level = {"global": 0, "download": 1, ":env:": 2}.get(section)
        if level is not None and value:
            levels[level][name.replace("_", "-")] = str(ast.literal_eval(value))
    return levels[0] | levels[1] | levels[2]


def indexes(settings: dict[str, str]) -> list[str]:
    """Addresses of the indexes, in pip's order."""
    if settings.get("no-index", "").lower() in ("1", "true", "yes", "on"):
        return []
    return [settings.get("index-url", PYPI), *settings.get("extra-index-url", "").split()]


def download(name: str, filename: str, folder: Path, settings: dict[str, str]) -> None:
    """The file of a project into `folder`, from the first index that has it. OSError where none has."""
    project, reasons = name.lower().replace("_", "-").replace(".", "-"), []
    for index in indexes(settings):
        page = f"{index.rstrip('/')}/{project}/" + ("index.html" if index.startswith("file:") else "")
        try:
            with _open(page, settings) as answer:
                found = links(answer.read(), answer.headers.get_content_type(), answer.geturl())
            if filename in found:
                with _open(found[filename], settings) as answer, (folder / filename).open("wb") as file:
                    shutil.copyfileobj(answer, file)
                return
            reasons.append(f"{_shown(index)} does not list it")
        except urllib.error.URLError as error:
            reasons.append(f"{_shown(index)}: {error.reason}")
    raise OSError("; ".join(reasons) or "pip is configured with no index")


def links(page: bytes, content_type: str, address: str) -> dict[str, str]:
    """File name -> address, of an index page."""
    if content_type.endswith("json"):
        return {each["filename"]: urllib.parse.urljoin(address, each["url"]) for each in json.loads(page)["files"]}
    anchors = _Anchors()
    anchors.feed(page.decode("utf-8", "replace"))
    whole = [urllib.parse.urljoin(address, each) for each in anchors.targets]
    return {urllib.parse.unquote(urllib.parse.urlparse(each).path.rpartition("/")[2]): each for each in whole}


class _Anchors(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        target = dict(attrs).get("href")
        if tag == "a" and target:
            self.targets.append(target)


def _open(address: str, settings: dict[str, str]) -> Any:
    parts = urllib.parse.urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    request = urllib.request.Request(urllib.parse.urlunsplit(parts._replace(netloc=host)), headers={"Accept": _ACCEPT})
    if parts.username:
        user = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        request.add_unredirected_header("Authorization", "Basic " + base64.b64encode(user.encode()).decode())
    context = ssl.create_default_context(cafile=settings.get("cert"))
    return urllib.request.urlopen(request, timeout=_TIMEOUT, context=context if parts.scheme == "https" else None)


def _shown(index: str) -> str:
    """The address without a password."""
    parts = urllib.parse.urlsplit(index)
    return urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
