"""A server that answers like the real ones do, well and badly. The first part of the path says how."""

import base64
import io
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from PIL import Image

KEY = "sk-secret-4711"
STALL = 30.0
LLAMACPP = {"id": "seer", "owned_by": "llamacpp"}


def colour(uri: str) -> str:
    """What a model that sees would say: the strongest colour of a PNG data address."""
    head, data = uri.split(",", 1)
    assert head == "data:image/png;base64", head
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"), float)
    return ("red", "green", "blue")[int(pixels.mean((0, 1)).argmax())]


class FakeLLM:
    """``with FakeLLM() as fake: connect(fake.url + "/ok", ...)``; ``fake.seen`` holds (method, path, headers, body)."""

    def __init__(self, port: int = 0) -> None:
        self.seen: list[tuple[str, str, dict[str, str], Any]] = []
        self.gone = threading.Event()
        """Set when a client leaves in the middle of an answer."""
        self.elsewhere = "http://127.0.0.1:9/"
        self.script: list[tuple[str, str]] = []
        """The next answers, each with its finish reason, whatever the path says; they come a few letters at a time."""
        self.refusals: list[tuple[int, str]] = []
        """What is said of system texts on ``/nosystem``: status and message."""
        self.pieces: list[str] = []
        """What is said on ``/pieces``, piece by piece."""
        self.pause = 0.0
        """Seconds between two pieces of a scripted answer."""
        self.loads_until = 0.0
        """Until then (on the monotonic clock) everything is answered as by a server that loads its model."""
        self.loads_for = 0.0
        """The same for so many seconds from the first request on."""
        self.busy: tuple[int, str, dict[str, str]] = (503, "Loading model", {})
        """How: status, message and headers."""
        self.knows: set[str] = set()
        """Which of the fields on thinking ``/thinks`` takes."""
        self.routes: dict[str, Any] = {}
        """What is answered on a path, whatever the path says; to what is posted, by its ``model``."""
        self._server = ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (_Handler,), {"fake": self}))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "FakeLLM":
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def bodies(self) -> list[Any]:
        """What was posted."""
        return [body for method, _, _, body in self.seen if method == "POST"]


