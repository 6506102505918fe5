"""As what, and under which names, the commands save pictures."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from raw_ledger import raw
from typer.testing import CliRunner

from resonance import plugins
from resonance.cli import engines
from resonance.cli.app import app
from resonance.drive.exploration import graph_for, named
from resonance.drive.workflow import ItemWorkflow, load
from resonance.files import formats
from resonance.files.settings import FORMAT, NAME_PATTERN, QUALITY
from resonance.graph import EXPLORE
from resonance.session.fill.transforms import VaryJob
from resonance.session.naming import Naming
from resonance.vary.transform import Pair, Transform

from .cli_options import options
from .test_driver import Fake
from .test_settings import DEFS

COMMANDS = ("rounds", "explore", "vary")
GRAPH = {
    "1": {"class_type": "ResonanceRoundInput", "inputs": {}},
    "2": {"class_type": "ResonanceRoundOutput", "inputs": {"images": ["1", 0], "item": ["1", 1], "quality": 50}},
}


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Stands for diffusers."""
    fake = Fake()
    monkeypatch.setattr(engines, "_embedded", lambda setup, number=1: fake)
    return fake


def run(base: Path, command: str, *more: str, status: int = 0) -> str:
    """Makes two pictures or more, and returns what is said."""
    picture = base / "input" / "p" / "sea.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 64)).save(picture)
    words = {
        "rounds": ["--first", "p", "--rounds", "2"],
        "explore": ["a boat", "--aspects", "64x64", "--scales", "2", "--seeds", "2", "--steps", "4"],
        "vary": [str(picture), "--prompt", "a boat", "--transform", "4@.5 5@.5"],
    }[command]
    places = ["--output", str(base / "output"), "--input", str(base / "input")]
    done = CliRunner().invoke(app, [command, "s", *words, "--model", "toyworld", *more, *places])
    assert done.exit_code == status, (done.output, done.exception)
    return " ".join(done.stderr.split())


def files(base: Path) -> list[str]:
    with raw(base / "output" / "s") as db:
        return [row[0] for row in db.execute("SELECT file FROM result")]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("setting", [FORMAT, QUALITY, NAME_PATTERN], ids=lambda setting: setting.name)
def test_commands_say_the_same_as_round_output(command: str, setting: Any):
    [option] = [each for each in options(command) if f"--{setting.name.replace('_', '-')}" in each.names]
    assert option.info.help == setting.tip == DEFS["ResonanceRoundOutput"]["inputs"][setting.name]["tooltip"]
    assert (option.info.min, option.info.max) == (setting.low, setting.high)


@pytest.mark.parametrize("command", COMMANDS)
def test_pictures_are_saved_as_is_asked_for(command: str, tmp_path: Path):
    run(tmp_path, command, "--format", "webp", "--name-pattern", "{model}/{source}_{lineage}_{seed}")
    made = files(tmp_path)
    assert len(made) == len(set(made)) >= 2
    for file in made:
        path = tmp_path / "output" / "s" / file
        item = json.loads(formats.texts(path)["resonance"])
        assert path.parent.name == "no-model", "the stand-in for diffusers does not say"
        assert path.name.endswith(f"_{item['lineage']}_{item['seed']}.webp")
        with Image.open(path) as image:
            assert image.format == "WEBP"


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        ("sequential", r"im_00000\d"),
        ("gen_img", r"im_\d{14}_000_\d+(_2)?"),
        ("original", r"(no-source|[0-9a-f]{16})(_\d)?"),
    ],
)
@pytest.mark.parametrize("command", ["explore", "vary"])
def test_pictures_have_gen_imgs_names(command: str, names: str, pattern: str, tmp_path: Path):
    run(tmp_path, command, "--names", names)
    stems = [Path(file).stem for file in files(tmp_path)]
    assert len(stems) == len(set(stems)) >= 2 and all(re.fullmatch(pattern, stem) for stem in stems), stems


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_asked_for_changes_nothing(command: str, tmp_path: Path):
    run(tmp_path, command)
    assert {Path(file).suffix for file in files(tmp_path)} == {".png"}
    assert {len(Path(file).parts) for file in files(tmp_path)} == {2}


@pytest.mark.parametrize("command", COMMANDS)
def test_what_cannot_be_saved_is_said_before_anything_is_made(
    command: str, tmp_path: Path, engine: Fake, monkeypatch: pytest.MonkeyPatch
):
    assert "The name pattern '../x' leads elsewhere" in run(tmp_path, command, "--name-pattern", "../x", status=1)
    monkeypatch.setitem(plugins.NEEDED, "jxl", "no_such_module")
    said = run(tmp_path, command, "--format", "jxl lossy", status=1)
    assert "jxl lossy cannot be written here. Install the plugin: pip install pillow-jxl-plugin" in said
    assert not engine.made and not (tmp_path / "output" / "s").exists()


def test_a_workflow_is_run_with_what_is_asked_for_and_recorded_so(tmp_path: Path):
    (tmp_path / "w.json").write_text(json.dumps(GRAPH))
    recipe = load(tmp_path / "w.json").saving({"format": "jpeg", "name_pattern": "x"})
    inputs = recipe.request(session="s")["prompt"]["2"]["inputs"]
    assert inputs == GRAPH["2"]["inputs"] | {"format": "jpeg", "name_pattern": "x"}
    graph = named(graph_for("x.safetensors", "ddim", "normal"), "scratch", None, format="webp")
    saved = ItemWorkflow(graph, None, EXPLORE).graph["save"]["inputs"]
    assert (saved["format"], saved["folder_rule"]) == ("webp", "scratch")


def test_a_server_that_makes_variations_is_not_told_how_they_are_kept():
    job = VaryJob(id="1", start="a.png", transform=Transform((Pair(4, 0.5),)), seed=1, pattern="x", format="webp")
    assert job.naming == Naming(pattern="x", format="webp")
    assert not {"pattern", "format", "quality"} & set(job.to_dict())
    assert VaryJob.from_dict(job.to_dict()).naming == Naming()


def test_a_naming_of_another_version_is_read_as_far_as_it_is_known():
    assert Naming.of({"folder": "scratch", "name": "lineage"}) == Naming("scratch")
    assert Naming.of({"folder": "round", "shape": "round", "pattern": "x"}) == Naming(pattern="x")
