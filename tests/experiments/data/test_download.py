"""Downloads, from a server on this machine: whole and checked, or nothing at all."""

import hashlib
import io
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from http.client import HTTPMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request

import pytest
from filelock import FileLock

from experiments.data import DatasetName, download
from experiments.data.catalogue import CATALOGUE
from experiments.data.download import Published
from experiments.terminal.errors import DataError

from .files import contents, load, pack, refused, write_cifar10, write_idx

NAMES = (
    "train-images-idx3-ubyte",
    "train-labels.idx1-ubyte.gz",
    "t10k-images-idx3-ubyte",
    "t10k-labels.idx1-ubyte.gz",
)


class Handler(BaseHTTPRequestHandler):
    """Answers as the function that the server has for the first folder does."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        assert isinstance(self.server, Server)
        _, mirror, name = self.path.split("/")
        self.server.asked.append(self.path)
        self.server.mirrors[mirror](self, self.server.files[name])

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


class Server(ThreadingHTTPServer):
    """A server with mirrors that behave in different ways."""

    def __init__(self, files: dict[str, bytes]):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = files
        self.asked: list[str] = []
        self.closing = threading.Event()
        self.mirrors: dict[str, Callable[[Handler, bytes], object]] = {
            "good": good,
            "silent": send,
            "wrong": lambda handler, content: good(handler, content[:-1] + b"?"),
            "short": lambda handler, content: good(handler, content[:-1]),
            "broken": broken,
            "chunked": chunked,
            "missing": lambda handler, content: handler.send_error(404),
            "no-http": lambda handler, content: handler.wfile.write(b"what\r\n\r\n"),
            "endless": lambda handler, content: good(handler, 10 * content),
            "unwilling": lambda handler, content: drip(handler, b"HTTP" * 10_000),
            "slow": slow,
        }

    def url(self, mirror: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{mirror}"


def send(handler: Handler, content: bytes, **headers: object) -> None:
    handler.send_response(200)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), str(value))
    handler.end_headers()
    handler.wfile.write(content)


def drip(handler: Handler, content: bytes) -> None:
    """Sends a byte now and then, until nobody listens."""
    assert isinstance(handler.server, Server)
    with suppress(OSError):
        for byte in content:
            handler.wfile.write(bytes([byte]))
            handler.server.closing.wait(0.02)


def good(handler: Handler, content: bytes) -> None:
    send(handler, content, Content_Length=len(content))


def broken(handler: Handler, content: bytes) -> None:
    send(handler, content[: len(content) // 2], Content_Length=len(content))


def chunked(handler: Handler, content: bytes) -> None:
    chunk = b"%x\r\n" % len(content) + content[: len(content) // 2]
    send(handler, chunk, Transfer_Encoding="chunked")


def slow(handler: Handler, content: bytes) -> None:
    send(handler, b"")
    drip(handler, content)


@pytest.fixture
def server(tmp_path) -> Iterator[Server]:
    """A server with small files of MNIST, and an archive of CIFAR-10."""
    directory = write_idx(tmp_path / "published")
    write_cifar10(tmp_path / "cifar")
    pack(
        tmp_path / "cifar", directory / "cifar-10-binary.tar.gz", "cifar-10-batches-bin"
    )
    files = {path.name: path.read_bytes() for path in directory.iterdir()}
    with Server(files) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.closing.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def offer(server, monkeypatch):
    """Returns a function that has the data sets downloaded from some mirrors."""

    def published(path: str, mirrors: tuple[str, ...]) -> Published:
        content = server.files[path.rpartition("/")[2]]
        checksum = hashlib.sha256(content).hexdigest()
        return Published(path, checksum, tuple(map(server.url, mirrors)))

    paths_of: dict[DatasetName, list[str]] = {
        "mnist": [f"mnist/{name}" for name in NAMES],
        "cifar10": ["cifar-10-binary.tar.gz"],
    }

    def apply(*mirrors: str) -> None:
        for dataset, paths in paths_of.items():
            downloads = tuple(published(path, mirrors) for path in paths)
            entry = replace(CATALOGUE[dataset], downloads=downloads)
            monkeypatch.setitem(CATALOGUE, dataset, entry)

    return apply


@pytest.mark.parametrize("mirror", ["good", "silent"])
def test_files_are_downloaded_once_to_the_cache(
    empty_machine, server, offer, tmp_path, mirror, capsys
):
    offer(mirror)
    dataset = load("mnist")
    assert dataset.fingerprint == load("mnist", tmp_path / "published").fingerprint
    cache = empty_machine / ".cache" / "lrn_jax" / "mnist"
    assert contents(cache) == {cache / name: server.files[name] for name in NAMES}
    assert server.asked == [f"/{mirror}/{name}" for name in NAMES]
    assert f"Downloading {server.url(mirror)}/{NAMES[0]} to " in capsys.readouterr().err

    assert load("mnist").fingerprint == dataset.fingerprint
    assert len(server.asked) == 4


def test_only_what_is_missing_is_downloaded(empty_machine, server, offer):
    offer("good")
    cache = empty_machine / ".cache" / "lrn_jax" / "mnist"
    write_idx(cache)
    (cache / NAMES[2]).unlink()
    load("mnist")
    assert server.asked == [f"/good/{NAMES[2]}"]


def test_archive_is_downloaded_and_read(empty_machine, server, offer, tmp_path):
    offer("good")
    dataset = load("cifar10")
    assert dataset.fingerprint == load("cifar10", tmp_path / "cifar").fingerprint
    assert (empty_machine / ".cache/lrn_jax/cifar-10-binary.tar.gz").is_file()


def files_in(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


BAD_MIRRORS = {
    "wrong": r"sent another file: expected the SHA-256 \w{64}, but got \w{64}",
    "short": "sent another file",
    "broken": r"broke off after 208 of 416 bytes",
    "chunked": "failed: IncompleteRead",
    "missing": "failed: HTTP Error 404",
    "no-http": "failed: what",
    "endless": "sends more than 500 bytes",
}


@pytest.mark.parametrize(("mirror", "reason"), BAD_MIRRORS.items())
def test_download_that_fails_leaves_nothing(
    empty_machine, server, offer, monkeypatch, mirror, reason
):
    monkeypatch.setattr(download, "_LARGEST", 500)
    offer(mirror)
    url = re.escape(f"{server.url(mirror)}/{NAMES[0]}")
    message = rf"{NAMES[0]} could not be downloaded: {url} {reason}.*--data-dir"
    with pytest.raises(DataError, match=message):
        load("mnist")
    assert files_in(empty_machine) == []


def test_next_mirror_is_asked_where_one_fails(
    empty_machine, server, offer, monkeypatch
):
    monkeypatch.setattr(download, "_LARGEST", 500)
    offer(*BAD_MIRRORS, "good")
    assert len(load("mnist").test) == 6
    assert len(files_in(empty_machine)) == 4
    assert server.asked[:8] == [
        f"/{each}/{NAMES[0]}" for each in [*BAD_MIRRORS, "good"]
    ]


@pytest.mark.parametrize("mirror", ["unwilling", "slow"])
def test_mirror_that_drips_is_given_up(empty_machine, offer, monkeypatch, mirror):
    monkeypatch.setattr(download, "_PATIENCE", 0.1)
    offer(mirror)
    with pytest.raises(DataError, match="sends fewer than 16,384 bytes a second"):
        load("mnist")
    assert files_in(empty_machine) == []


def test_all_mirrors_that_failed_are_named(offer):
    offer("missing", "wrong")
    with pytest.raises(DataError, match=r"missing/.* 404.*; .*wrong/.* another"):
        load("mnist")


def test_server_that_is_not_there_is_named(empty_machine, offer, server, monkeypatch):
    monkeypatch.setattr(server, "server_port", 1)  # nobody listens to it
    offer("good")
    with pytest.raises(DataError, match=r"be downloaded: .* failed: .*refused"):
        load("mnist")
    assert files_in(empty_machine) == []


def test_nothing_is_asked_for_offline(empty_machine, server, offer):
    offer("good")
    with refused(empty_machine, r"No train-images file.*, or leave out --offline"):
        load("mnist", offline=True)
    assert server.asked == []


def test_interrupted_download_leaves_nothing(empty_machine, offer, monkeypatch):
    def interrupted(thread, timeout):
        assert files_in(empty_machine)
        raise KeyboardInterrupt

    offer("good")
    monkeypatch.setattr(download._Transfer, "join", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load("mnist")
    assert files_in(empty_machine) == []


def test_what_a_killed_download_left_is_removed_by_the_next(empty_machine, offer):
    directory = empty_machine / ".cache" / "lrn_jax" / "mnist"
    directory.mkdir(parents=True)
    (directory / f"{NAMES[0]}.part").write_bytes(b"half of it")
    (directory / f"{NAMES[0]}.lock").touch()
    offer("good")
    load("mnist")
    assert sorted(contents(directory)) == sorted(directory / name for name in NAMES)


def test_download_of_another_process_is_waited_for(
    empty_machine, server, offer, monkeypatch
):
    def locked(path):  # by another process, until it has all files
        write_idx(empty_machine / ".cache" / "lrn_jax" / "mnist")
        return FileLock(path)

    offer("good")
    monkeypatch.setattr(download, "FileLock", locked)
    assert len(load("mnist").test) == 6
    assert server.asked == []


@pytest.mark.parametrize("url", ["http://a.org/x", "ftp://a.org/x"])
def test_redirections_do_not_leave_https(url):
    request, headers = Request("https://a.org/x"), HTTPMessage()
    follow = download._HttpsStays().redirect_request
    with pytest.raises(URLError, match=f"redirected to {url}, which is not https"):
        follow(request, io.BytesIO(), 302, "", headers, url)
    found = follow(request, io.BytesIO(), 302, "", headers, "https://b.org/x")
    assert found is not None
    assert found.full_url == "https://b.org/x"


def test_cache_that_cannot_be_made_is_named(empty_machine, offer):
    offer("good")
    (empty_machine / ".cache").write_text("a file")
    with refused(empty_machine, r"could not be downloaded: .*Not a directory.*\.cache"):
        load("mnist")


def test_everything_offered_has_a_checksum_and_addresses():
    offered = [each for entry in CATALOGUE.values() for each in entry.downloads]
    assert len({each.path for each in offered}) == len(offered) == 10
    for each in offered:
        assert re.fullmatch(r"[0-9a-f]{64}", each.sha256)
        assert each.urls
        for url in each.urls:
            assert re.fullmatch(r"https://[\w.-]+(/[\w.~-]+)+", url)