class _Handler(BaseHTTPRequestHandler):
    fake: FakeLLM
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.note(None)
        mode, _, path = self.path.lstrip("/").partition("/")
        if self.loading():
            pass
        elif self.path in self.fake.routes:
            self.json(200, self.fake.routes[self.path])
        elif mode == "redirect" or (mode == "redirect_chat" and "chat" in path):
            self.redirect()
        elif mode == "key" and self.headers.get("Authorization") != f"Bearer {KEY}":
            self.json(401, {"error": {"message": f"Incorrect API key provided: {self.headers.get('Authorization')}."}})
        elif mode == "html":
            self.whole(200, b"<html>welcome</html>", "text/html")
        elif mode == "mute":
            time.sleep(STALL)
        elif mode == "tgi" and path == "info":
            self.json(200, {"model_id": "org/seer", "version": "2.0.4", "max_total_tokens": 9216})
        elif mode == "empty" and path == "v1/models":
            self.json(200, {"object": "list", "data": None})
        elif mode == "llamacpp" and path == "props":
            self.json(200, {"modalities": {"vision": False}})
        elif mode not in ("tgi", "nothing") and path == "v1/models":
            models = [{"id": "seer", "owned_by": "me", "capabilities": ["completion", "vision"]}, {"id": "other"}]
            self.json(200, {"object": "list", "data": [LLAMACPP] if mode == "llamacpp" else models})
        else:
            self.json(404, {"detail": "Not Found"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.note(body)
        mode, _, path = self.path.lstrip("/").partition("/")
        if self.loading():
            return None
        if self.path in self.fake.routes:
            return self.json(200, self.fake.routes[self.path][body.get("model") or body["instance_id"]])
        if path != "v1/chat/completions":
            return self.json(404, {"detail": "Not Found"})
        if self.fake.script:
            text, finish = self.fake.script.pop(0)
            return self.stream([text[at : at + 12] for at in range(0, len(text), 12)], finish, self.fake.pause)
        getattr(self, mode, self.ok)(body)

    def loading(self) -> bool:
        """Whether this was the answer of a server that loads."""
        if self.fake.loads_for:
            self.fake.loads_until, self.fake.loads_for = time.monotonic() + self.fake.loads_for, 0.0
        if time.monotonic() >= self.fake.loads_until:
            return False
        status, message, headers = self.fake.busy
        self.whole(status, json.dumps({"error": {"message": message}}).encode(), "application/json", headers)
        return True

    # How to answer

    def ok(self, body: Any, finish: str | None = "stop") -> None:
        parts = [p for m in body["messages"] for p in (m["content"] if isinstance(m["content"], list) else [])]
        seen = [colour(p["image_url"]["url"]) for p in parts if p["type"] == "image_url"]
        self.stream([f"a {' and '.join(seen) or 'fine'}", " picture", ", seed ", str(body["seed"])], finish)

    def pieces(self, body: Any) -> None:
        self.stream(self.fake.pieces, "stop")

    def nofinish(self, body: Any) -> None:
        self.ok(body, None)

    def length(self, body: Any) -> None:
        self.stream(["One sentence. And", " half"], "length")

    def filtered(self, body: Any) -> None:
        self.stream(["No"], "content_filter")

    def think(self, body: Any) -> None:
        self.stream(["<think>hm, a", "</think>\n\n", "A cat.\n\nOn a mat."], "stop")

    def plain(self, body: Any) -> None:
        self.json(200, {"choices": [{"message": {"content": "all at once"}, "finish_reason": "stop"}]})

    def html_answer(self, body: Any) -> None:
        self.whole(200, b"<html>", "text/html")

    def slow(self, body: Any) -> None:
        self.stream([f"word{i} " for i in range(40)], "stop", pause=0.05)

    def stall(self, body: Any) -> None:
        """Begins, then says nothing."""
        self.stream(["A be", ""], "stop", pause=STALL)

    def mute(self, body: Any) -> None:
        """Not even a status line."""
        self.wait(STALL)

    def drop(self, body: Any) -> None:
        self.begin()
        self.event({"choices": [{"delta": {"content": "A be"}}]})
        self.connection.close()

    def broken(self, body: Any) -> None:
        self.begin()
        self.event({"error": {"message": f"out of memory, key {KEY}"}})
        self.end()

    def error500(self, body: Any) -> None:
        self.json(500, {"error": {"message": "Failed to create bitmap", "type": "internal_server_error"}})

    def detail500(self, body: Any) -> None:
        self.json(500, {"detail": "the model crashed"})

    def text500(self, body: Any) -> None:
        self.whole(500, b"Internal\nServer Error", "text/plain")

    def nomodel(self, body: Any) -> None:
        self.json(404, {"error": {"message": f"model '{body.get('model')}' not found"}})

    def key(self, body: Any) -> None:
        self.ok(body)

    def redirect_chat(self, body: Any) -> None:
        self.redirect()

    def nosystem(self, body: Any) -> None:
        """What chat templates say, by way of servers: llama.cpp's 500, vLLM's 400."""
        if body["messages"][0]["role"] == "system":
            status, said = self.fake.refusals.pop(0)
            return self.json(status, {"error": {"message": said}})
        self.ok(body)

    def strict(self, body: Any) -> None:
        """OpenAI's own: knows no top_k, and calls the budget by another name."""
        if "top_k" in body:
            self.json(400, {"error": {"message": "Unrecognized request argument supplied: top_k"}})
        elif "max_tokens" in body:
            said = "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."
            self.json(400, {"error": {"message": said}})
        else:
            self.ok(body)

    def thinks(self, body: Any) -> None:
        """Knows of the fields on thinking only those that a test names."""
        for name in {"reasoning_effort", "chat_template_kwargs"} - self.fake.knows:
            if name in body:
                return self.json(400, {"error": {"message": f"Unsupported parameter: '{name}'"}})
        return self.ok(body)

    def oldschema(self, body: Any) -> None:
        """llama_cpp.server: json_object with a schema, but no json_schema."""
        if body.get("response_format", {}).get("type") == "json_schema":
            self.json(500, {"error": {"message": "Input should be 'text' or 'json_object'"}})
        else:
            self.stream([json.dumps({"form": body.get("response_format")})], "stop")

    def noschema(self, body: Any) -> None:
        if "response_format" in body:
            self.json(400, {"error": {"message": "response_format is not supported"}})
        else:
            self.stream(["{}"], "stop")

    # HTTP

    def note(self, body: Any) -> None:
        self.fake.seen.append((self.command, self.path, dict(self.headers), body))

    def redirect(self) -> None:
        self.whole(307, b"", "text/plain", {"Location": self.fake.elsewhere})

    def json(self, status: int, body: Any) -> None:
        self.whole(status, json.dumps(body).encode(), "application/json")

    def whole(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def stream(self, pieces: list[str], finish: str | None, pause: float = 0.0) -> None:
        try:
            self.begin()
            self.wfile.write(b": ping\n\n")
            for piece in pieces:
                self.event({"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]})
                if not self.wait(pause):
                    raise BrokenPipeError
            if finish:
                self.event({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
            self.event({"choices": [], "usage": {"total_tokens": 3}})
            if finish:
                self.wfile.write(b"data: [DONE]\n\n")
            self.end()
        except OSError:
            self.fake.gone.set()

    def wait(self, seconds: float) -> bool:
        """False once the client has hung up."""
        end = time.monotonic() + seconds
        self.connection.settimeout(0.02)
        try:
            while time.monotonic() < end:
                try:
                    if not self.connection.recv(1):
                        self.fake.gone.set()
                        return False
                except TimeoutError:
                    pass
        finally:
            self.connection.settimeout(None)
        return True

    def begin(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def event(self, data: Any) -> None:
        self.wfile.write(f"data: {json.dumps(data)}\n\n".encode())
        self.wfile.flush()

    def end(self) -> None:
        self.wfile.flush()
