"""Fetches the files of a known tagger from the Hugging Face hub."""

import hashlib
import importlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from ...told import NoLibrary, Told
from .install import pip_line

Progress = Callable[[str, int, int], None]
"""Called with file name, bytes there, bytes in all. What it raises ends the download; the next one goes on from there."""

# Small, so that an interrupt is noticed soon on a slow line.
CHUNK = 64 * 1024
TIMEOUT = (10, 30)


def fetch(repo: str, files: Mapping[str, str], folder: Path, progress: Progress, endpoint: str | None = None) -> None:
    """Fetches what is not there yet.

    A file grows under ``<name>.<ETag>.incomplete`` and is renamed when it is whole and, where the hub tells it, its
    SHA-256 is right. huggingface-hub finds address, token, size and checksum; its own download would begin anew after
    an interrupt.

    Args:
        repo: id of the repository.
        files: path in the repository -> name in ``folder``.
        endpoint: address of the hub, by default the one that huggingface-hub takes (``HF_ENDPOINT``).

    Raises:
        NoLibrary: huggingface-hub is missing.
        Told: a file did not arrive; the text says which, why, and where it would be.
    """
    try:
        hub: Any = importlib.import_module("huggingface_hub")
    except ImportError:
        raise NoLibrary(
            f"Downloading needs huggingface-hub. Install it with: {pip_line('huggingface-hub')} and restart."
        ) from None
    for path, name in files.items():
        target = folder / name
        if target.is_file():
            continue
        url: str = hub.hf_hub_url(repo, path, endpoint=endpoint)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _fetch_one(hub, url, target, lambda done, total, name=name: progress(name, done, total))
        except (OSError, hub.errors.HTTPError, Told) as error:  # requests' and the disk's are OSErrors
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise Told(
                f"{url} could not be fetched: {reason}. Run again to go on where it stopped, or put {name} into {folder} yourself."
            ) from error


def _fetch_one(hub: Any, url: str, target: Path, progress: Callable[[int, int], None]) -> None:
    import requests

    about = hub.get_hf_file_metadata(url)
    if not about.etag or not about.size:
        raise Told("the hub does not tell its size and ETag")
    part = target.with_name(f"{target.name}.{about.etag[:16]}.incomplete")
    for other in target.parent.glob(f"{target.name}.*.incomplete"):
        if other != part:
            other.unlink()
    headers = {**hub.utils.build_hf_headers(), "Accept-Encoding": "identity"}
    with part.open("ab") as file:
        while (have := file.tell()) < about.size:
            try:
                _append(file, url, headers, lambda done: progress(done, about.size))
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError):
                if file.tell() <= have:
                    raise
        file.flush()
        os.fsync(file.fileno())
    if part.stat().st_size != about.size or (len(about.etag) == 64 and _sha256(part) != about.etag):
        part.unlink()
        raise Told("what arrived is not what the hub has")
    part.replace(target)


def _append(file: IO[bytes], url: str, headers: dict[str, str], progress: Callable[[int], None]) -> None:
    import requests

    ranged = {**headers, "Range": f"bytes={file.tell()}-"}
    with requests.get(url, headers=ranged, stream=True, timeout=TIMEOUT) as answer:
        answer.raise_for_status()
        if answer.status_code != 206:
            file.truncate(0)
            file.seek(0)
        for chunk in answer.iter_content(CHUNK):
            file.write(chunk)
            progress(file.tell())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
