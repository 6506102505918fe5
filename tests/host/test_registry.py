"""pyproject.toml as ComfyUI itself reads it."""

import sys
from typing import Any

import pytest
from places import PACK, find_comfyui


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(sys, "path", [*sys.path, str(find_comfyui())])
    from comfy_config.config_parser import extract_node_configuration

    return extract_node_configuration(str(PACK))


def test_comfyui_reads_what_the_registry_shows(settings: Any) -> None:
    project, comfy = settings.project, settings.tool_comfy
    assert (project.name, project.license.text) == ("resonance", "Apache-2.0")
    assert project.supported_os == ["OS Independent"] and project.supported_accelerators == []
    assert project.supported_comfyui_version == ">=0.33.0"
    assert comfy.display_name == "Resonance" and comfy.publisher_id
    assert all((PACK / name).exists() for name in comfy.includes)


def test_what_users_install_is_what_the_registry_lists(settings: Any) -> None:
    lines = [line.strip() for line in (PACK / "requirements.txt").read_text().splitlines()]
    assert settings.project.dependencies == [line for line in lines if line and not line.startswith("#")]
