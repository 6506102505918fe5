"""Where words and keys may go: a private file of the user lists the addresses off this machine, each with its key.

Where others can send workflows, it also lists the ports of this machine on which nobody expects a language model.

A workflow comes from anywhere, so nothing in it may choose a foreign server or carry a key. The file looks like this::

    {
      "https://api.example.com": {"key": "..."},
      "http://192.168.1.5:8080": {}
    }
"""

import ipaddress
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from .chat import LLMError

PORTS = {"http": 80, "https": 443}

USUAL = (1234, 1337, 3000, 5000, 5001, 8000, 8080, 8081, 11434, 30000)
"""Ports on which language models usually listen: LM Studio, Jan, llama.cpp, vLLM, Ollama, SGLang and others."""


@dataclass(frozen=True)
class Origin:
    """What a key is bound to. ``host`` is in lower case, an IPv6 address without brackets."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == PORTS[self.scheme] else f":{self.port}")

    @property
    def local(self) -> bool:
        return is_local(self.host)


def is_local(host: str) -> bool:
    """True for ``localhost`` and loopback addresses in plain form. Any other name or number may lead elsewhere."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def split_address(address: str) -> tuple[Origin, str]:
    """The origin and the path (without a slash at its end) of an http(s) address.

    Raises:
        LLMError: the address has no scheme or another one, holds a name, password, query or blanks, or no proper host.
    """
    address = address.strip()
    example = "write it like http://127.0.0.1:8080 or https://api.example.com/v1"
    if not re.match(r"https?://", address, re.IGNORECASE):
        raise LLMError(
            f"The address {address.split('://')[0][:60]!r} does not begin with http:// or https://: {example}."
        )
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
        if not re.fullmatch(r"[a-z0-9._-]+|[0-9a-f:.]+", host):
            raise ValueError
        if ":" in host:
            ipaddress.IPv6Address(host)
    except ValueError:
        raise LLMError(f"The address holds no proper host or port: {example}.") from None
    # Neither of these is repeated in the error: they may hold a password.
    if "@" in parts.netloc or parts.query or parts.fragment or re.search(r"[\s\\]", address):
        raise LLMError(
            f"An address holds no name, password, '?', '#', backslash or blank: {example}. Keys go into llm_keys.json."
        )
    if port == 0:
        raise LLMError(f"The address has port 0, on which nobody can listen: {example}.")
    return Origin(parts.scheme, host, port or PORTS[parts.scheme]), parts.path.rstrip("/")


def key_for(origin: Origin, file: Path, exposed: bool = False) -> str | None:
    """The key for ``origin``, None if it needs none.

    Args:
        file: the user's ``llm_keys.json``; need not exist.
        exposed: others can send workflows, so that only the :data:`USUAL` ports of this machine need no entry.

    Raises:
        LLMError: the origin must be listed and is not, or the file is not in order.
    """
    listed = _read(file)
    if origin not in listed and not origin.local:
        raise LLMError(
            f"{origin} is not on this machine, so nothing is sent to it until you allow it: add the line "
            f'"{origin}": {{"key": "..."}} (or {{}} if it needs no key) to {file}. {_shape(file)}'
        )
    if origin not in listed and exposed and origin.port not in USUAL:
        raise LLMError(
            f"This ComfyUI can be reached from other machines, and {origin} may be anything that listens on this one: nothing "
            f'is sent to it until you allow it. Add the line "{origin}": {{}} to {file}. {_shape(file)}'
        )
    return listed.get(origin)


def _shape(file: Path) -> str:
    return "" if file.exists() else "The file does not exist yet: put the line between { and }."


def _read(file: Path) -> dict[Origin, str | None]:
    try:
        entries: Any = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except json.JSONDecodeError as error:
        # `from None`: the cause would carry the file's text, and with it the keys.
        raise LLMError(f"{file} is not valid JSON: see line {error.lineno}, column {error.colno}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise LLMError(f"{file} cannot be read ({type(error).__name__}).") from None
    if not isinstance(entries, dict):
        raise LLMError(f'{file} must hold one object, {{"https://api.example.com": {{"key": "..."}}, ...}}.')
    listed: dict[Origin, str | None] = {}
    for number, (address, entry) in enumerate(cast(dict[str, Any], entries).items(), 1):
        where = f"Entry {number} of {file}"
        try:
            origin, path = split_address(address)
        except LLMError as error:
            raise LLMError(f"{where}: {error}") from None
        if path:
            raise LLMError(f"{where} must end after the host and port: a key belongs to all of {origin}.")
        if not isinstance(entry, dict):
            raise LLMError(f'{where} must be {{"key": "..."}} or {{}}.')
        key: Any = cast(dict[str, Any], entry).get("key")
        if key is not None and not (isinstance(key, str) and re.fullmatch(r"[!-~]+", key)):
            raise LLMError(f"{where}: the key must be text of letters, digits and signs without blanks.")
        listed[origin] = key
    return listed
