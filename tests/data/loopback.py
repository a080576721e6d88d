"""A server on this machine that breaks off half-way, and knows how to go on."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class Server(ThreadingHTTPServer):
    """Serves `contents`; the first `breaks` answers end half-way.

    Attributes:
        ranges: the Range header of every request, "" where there was none.
        resumes: does it honour that header?
    """

    def __init__(self, contents: dict[str, bytes], *, breaks: int = 0, resumes: bool = True) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.contents, self.breaks, self.resumes = contents, breaks, resumes
        self.ranges: list[str] = []

    @property
    def address(self) -> str:
        """Of the folder that it serves."""
        return f"http://127.0.0.1:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    server: Server  # pyright: ignore[reportIncompatibleVariableOverride] - made by no other

    def do_GET(self) -> None:
        self.server.ranges.append(self.headers.get("Range", ""))
        content = self.server.contents.get(self.path.lstrip("/"))
        if content is None:
            self.send_error(404)
            return
        asked = re.fullmatch(r"bytes=(\d+)-", self.server.ranges[-1])
        start = int(asked[1]) if asked and self.server.resumes else 0
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        rest = content[start:]
        if self.server.breaks:
            self.server.breaks -= 1
            rest = rest[: len(rest) // 2]
        self.wfile.write(rest)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@contextmanager
def serving(contents: dict[str, bytes], *, breaks: int = 0, resumes: bool = True) -> Iterator[Server]:
    """A server for the body of a `with` statement."""
    server = Server(contents, breaks=breaks, resumes=resumes)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
