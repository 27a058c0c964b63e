"""Source distributions come from the indexes that pip is configured with, unopened; nothing of them is run."""

import base64
import hashlib
import http.server
import io
import json
import tarfile
import threading

import pytest

from lin_ft.data import source_distribution
from lin_ft.data.archive import Archive, fetch
from lin_ft.errors import InputError


def archive_with_a_trap() -> bytes:
    """A setup.py that fails whoever runs it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        content = b"raise SystemExit('setup.py was run')"
        info = tarfile.TarInfo("trap-1.0/setup.py")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


CONTENT = archive_with_a_trap()
TRAP = Archive("sdist", "Trap.Name", "1.0", "trap-1.0.tar.gz", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))


@pytest.fixture
def index(monkeypatch, tmp_path):
    """A server with /json and /html indexes, the second behind a password; the list of what was asked for."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            pages = {
                "/json/trap-name/": (
                    "application/vnd.pypi.simple.v1+json",
                    json.dumps({"files": [{"filename": "trap-1.0.tar.gz", "url": "/files/trap-1.0.tar.gz"}]}).encode(),
                ),
                "/html/trap-name/": (
                    "text/html",
                    b'<a href="../../files/trap-1.0.tar.gz#sha256=0">trap-1.0.tar.gz</a><a href="x">x</a>',
                ),
                "/empty/trap-name/": ("text/html", b"<html></html>"),
                "/files/trap-1.0.tar.gz": ("application/gzip", CONTENT),
            }
            user = base64.b64encode(b"me:s:cret").decode()
            if self.path.startswith("/html") and self.headers["Authorization"] != f"Basic {user}":
                self.send_error(401)
                return
            if self.path not in pages:
                self.send_error(404)
                return
            kind, body = pages[self.path]
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX", "PIP_CERT", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield f"127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("where", ["http://{}/json", "http://me:s%3Acret@{}/html/"])
def test_the_file_comes_from_pips_index_and_is_not_run(index, where, monkeypatch, tmp_path):
    monkeypatch.setenv("PIP_INDEX_URL", where.format(index[0]))
    path = fetch(TRAP, tmp_path / "archives")
    assert path.read_bytes() == CONTENT
    assert index[1][-1] == "/files/trap-1.0.tar.gz"


def test_the_next_index_is_asked_where_the_first_has_it_not(index, monkeypatch, tmp_path):
    monkeypatch.setenv("PIP_INDEX_URL", f"http://{index[0]}/nothing")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"http://{index[0]}/empty http://{index[0]}/json")
    assert fetch(TRAP, tmp_path / "archives").read_bytes() == CONTENT
    assert index[1][:3] == ["/nothing/trap-name/", "/empty/trap-name/", "/json/trap-name/"]


def test_one_sentence_where_no_index_has_it(index, monkeypatch, tmp_path):
    monkeypatch.setenv("PIP_INDEX_URL", f"http://me:s%3Acret@{index[0]}/nothing")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"http://me:s%3Acret@{index[0]}/empty")
    message = r"Trap.Name 1.0 could not be fetched .*does not list it.*check the network"
    with pytest.raises(InputError, match=message) as e:
        fetch(TRAP, tmp_path / "archives")
    assert "s%3Acret" not in str(e.value)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(InputError, match="configured with no index"):
        fetch(TRAP, tmp_path / "archives")


def test_an_index_in_a_folder(tmp_path):
    (tmp_path / "simple" / "trap-name").mkdir(parents=True)
    page = f'<a href="{(tmp_path / "trap-1.0.tar.gz").as_uri()}">trap</a>'
    (tmp_path / "simple" / "trap-name" / "index.html").write_text(page)
    (tmp_path / "trap-1.0.tar.gz").write_bytes(CONTENT)
    (tmp_path / "out").mkdir()
    settings = {"index-url": (tmp_path / "simple").as_uri()}
    source_distribution.download("trap_name", "trap-1.0.tar.gz", tmp_path / "out", settings)
    assert (tmp_path / "out" / "trap-1.0.tar.gz").read_bytes() == CONTENT


def test_the_environment_goes_before_the_files_and_download_before_global(tmp_path, monkeypatch):
    settings = (
        "[global]\nindex-url = https://a/simple\ncert = c\nno-index = no\n[download]\nindex-url = https://b/simple\n"
    )
    (tmp_path / "pip.conf").write_text(settings)
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX", "PIP_CERT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    found = source_distribution.pip_settings()
    assert (found["index-url"], found["cert"]) == ("https://b/simple", "c")
    assert source_distribution.indexes(found) == ["https://b/simple", *found.get("extra-index-url", "").split()]
    monkeypatch.setenv("PIP_INDEX_URL", "https://e/simple")
    assert source_distribution.pip_settings()["index-url"] == "https://e/simple"
