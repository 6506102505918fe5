"""A Hugging Face hub on this machine, as far as a download needs it."""

import hashlib
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass
class Hub:
    """Serves ``files`` (path after the host -> content).

    Attributes:
        drop_after: break the connection after so many bytes of each answer.
        pause: seconds between blocks of 64 kB.
        ranges: whether ``Range`` is honoured.
        asked: the ``Range`` headers of all GET requests.
    """

    files: dict[str, bytes]
    drop_after: int | None = None
    pause: float = 0
    ranges: bool = True
    asked: list[str] = field(default_factory=list)

    def __enter__(self) -> "Hub":
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:  # noqa: N802
                hub.answer(self, body=False)

            def do_GET(self) -> None:  # noqa: N802
                hub.answer(self, body=True)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request: BaseHTTPRequestHandler, body: bool) -> None:
        content = self.files.get(request.path)
        if content is None:
            request.send_response(404)
            request.send_header("X-Error-Code", "EntryNotFound")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        wanted = request.headers.get("Range", "") if body else ""
        if body:
            self.asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").split("-")[0]) if wanted and self.ranges else 0
        request.send_response(206 if wanted and self.ranges else 200)
        if wanted and self.ranges:
            request.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        request.send_header("Content-Length", str(len(content) - start))
        request.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        request.send_header("X-Repo-Commit", "0" * 40)
        request.end_headers()
        if body:
            end = len(content) if self.drop_after is None else min(len(content), start + self.drop_after)
            for i in range(start, end, 65536):
                try:
                    request.wfile.write(content[i : min(i + 65536, end)])
                except OSError:
                    return
                time.sleep(self.pause)
