"""The repository's address, wherever the registry and the README name it.

`python tests/write_address.py https://github.com/you/resonance` writes it; `--check v1.2.3` says, before that tag is published, what
is missing. Standard library only: the publish workflow asks too.
"""

import re
import sys
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

from places import PACK

URLS = "[project.urls]\n"
PLACEHOLDER = "<this repository>"
"""In the README."""


def addresses(repository: str) -> dict[str, str]:
    return {
        "Repository": repository,
        "Documentation": f"{repository}/tree/HEAD/docs",
        "Issues": f"{repository}/issues",
    }


def pictures(repository: str) -> dict[str, str]:
    return {name: f"{repository}/raw/HEAD/assets/{name.lower()}.png" for name in ("Icon", "Banner")}


def write(repository: str, pack: Path = PACK) -> None:
    """Writes the address into the table of addresses, which is in no other file, and what follows from it."""
    repository = repository.rstrip("/").removesuffix(".git")
    if urlsplit(repository).scheme != "https" or not urlsplit(repository).path.strip("/"):
        sys.exit(f"{repository} is no address of a repository, such as https://github.com/you/resonance.")
    project, readme = pack / "pyproject.toml", pack / "README.md"
    text = project.read_text(encoding="utf-8")
    head, rest = text.split(URLS)
    below = rest.index("\n[")
    lines = "".join(f'{name} = "{url}"\n' for name, url in addresses(repository).items())
    text = f"{head}{URLS}{lines}{rest[below:]}"
    for name, url in pictures(repository).items():
        text = re.sub(rf'^{name} = ".*"$', f'{name} = "{url}"', text, flags=re.MULTILINE)
    project.write_text(text, encoding="utf-8")
    readme.write_text(readme.read_text(encoding="utf-8").replace(PLACEHOLDER, repository), encoding="utf-8")


def missing(tag: str, pack: Path = PACK) -> str:
    """One sentence on why this tag cannot be published; empty if it can."""
    settings = tomllib.loads((pack / "pyproject.toml").read_text(encoding="utf-8"))
    project, comfy = settings["project"], settings["tool"]["comfy"]
    repository = project["urls"].get("Repository", "")
    wanted = {**addresses(repository), **pictures(repository)}
    if not repository or {**project["urls"], **comfy} != {**project["urls"], **comfy, **wanted}:
        return "The repository's address is not in pyproject.toml yet: run python tests/write_address.py ADDRESS, and commit that."
    if tag != f"v{project['version']}":
        return (
            f"The tag {tag} is not the version {project['version']} of pyproject.toml: name it v{project['version']}."
        )
    return ""


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--check", tag]:
            sys.exit(missing(tag) or None)
        case [repository]:
            write(repository)
        case _:
            sys.exit(__doc__)
