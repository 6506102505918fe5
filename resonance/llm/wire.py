"""Requests in the form that OpenAI's chat API introduced and llama.cpp and most servers share."""

import base64
import io
import re
from collections.abc import Iterable
from typing import Any

from PIL import Image

from .chat import Message, Sampling, Thinking

OPTIONAL = ("top_k", "min_p", "repeat_penalty", "seed", "top_p", "temperature", "stop")
"""Fields that some server refuses and an answer can do without."""

THINKING = ("reasoning_effort", "chat_template_kwargs")
"""The fields of :func:`thinking_fields`."""
UNTOLD = "cannot be told whether to think"
"""What a note says of a server, or of a model's template, that knows neither."""

EFFORTS: dict[Thinking, str] = {"off": "none", "low": "low", "on": "medium"}
"""What OpenAI's field says of thinking. Models that know only on and off take any but none for on."""


def to_wire(messages: Iterable[Message]) -> list[dict[str, Any]]:
    """Text alone is a plain string: some templates know nothing else."""
    return [
        {"role": m.role, "content": [*map(_image, m.images), {"type": "text", "text": m.text}] if m.images else m.text}
        for m in messages
    ]


def _image(image: Image.Image) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": data_uri(image)}}


def data_uri(image: Image.Image) -> str:
    """The picture itself as a PNG ``data:`` address. Nothing else is ever sent: llama.cpp cannot read WebP, and would
    open ``file:`` and ``http:`` addresses itself."""
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def sampling_fields(s: Sampling) -> dict[str, Any]:
    """What is off is not sent: some servers refuse a neutral value, others do not know the field."""
    fields: dict[str, Any] = {
        "max_tokens": s.max_tokens,
        "temperature": s.temperature,
        "top_p": s.top_p if s.top_p < 1 else None,
        "top_k": s.top_k or None,
        "min_p": s.min_p or None,
        "repeat_penalty": s.repeat_penalty if s.repeat_penalty != 1 else None,
        "seed": s.seed & 0xFFFFFFFF,
    }
    return {name: value for name, value in fields.items() if value is not None}


def thinking_switches(thinking: Thinking) -> dict[str, Any]:
    """What chat templates know of thinking: those of Qwen3, GLM and others the first, gpt-oss's and others the second."""
    return {} if thinking == "auto" else {"enable_thinking": thinking != "off", "reasoning_effort": EFFORTS[thinking]}


def thinking_fields(thinking: Thinking) -> dict[str, Any]:
    """How servers are told to think. Each knows one of these or the other: OpenAI's own field (OpenAI, Ollama, LM Studio,
    OpenRouter), or what the model's template is given (llama.cpp, vLLM, SGLang)."""
    if not (switches := thinking_switches(thinking)):
        return {}
    return {"reasoning_effort": EFFORTS[thinking], "chat_template_kwargs": switches}


def formats_of(schema: dict[str, Any], tgi: bool) -> list[dict[str, Any]]:
    """Ways to ask for a schema, the strictest first; what a server refuses is followed by the next."""
    if tgi:
        return [{"type": "json", "value": schema}]
    return [
        {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}},
        {"type": "json_object", "schema": schema},
    ]


def give_way(body: dict[str, Any], said: str) -> str | None:
    """Takes out of ``body`` what the server refused. The note for the user, empty if nothing is lost; None if the
    refusal was about something else."""
    if "max_completion_tokens" in said and "max_tokens" in body:
        body["max_completion_tokens"] = body.pop("max_tokens")
        return ""
    for name in OPTIONAL:
        if name in body and re.search(rf"\b{name}\b", said):
            del body[name]
            return f"the server does not take {name}: it was left out"
    for name, other in (THINKING, THINKING[::-1]):
        if name in body and re.search(rf"\b{name}\b", said):
            del body[name]
            return "" if other in body else f"the server {UNTOLD}"
    return None


def refuses_system(status: int, said: str) -> bool:
    """Whether a server's model takes no system text. Its chat template says so, or that the roles must take turns."""
    about = r"\broles?\b|\bsystem (role|message|prompt|instruction)s?\b|\bdeveloper instruction\b"
    return status in (400, 422, 500) and re.search(about, said, re.IGNORECASE) is not None
