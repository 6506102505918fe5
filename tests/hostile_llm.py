"""A server of language models that answers with anything at all. The first part of the path names the answer."""

import gzip
import json
import socket
import socketserver
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import chain, repeat

Sent = Iterable[bytes]
"""What goes over the wire, piece by piece, until the client hangs up."""

MB = 10**6
EVENTS = "text/event-stream"


def http(status: int = 200, body: Sent = (), kind: str = "application/json", **headers: object) -> Sent:
    """A response that ends with the connection."""
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return chain([f"HTTP/1.1 {status} Any\r\nContent-Type: {kind}\r\n{more}Connection: close\r\n\r\n".encode()], body)


def whole(value: object, status: int = 200, **headers: object) -> Sent:
    return http(status, [value if isinstance(value, bytes) else json.dumps(value).encode()], **headers)


def stream(*values: object) -> Sent:
    return http(200, [event(each) for each in values], EVENTS)


def event(value: object) -> bytes:
    return b"data: %s\n\n" % (value if isinstance(value, bytes) else json.dumps(value).encode())


def says(content: object, finish: object = None, **more: object) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": {"content": content, **more}, "finish_reason": finish}]}


def endless(piece: bytes) -> Iterator[bytes]:
    return repeat(piece * (1 + 65536 // len(piece)))


def slowly(pieces: Iterable[bytes], pause: float = 0.05) -> Iterator[bytes]:
    for piece in pieces:
        yield piece
        time.sleep(pause)


def silence(*before: bytes) -> Iterator[bytes]:
    yield from before
    time.sleep(3)


def gzipped(data: bytes) -> bytes:
    return gzip.compress(data, 1)


def deflated(data: bytes) -> bytes:
    return zlib.compress(data, 1)


@cache
def bomb(how: Callable[[bytes], bytes]) -> bytes:
    """200 MB in less than one."""
    return b"".join([how(b'{"choices": [')] + [how(b" " * (50 * MB))] * 4)


GOOD = event(says("a cat"))
OPEN = b'{"choices": [{"message": {"content": "'

ENDLESS: dict[str, Callable[[], Sent]] = {
    "endless json": lambda: http(body=chain([OPEN], endless(b"a"))),
    "endless text": lambda: http(body=endless(b"Lorem ipsum. "), kind="text/plain"),
    "endless blanks": lambda: http(body=endless(b" ")),
    "endless pings": lambda: http(body=endless(b": ping\n\n"), kind=EVENTS),
    "endless empty lines": lambda: http(body=endless(b"\n"), kind=EVENTS),
    "endless events": lambda: http(body=endless(b"event: x\nid: 1\n\n"), kind=EVENTS),
    "endless content": lambda: http(body=endless(event(says("cat "))), kind=EVENTS),
    "endless empty content": lambda: http(body=endless(event(says(""))), kind=EVENTS),
    "endless thoughts": lambda: http(body=endless(event(says(None, reasoning_content="hm "))), kind=EVENTS),
    "endless answers": lambda: http(body=endless(event(says("", "stop"))), kind=EVENTS),
    "endless line": lambda: http(body=chain([b"data: "], endless(b"a")), kind=EVENTS),
    "endless line after an answer": lambda: http(body=chain([GOOD, b"data: "], endless(b"a")), kind=EVENTS),
    "endless error": lambda: http(400, endless(b"no ")),
    "endless error in json": lambda: http(500, chain([b'{"error": {"message": "'], endless(b"no "))),
    "endless headers": lambda: chain([b"HTTP/1.1 200 OK\r\n"], endless(b"X-A: b\r\n")),
    "endless header": lambda: chain([b"HTTP/1.1 200 OK\r\nX-A: "], endless(b"a")),
    "endless status line": lambda: chain([b"HTTP/1.1 200 "], endless(b"a")),
    "endless patience": lambda: endless(b"HTTP/1.1 102 Processing\r\n\r\n"),
    "endless chunk size": lambda: http(body=endless(b"0"), Transfer_Encoding="chunked"),
    "endless trailers": lambda: http(body=chain([b"0\r\n"], endless(b"X-A: b\r\n")), Transfer_Encoding="chunked"),
}

LARGE: dict[str, Callable[[], Sent]] = {
    "deep list": lambda: whole(b"[" * 200_000),
    "deep list of choices": lambda: whole(b'{"choices": ' + b"[" * MB + b"]" * MB + b"}"),
    "deep object": lambda: whole(b'{"a": ' * 200_000 + b"1" + b"}" * 200_000),
    "deep event": lambda: stream(b"[" * 200_000),
    "deep error": lambda: whole(b"[" * 60_000, 400),
    "deep in other brackets": lambda: whole(b'{"choices": ' + b'[{"a": ' * 60 + b"1" + b"}]" * 60 + b"}"),
    "wide lists": lambda: whole(b'{"choices": [' + b"[]," * (5 * MB) + b"[]]}"),
    "wide objects": lambda: whole(b"[" + b"{}," * (5 * MB) + b"{}]"),
    "wide numbers": lambda: whole(b"[" + b"1.5," * (3 * MB) + b"0]"),
    "wide texts": lambda: whole(b"[" + b'"ab",' * (3 * MB) + b'""]'),
    "wide keys": lambda: whole(b"{" + b'"k":0,' * (2 * MB) + b'"k":0}'),
    "wide event": lambda: stream(b"[" + b"[]," * (MB // 4) + b"0]"),
    "quotes without end": lambda: whole(b'"' + b'\\"' * (7 * MB)),
    "nothing but quotes": lambda: whole(b'"' * (15 * MB)),
    "nothing but backslashes": lambda: whole(b'"' + b"\\" * (15 * MB)),
    "long line": lambda: stream(says("a" * (8 * MB))),
    "long content": lambda: whole(OPEN + b"a" * (14 * MB) + b'"}, "finish_reason": "stop"}]}'),
    "long content of emoji": lambda: whole(OPEN + "🐈".encode() * (3 * MB) + b'"}, "finish_reason": "stop"}]}'),
    "long content after an emoji": lambda: whole(
        OPEN + "🐈".encode() + b"a" * (14 * MB) + b'"}, "finish_reason": "stop"}]}'
    ),
    "many long texts": lambda: whole(b"[" + b",".join([b'"' + "🐈".encode() + b"a" * (MB - 9) + b'"'] * 15) + b"]"),
    "long number": lambda: whole(b"1" * (14 * MB)),
    "long error": lambda: whole({"error": {"message": "no " * (3 * MB)}}, 400),
    "gzip bomb": lambda: whole(bomb(gzipped), Content_Encoding="gzip"),
    "gzip bomb in an error": lambda: whole(bomb(gzipped), 400, Content_Encoding="gzip"),
    "deflate bomb": lambda: whole(bomb(deflated), Content_Encoding="deflate"),
}

SLOW: dict[str, Callable[[], Sent]] = {
    "silence": silence,
    "silence in the status line": lambda: silence(b"HTTP/1.1 2"),
    "silence after the headers": lambda: chain(http(kind=EVENTS), silence()),
    "silence after a word": lambda: chain(http(kind=EVENTS), silence(GOOD)),
    "silence after half a line": lambda: chain(http(kind=EVENTS), silence(GOOD[:20])),
    "drops of pings": lambda: http(body=slowly(repeat(b": ping\n\n")), kind=EVENTS),
    "drops of words": lambda: http(body=slowly(repeat(event(says("a ")))), kind=EVENTS),
    "drops of bytes": lambda: http(body=slowly(repeat(b" "))),
    "drops of headers": lambda: slowly(chain([b"HTTP/1.1 200 OK\r\n"], repeat(b"X-A: b\r\n"))),
    "drops of an error": lambda: http(400, slowly(repeat(b"no "))),
    "drops of patience": lambda: slowly(repeat(b"HTTP/1.1 102 Processing\r\n\r\n")),
}

ODD: dict[str, Callable[[], Sent]] = {
    "a list": lambda: whole([1, 2]),
    "a text": lambda: whole("hello"),
    "a number": lambda: whole(5),
    "null": lambda: whole(None),
    "nothing": lambda: whole(b""),
    "an empty object": lambda: whole({}),
    "words": lambda: whole(b"hello"),
    "half an object": lambda: whole(b'{"choices": [{"message": '),
    "choices of another type": lambda: whole({"choices": 5}),
    "choices as text": lambda: whole({"choices": "hello"}),
    "choices as an object": lambda: whole({"choices": {"message": {"content": "hi"}}}),
    "choices that are numbers": lambda: whole({"choices": [5]}),
    "choices that are null": lambda: whole({"choices": [None]}),
    "no choices": lambda: whole({"choices": []}),
    "a message that is text": lambda: whole({"choices": [{"message": "hi"}]}),
    "content that is an object": lambda: whole({"choices": [{"message": {"content": {"a": 1}}, "finish_reason": "stop"}]}),
    "content that is a list": lambda: stream(says([5], "stop")),
    "content that is a number": lambda: stream(says(7, "stop")),
    "content that is true": lambda: stream(says(True, "stop")),
    "a reason that is an object": lambda: stream(says("a", {"a": 1})),
    "a reason that is a list": lambda: stream(says("a", ["stop"])),
    "a reason that is a number": lambda: stream(says("a", 1)),
    "an event that is a list": lambda: stream([1]),
    "an event that is no json": lambda: stream(b"{'choices': []}"),
    "a number with too many digits": lambda: whole(b'{"choices": ' + b"1" * 5000 + b"}"),
    "an error that is a list": lambda: whole({"error": [1]}),
    "an error that is a number": lambda: stream({"error": 5}),
    "an error in a stream": lambda: stream(says("a"), {"error": {"message": "out of memory"}}),
    "an error of many lines": lambda: whole({"error": {"message": "a\n\n\tb\r\nc\u2028d\u0085e"}}, 500),
    "an error that speaks to terminals": lambda: whole({"error": {"message": "\x1b[2J\x1b]0;x\x07\u202eno\ud800"}}, 500),
    "an error in an unknown charset": lambda: http(500, [b"no"], "text/plain; charset=hex"),
    "utf-16": lambda: whole(json.dumps(says("hi", "stop")).encode("utf-16")),
    "bytes that are no text": lambda: whole(b'{"choices": [{"message": {"content": "\xff\xfe"}}]}'),
    "a content type that is none": lambda: http(200, [b"x"], ";;;=\xff;charset"),
    "compressed unasked": lambda: whole(gzipped(b"{}"), Content_Encoding="gzip"),
    "called compressed": lambda: whole({}, Content_Encoding="br"),
    "another protocol": lambda: [b"SSH-2.0-OpenSSH_9.6\r\n"],
    "no headers": lambda: [b'{"choices": []}'],
    "hanging up": lambda: [],
    "hanging up in the headers": lambda: [b"HTTP/1.1 200 OK\r\nContent-"],
    "hanging up in the body": lambda: http(body=[OPEN], Content_Length=5000),
    "hanging up in a stream": lambda: stream(says("a")),
    "a length that is negative": lambda: whole({}, Content_Length=-1),
    "a length that is a word": lambda: whole({}, Content_Length="many"),
    "two lengths": lambda: whole({}, Content_Length="2\r\nContent-Length: 3"),
    "chunks that are none": lambda: http(body=[b"zz\r\nhello"], Transfer_Encoding="chunked"),
    "a version of tomorrow": lambda: [b"HTTP/9.9 200 OK\r\n\r\n{}"],
    "a header with a zero": lambda: whole({}, X_A="a\0b"),
    "a cookie that is none": lambda: whole({}, Set_Cookie="=;=;\x01=;"),
    "an unknown encoding": lambda: whole({}, Content_Encoding="utf-8"),
    "a switch of protocols": lambda: http(101, [b"hello"], Upgrade="websocket"),
    "a redirect": lambda: http(302, [], Location="http://127.0.0.1:9/"),
    "a redirect to itself": lambda: http(307, [], Location="/"),
    "a redirect to nowhere": lambda: http(301),
    "too much to do for ever": lambda: whole({"error": {"message": "Loading model"}}, 503),
    "too much to do for an hour": lambda: whole({"error": "later"}, 429, Retry_After=3600),
    "too much to do until a date": lambda: whole(b"", 429, Retry_After="Fri, 31 Dec 2999 23:59:59 GMT"),
    "too much to do until never": lambda: whole(b"", 503, Retry_After="soon, " + "9" * 400),
    **{f"status {status}": (lambda status=status: whole({"detail": "no"}, status)) for status in
       (204, 205, 206, 304, 400, 401, 402, 404, 413, 418, 422, 451, 500, 502, 504, 599, 999)},
}  # fmt: skip

ANSWERS = ENDLESS | LARGE | SLOW | ODD
"""To a question."""


def message(finish: object = "stop", **fields: object) -> Sent:
    return whole({"choices": [{"message": {"role": "assistant", **fields}, "finish_reason": finish}]})


def delta(finish: object = None, **fields: object) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}


BOAT = "A red boat."
TEXT, THOUGHT = {"type": "text", "text": BOAT}, {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
SENTENCES = "The model gave thoughts but no answer.* It begins: A red boat"
END, LAST = b"data: [DONE]\n\n", delta("stop")

FORMS: dict[str, tuple[Callable[[], Sent], str, str]] = {
    # of the list of faults
    "only reasoning, cut off": (
        lambda: stream(delta(content="", reasoning="The user"), delta("length")),
        "still thinking when max_tokens ran out",
        "",
    ),
    "only reasoning_content": (
        lambda: stream(delta(content=None, reasoning_content=BOAT), LAST),
        SENTENCES,
        "",
    ),
    "a refusal": (lambda: stream(delta(content=None, refusal="I can"), delta(refusal="not."), LAST), "refused: I cannot.", ""),
    "parts": (lambda: stream(delta(content=[THOUGHT]), delta(content=BOAT), LAST), BOAT, "hm"),
    "done without a reason": (lambda: chain(stream(delta(content=BOAT)), [END]), BOAT, ""),
    # more fields
    "reasoning before the answer": (lambda: stream(delta(reasoning="h"), delta(reasoning="m"), delta(content=BOAT), LAST), BOAT, "hm"),
    "reasoning_content before the answer": (lambda: stream(delta(reasoning_content="hm"), delta(content=BOAT), LAST), BOAT, "hm"),
    "the same in two fields": (lambda: stream(delta(reasoning="hm", reasoning_content="hm"), delta(content=BOAT), LAST), BOAT, "hm"),
    "thinking in a message": (lambda: message(thinking="hm", content=BOAT), BOAT, "hm"),
    "tags and a field": (lambda: message(reasoning="hm", content=f"<think>so</think>{BOAT}"), BOAT, "hm\n\nso"),
    "a field that is no text": (lambda: message(reasoning={"effort": "low"}, content=BOAT), BOAT, ""),
    "parts of thoughts in a field": (lambda: message(reasoning=[{"type": "reasoning.text", "text": "hm"}], content=BOAT), BOAT, "hm"),
    "text in a choice": (lambda: whole({"choices": [{"text": BOAT, "finish_reason": "stop"}]}), BOAT, ""),
    "text in the choices of a stream": (
        lambda: stream({"choices": [{"text": "A red "}]}, {"choices": [{"text": "boat.", "finish_reason": "stop"}]}),
        BOAT,
        "",
    ),
    "text in a message": (lambda: message(text=BOAT), BOAT, ""),
    # more parts
    "parts in a message": (lambda: message(content=[THOUGHT, TEXT]), BOAT, "hm"),
    "output_text": (lambda: message(content=[{"type": "output_text", "text": BOAT}]), BOAT, ""),
    "reasoning as a part": (lambda: message(content=[{"type": "reasoning", "text": "hm"}, TEXT]), BOAT, "hm"),
    "thinking as text": (lambda: message(content=[{"type": "thinking", "thinking": "hm"}, TEXT]), BOAT, "hm"),
    "one part": (lambda: message(content=TEXT), BOAT, ""),
    "texts in a list": (lambda: message(content=["A red ", "boat."]), BOAT, ""),
    "a refusal as a part": (lambda: message(content=[{"type": "refusal", "refusal": "No."}]), "refused: No.", ""),
    "a picture": (lambda: message(content=[{"type": "image_url", "image_url": {}}]), "has a part that is 'image_url' and no text", ""),
    # ends
    "a whole answer without a reason": (lambda: message(None, content=BOAT), BOAT, ""),
    "an empty reason": (lambda: chain(stream(delta("", content=BOAT)), [END]), BOAT, ""),
    "no end at all": (lambda: stream(delta(content=BOAT)), "ended the answer before it was finished", ""),
    "done without an answer": (lambda: chain(stream(delta(content="")), [END]), "ended the answer before it was finished", ""),
    "no text": (lambda: message(content=""), "The model's answer is empty", ""),
    "null for a text": (lambda: message(content=None), "The model's answer is empty", ""),
    "blanks": (lambda: stream(delta(content=" \n\u200b"), LAST), "The model's answer is empty", ""),
    "only an end": (lambda: message(content="<|im_end|>"), "The model's answer is empty", ""),
    "an end": (lambda: message(content=f"{BOAT}<|im_end|>"), BOAT, ""),
    "a tool": (lambda: message("tool_calls", content=None, tool_calls=[{"function": {"name": "look"}}]), "called a tool", ""),
    "an error for a reason": (lambda: message("error", content="A re"), "broke off without saying why", ""),
    "another word for cut off": (lambda: message("MAX_TOKENS", content=f"{BOAT} On the"), BOAT, ""),
    "another word for withheld": (lambda: message("SAFETY", content=None), "content filter", ""),
    # letters
    "half a letter": (lambda: message(content="A red \ud83d boat."), "A red \ufffd boat.", ""),
    "half a letter in a thought": (lambda: message(reasoning="hm \udea3", content=BOAT), BOAT, "hm \ufffd"),
    "a letter in two pieces": (lambda: stream(delta(content="A boat \ud83d"), delta(content="\udea3"), LAST), "A boat 🚣", ""),
}  # fmt: skip
"""Answers in forms that servers have: the caption or how the error reads, and the thoughts."""

LISTS: dict[str, Callable[[], Sent]] = {
    "a number of models": lambda: whole({"data": 5}),
    "a text of models": lambda: whole({"data": "gpt"}),
    "models that are numbers": lambda: whole({"data": [1, None, [], "x"]}),
    "models without names": lambda: whole({"data": [{}, {"id": 5}, {"id": {"a": 1}}, {"id": ""}]}),
    "a model with a long name": lambda: whole({"data": [{"id": "x" * MB}]}),
    "a model with a name of lines": lambda: whole({"data": [{"id": "x\ny"}]}),
    "models of odd abilities": lambda: whole(
        {"data": [{"id": "embed", "type": 5, "capabilities": 7, "architecture": [1], "owned_by": {}}]}
    ),
    "nothing but embeddings": lambda: whole({"data": [{"id": "a", "capabilities": ["embedding"]}]}),
}
"""To the question which models there are."""


class HostileLLM:
    """``with HostileLLM() as hostile: connect(hostile.at("endless json"))``. Models are listed well unless the name is of a list
    or begins with ``list:``, which sends an answer of :data:`ANSWERS` in the place of the list."""

    def __init__(self) -> None:
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def at(self, name: str) -> str:
        return f"{self.url}/{name.replace(' ', '+')}"

    def __enter__(self) -> "HostileLLM":
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        path = self.rfile.readline().split()[1].decode()
        length = 0
        while (line := self.rfile.readline().strip()) != b"":
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        self.rfile.read(length)
        name = path.split("/")[1].replace("+", " ")
        listing = not path.endswith("completions")
        if listing and name in LISTS:
            sent = LISTS[name]()
        elif listing and name.startswith("list:"):
            sent = ANSWERS[name.removeprefix("list:")]()
        elif listing:
            sent = whole({"data": [{"id": "seer"}]})
        else:
            sent = (ANSWERS | {form: says for form, (says, *_) in FORMS.items()}).get(name, lambda: whole({}))()
        try:
            self.connection.settimeout(5)
            for piece in sent:
                self.connection.sendall(piece)
            self.connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass
