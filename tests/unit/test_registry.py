"""What the Comfy Registry is told and shown, and what stops it from being published too early."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import write_address
import write_assets
import yaml
from PIL import Image
from places import PACK, shipped_files

ADDRESS = "https://github.com/somebody/resonance"


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """The files that name the address, without one."""
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(PACK / name, tmp_path)
    project = tmp_path / "pyproject.toml"
    text = re.sub(r"(?m)^(Repository|Documentation|Issues) = .*\n", "", project.read_text())
    project.write_text(re.sub(r'(?m)^(Icon|Banner) = ".*"$', r'\1 = ""', text))
    return tmp_path


def test_without_an_address_publishing_stops_with_one_sentence(pack: Path) -> None:
    said = write_address.missing("v0.1.0", pack)
    assert said.startswith("The repository's address is not in pyproject.toml yet")
    assert len(re.findall(r"[.!?](?:\s|$)", said)) == 1
    assert "github.com" not in (pack / "pyproject.toml").read_text()


def test_one_command_writes_the_address_wherever_it_belongs(pack: Path) -> None:
    write_address.write(f"{ADDRESS}.git", pack)
    assert write_address.missing("v0.1.0", pack) == ""
    assert "not the version 0.1.0" in write_address.missing("v0.2.0", pack)
    written = (pack / "pyproject.toml").read_text()
    assert set(re.findall(rf'(\w+) = "{ADDRESS}', written)) == {
        *("Repository", "Documentation", "Issues"),
        *("Icon", "Banner"),
    }
    for path in re.findall(rf"{ADDRESS}/(?:raw|tree)/HEAD/([^\"]+)", written):
        assert (PACK / path).exists()
    assert f"git clone {ADDRESS} resonance" in (pack / "README.md").read_text()
    write_address.write("https://example.org/moved/here", pack)
    assert ADDRESS not in (pack / "pyproject.toml").read_text() and write_address.missing("v0.1.0", pack) == ""


@pytest.mark.parametrize("address", ["resonance", "git@github.com:somebody/resonance", "https://github.com"])
def test_what_is_no_address_is_not_written(pack: Path, address: str) -> None:
    before = (pack / "pyproject.toml").read_text()
    with pytest.raises(SystemExit, match="no address of a repository"):
        write_address.write(address, pack)
    assert (pack / "pyproject.toml").read_text() == before


def test_the_workflow_asks_before_it_publishes() -> None:
    workflow = yaml.safe_load((PACK / ".github" / "workflows" / "publish.yml").read_text())
    steps = [step.get("run") or step["uses"].split("@")[0] for step in workflow["jobs"]["publish"]["steps"]]
    assert steps[-2:] == [
        'python tests/write_address.py --check "$GITHUB_REF_NAME"',
        "Comfy-Org/publish-node-action",
    ]
    assert workflow[True] == {"push": {"tags": ["v*"]}}  # YAML takes "on" for a truth value


def test_icon_and_banner_have_the_registrys_sizes_and_are_as_drawn() -> None:
    icon, banner = (Image.open(write_assets.FOLDER / f"{name}.png") for name in ("icon", "banner"))
    assert icon.size == (400, 400)
    assert banner.width * 9 == banner.height * 21
    assert all((write_assets.FOLDER / f"{name}.png").stat().st_size < 500_000 for name in ("icon", "banner"))
    drawn = np.asarray(write_assets.icon(), np.float32) - np.asarray(icon, np.float32)
    assert np.abs(drawn).mean() < 1


def test_links_and_pictures_of_the_papers_are_in_the_archive() -> None:
    files = set(shipped_files())
    papers = [name for name in files if name.endswith(".md") and not name.startswith("web/")]
    assert {"README.md", "docs/rounds.md", "docs/shell.md"} <= set(papers)
    lost = []
    for paper in papers:
        for link in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", (PACK / paper).read_text()):
            target = (PACK / paper).parent.joinpath(link).resolve().relative_to(PACK).as_posix()
            if target not in files and not any(name.startswith(f"{target}/") for name in files):
                lost.append(f"{paper}: {link}")
    assert lost == []
