"""IP-Adapter beside diffusers': the same random weights, the output of the whole UNet."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from .comfy import Comfy, node
from .conftest import server


@pytest.fixture(scope="module")
def peers(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Comfy]:
    with server(tmp_path_factory.mktemp("peers"), models, "peers") as comfy:
        yield comfy


@pytest.mark.parametrize(
    ("kind", "projection"),
    [
        ("sd15", "base"),
        pytest.param("sd15", "plus", marks=pytest.mark.long),
        pytest.param("sd15", "full face", marks=pytest.mark.long),
        pytest.param("sdxl", "base", marks=pytest.mark.long),
        ("sdxl", "plus"),
    ],
)
def test_the_unet_does_what_that_of_diffusers_does(peers: Comfy, kind: str, projection: str):
    pytest.importorskip("diffusers")
    outputs = peers.run({"peer": node("PeerAdapter", kind=kind, projection=projection)})
    found = json.loads(outputs["peer"]["found"][0])
    far, exact = found["far"], found["exact"]
    assert far.pop("effect") > 0.5, "the picture does nothing that could be compared"
    assert all(difference < 1e-4 for difference in far.values()), far
    assert all(exact.values()), exact
