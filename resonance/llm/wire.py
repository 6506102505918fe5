"""Messages in the form that OpenAI's chat API introduced and llama.cpp and most servers share."""

import base64
import io
from collections.abc import Iterable
from typing import Any

from PIL import Image

from .chat import Message


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
