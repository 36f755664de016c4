"""The client of Poly Haven's API against a local server that speaks the same JSON."""

import hashlib
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from mano_assets.errors import InputError
from render.settings.poly_haven import LICENCES_FILE, fetch_environments

NAMES = [f"place_{number:02d}" for number in range(12)]


class StandIn(ThreadingHTTPServer):
    """Serves environments of a few bytes, and faults where they are asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.requests: list[tuple[str, str]] = []
        self.faults: dict[str, str] = {}
        self.address = f"http://127.0.0.1:{self.server_address[1]}"

    def content(self, name: str) -> bytes:
        return f"radiance of {name}".encode() * 500

    def answer(self, path: str) -> Any:
        if path == "/assets?type=hdris":
            return {
                name: {"name": name.title(), "authors": {"B. Light": "All", "A. Sun": "Sky"}}
                for name in NAMES
            }
        name = path.removeprefix("/files/")
        # Half of them are there as .hdr only, as small ones once were.
        suffix = "hdr" if int(name[-2:]) % 2 else "exr"
        entry = {
            "url": f"{self.address}/download/{name}",
            "size": len(self.content(name)),
            "md5": hashlib.md5(self.content(name)).hexdigest(),
        }
        return {"hdri": {"1k": {suffix: entry}, "16k": {suffix: {}}}, "tonemapped": {}}


class Answers(BaseHTTPRequestHandler):
    server: StandIn

    def do_GET(self) -> None:
        self.server.requests.append((self.path, self.headers["User-Agent"]))
        fault = next((f for part, f in self.server.faults.items() if part in self.path), None)
        if fault == "500":
            self.send_error(500)
            return
        if self.path.startswith("/download/"):
            content = self.server.content(self.path.removeprefix("/download/"))
        else:
            content = json.dumps(self.server.answer(self.path)).encode()
        if fault == "not json":
            content = b"<html>maintenance</html>"
        if fault == "other content":
            content = content[::-1]
        if fault == "short":
            content = content[:100]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[:100] if fault == "broken off" else content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def server() -> Iterator[StandIn]:
    stand_in = StandIn()
    thread = Thread(target=stand_in.serve_forever, args=(0.01,))
    thread.start()
    yield stand_in
    stand_in.shutdown()
    thread.join()
    stand_in.server_close()


def downloads(server: StandIn) -> list[str]:
    return [path for path, _ in server.requests if path.startswith("/download/")]


def test_environments_arrive_whole_with_their_licences(server: StandIn, tmp_path: Path):
    files = fetch_environments(5, tmp_path / "hdri", url=server.address)
    assert len(set(files)) == 5
    for path in files:
        name = path.stem.removesuffix("_1k")
        assert path.read_bytes() == server.content(name)
        assert path.suffix == (".hdr" if int(name[-2:]) % 2 else ".exr")
    licences = json.loads((tmp_path / "hdri" / LICENCES_FILE).read_text())
    assert set(licences) == {path.stem.removesuffix("_1k") for path in files}
    one = licences[files[0].stem.removesuffix("_1k")]
    assert one["licence"] == "CC0-1.0"
    assert one["authors"] == ["A. Sun", "B. Light"]
    assert one["url"].startswith("https://polyhaven.com/a/place_")
    assert all(agent.startswith("handforge/") for _, agent in server.requests)
    assert sorted(path.name for path in (tmp_path / "hdri").iterdir()) == sorted(
        [path.name for path in files] + [LICENCES_FILE]
    )


def test_the_draw_depends_on_the_seed_and_grows(server: StandIn, tmp_path: Path):
    folder = tmp_path / "hdri"
    few = fetch_environments(3, folder, url=server.address)
    assert fetch_environments(6, folder, url=server.address)[:3] == few
    assert len(downloads(server)) == 6
    other = fetch_environments(3, tmp_path / "other", seed=1, url=server.address)
    assert [path.name for path in other] != [path.name for path in few]


def test_what_is_there_is_not_fetched_again(server: StandIn, tmp_path: Path):
    files = fetch_environments(4, tmp_path, url=server.address)
    files[2].unlink()
    assert fetch_environments(4, tmp_path, url=server.address) == files
    assert len(downloads(server)) == 5
    assert downloads(server)[-1].endswith(files[2].stem.removesuffix("_1k"))


def test_another_resolution_is_taken_where_the_wished_one_is_missing(
    server: StandIn, tmp_path: Path
):
    for _ in range(2):
        files = fetch_environments(2, tmp_path, resolution="2k", url=server.address)
        assert all(path.stem.endswith("_1k") for path in files)
    assert len(downloads(server)) == 2


@pytest.mark.parametrize(
    ("where", "fault", "sentence"),
    [
        ("/assets", "500", r"127\.0\.0\.1:\d+: answered 500 .*, expected a list of environments\."),
        ("/assets", "not json", r"127\.0\.0\.1:\d+: its answer is not JSON of an object, expected"),
        ("/files/", "500", r"127\.0\.0\.1:\d+: answered 500 .*, expected a list of files\."),
        ("/download/", "500", r"answered 500 .*, expected place_\d+_1k\.(exr|hdr)\."),
        ("/download/", "short", r"_1k\.\w+: 127\.0\.0\.1:\d+ sent 100 bytes, expected \d+"),
        ("/download/", "broken off", r"(broke off after|sent) 100 bytes, expected"),
        ("/download/", "other content", r"sent another content than its checksum says, expected"),
    ],
)
def test_faults_are_told_and_leave_nothing_half(
    where: str, fault: str, sentence: str, server: StandIn, tmp_path: Path
):
    server.faults[where] = fault
    with pytest.raises(InputError, match=sentence) as told:
        fetch_environments(2, tmp_path, url=server.address)
    assert "\n" not in str(told.value)
    assert {path.name for path in tmp_path.iterdir()} <= {LICENCES_FILE}
    server.faults.clear()
    assert len(fetch_environments(2, tmp_path, url=server.address)) == 2


def test_without_a_network_the_host_is_named(server: StandIn, tmp_path: Path):
    server.server_close()
    with pytest.raises(
        InputError, match=r"127\.0\.0\.1:\d+: cannot be reached .*, expected a netw"
    ):
        fetch_environments(1, tmp_path, url=server.address)


def test_more_than_there_are_is_told(server: StandIn, tmp_path: Path):
    with pytest.raises(InputError, match=r"--hdri: 13 environments were asked for, .* has 12"):
        fetch_environments(13, tmp_path, url=server.address)


def test_an_address_of_another_kind_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="is no address, expected one of http or https"):
        fetch_environments(1, tmp_path, url="file:///etc")
