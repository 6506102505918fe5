"""img2tag2img's own job from the shell, with a real ComfyUI and stand-ins for the custom nodes of its workflows."""

import json
import random
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from unit.img2tag2img_steps import WORKFLOWS, toml

from resonance.session import query
from resonance.session.status import NoLedger

from . import shell
from .comfy import PACK, Comfy
from .graphs import COLOURS, mean, until

XL = WORKFLOWS["sdxl-toml"]
PACKS = (PACK / "tests" / "host" / "packs" / "ancestor",)
MODELS = {
    "checkpoints": ("xl/base.safetensors", "xl/ink.safetensors", "small.safetensors"),
    "loras": ("styles/ink.safetensors", "people/ada.safetensors", "people/bo.safetensors"),
    "vae": ("sdxl_vae.safetensors", "vae-ft-mse-840000-ema-pruned.ckpt"),
}
SIZES = {"landscape": (96, 64), "portrait": (64, 96), "square": (80, 80)}
GROWN = {"landscape": (120, 80), "portrait": (80, 120), "square": (96, 96)}
"""After one pass of the highres script."""
INK = ["xl/ink.safetensors", "styles/ink.safetensors", 0.8, 0.6, "green ink", "photo", "", 0, 0, "", ""]
SETTINGS: dict[str, Any] = {
    "paths.output": "",
    "model.checkpoint": "xl/base.safetensors",
    "model.steps": 1,
    "prompt.negative": "blurry",
    **{f"latent.{aspect}": list(size) for aspect, size in SIZES.items()},
}
POINTS = (
    "in the claim",
    "after queueing",
    "after the run",
    "half-written file",
    "before rename",
    "after rename",
    "before commit",
    "after commit",
)
KEPT = ("after queueing", "after the run", "before commit")
"""Those of them in the suite: what the session does is killed at every point without the command, in tests/unit/test_crash.py."""


def server(base: Path) -> Comfy:
    for kind, names in MODELS.items():
        for name in names:
            path = base / "models" / kind / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    return Comfy(base, PACKS)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Comfy]]:
    servers = [server(tmp_path_factory.mktemp("ancestor")) for _ in range(2)]
    try:
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda each: each.start(), servers))
        yield servers
    finally:
        for each in servers:
            each.stop()


@pytest.fixture(scope="module")
def comfy(both: list[Comfy]) -> Comfy:
    return both[0]


@dataclass
class Archive:
    """Somebody's folders, and how the command is called for them."""

    root: Path
    comfy: Comfy

    @property
    def path(self) -> Path:
        return self.root / "archive"

    def put(self, *colours: str, folder: str = "a") -> None:
        """Plain pictures, ``1_red.png``, landscape, portrait and square in turn. A stripe is of the colour after theirs."""
        for number, colour in enumerate(colours, 1):
            path = self.path / folder / f"{number}_{colour}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            width, height = [(48, 32), (32, 48), (40, 40)][number % 3 - 1]
            image = Image.new("RGB", (width, height), COLOURS[colour])
            image.paste(COLOURS[after(colour)], (0, 0, width, height // 4))
            image.save(path)

    def words(self, *names: str, file: Path = XL, server: str = "", **settings: Any) -> list[str | Path]:
        """A TOML configuration is written with ``settings``; keys have two underscores for the dot."""
        named = {key.replace("__", "."): value for key, value in settings.items()}
        asked = {"paths.archive": str(self.path), **SETTINGS, **named}
        config = self.root / "mine.toml"
        config.write_text(toml({key: value for key, value in asked.items() if value is not None}))
        return ["img2tag2img", file, *names, "--config_file", config, "--server", server or self.comfy.url]

    def items(self, *names: str, round_: int) -> list[dict[str, Any]]:
        return query.read_round(self.path / ".resonance" / "-".join(names), round_)[1]

    def claimed(self, *names: str) -> bool:
        try:
            return any(i["state"] == "claimed" for i in self.items(*names, round_=1))
        except NoLedger:
            return False

    def names(self, folder: str) -> list[str]:
        return sorted(path.name for path in (self.path / folder).iterdir())

    def graph(self, file: str) -> dict[str, Any]:
        """What the server was asked for."""
        with Image.open(self.path / file) as image:
            return json.loads(image.info["prompt"])

    def check_whole(self, *names: str, count: int, each: int = 1) -> None:
        """Every item of every round is done once, and nothing else lies in the folders."""
        for round_, folder in enumerate(names[1:], 1):
            found = self.items(*names, round_=round_)
            assert [i["state"] for i in found] == ["done"] * count, (round_, found)
            files = [file for i in found for file in i["files"]]
            assert len(files) == count * each
            assert sorted(files) == [f"{folder}/{name}" for name in self.names(folder)]
            for item in found:
                for file in item["files"]:
                    assert file.split("/")[-1].startswith(f"{item['lineage']}_")
                    with Image.open(self.path / file) as image:
                        image.load()


@pytest.fixture
def archive(tmp_path: Path, comfy: Comfy) -> Archive:
    return Archive(tmp_path, comfy)


def after(colour: str) -> str:
    order = list(COLOURS)
    return order[(order.index(colour) + 1) % len(order)]


def strongest(path: Path) -> str:
    return max(zip(mean(path), COLOURS, strict=True))[1]


def test_six_pictures_go_through_three_folders(archive: Archive) -> None:
    chain = ("a", "b", "c", "d")
    archive.put("red", "green", "blue", "red", "green", "blue")
    asked = archive.words(
        *chain,
        model__checkpoint=["xl/base.safetensors", INK],
        lora=[{"name": "None"}, {"name": "people/ada.safetensors", "strength": 0.7, "trigger": "ada"}],
        wd14__banned=["blue_theme", "signature"],
    )
    history = archive.comfy.get("/history")
    events, said = shell.run(*asked, "--seed", "5", "--json")
    assert archive.comfy.get("/history") == history, "nothing is left behind"
    assert events[-1] == {"event": "ended", "state": "finished", "reason": "", "done": 18, "failed": 0}
    assert "Needs the packs Efficiency Nodes and Impact." in said and "Finished: round 3, 18 pictures made." in said
    archive.check_whole(*chain, count=6)
    drawn = set[str]()
    for round_ in (1, 2, 3):
        for item in archive.items(*chain, round_=round_):
            [file] = item["files"]
            source = archive.path / item["source"].removesuffix(" [archive]")
            pattern = rf"{item['lineage']}_\d{{4}}-\d\d-\d\d-\d{{6}}_{Path(item['draw']['checkpoint']).stem}_\d+\.png"
            assert re.fullmatch(pattern, Path(file).name)
            words = [item["draw"]["triggers"]] if item["draw"]["triggers"] else []
            words += [f"{unbanned(source)}_theme", "simple"]
            assert item["prompt"].startswith(", ".join(words))
            assert item["prompt"].endswith("answer: Please describe this image in detail.")
            named = re.findall("red|green|blue", item["prompt"])[0]
            with Image.open(archive.path / file) as made, Image.open(source) as before:
                assert strongest(archive.path / file) == named
                shape = (before.width > before.height) - (before.width < before.height)
                assert made.size == GROWN[("square", "landscape", "portrait")[shape]]
                assert f"Model: {Path(item['draw']['checkpoint']).stem}" in made.info["parameters"]
            check_models(archive.graph(file), item["draw"])
            drawn |= {item["draw"]["checkpoint"], *(lora["name"] for lora in item["draw"]["loras"])}
    assert drawn == {"xl/base.safetensors", "xl/ink.safetensors", "styles/ink.safetensors", "people/ada.safetensors"}


def unbanned(source: Path) -> str:
    """The strongest colour except blue."""
    return max(list(zip(mean(source), COLOURS, strict=True))[:2])[1]


def check_models(graph: dict[str, Any], draw: dict[str, Any]) -> None:
    """What the ledger remembers is what the server was asked to load."""
    stack = graph["lora_stacker"]["inputs"]
    slots = [(stack[f"lora_name_{n}"], stack[f"model_str_{n}"], stack[f"clip_str_{n}"]) for n in (1, 2)]
    assert stack["lora_count"] == 2
    assert graph["load_model"]["inputs"]["base_ckpt_name"] == draw["checkpoint"]
    assert [slot for slot in slots if slot[0] != "None"] == [tuple(lora.values()) for lora in draw["loras"]]


@pytest.mark.parametrize("handed_out", [True, False])
def test_what_the_server_writes_into_the_archive_itself_is_found_there(
    archive: Archive, comfy: Comfy, handed_out: bool
) -> None:
    if handed_out:
        archive.root = comfy.base / "output" / "mine"
    archive.put("red", "green", "blue")
    before = sorted((comfy.base / "output").glob("*"))
    asked = archive.words("a", "b", "c", paths__output="mine/archive" if handed_out else None)
    shell.run(*asked)
    archive.check_whole("a", "b", "c", count=3)
    assert sorted((comfy.base / "output").glob("*")) == before
    for item in archive.items("a", "b", "c", round_=2):
        assert archive.graph(item["files"][0])["full_path"]["inputs"]["string"].endswith("archive/c")
        assert item["prompt"].startswith(f"{strongest(archive.path / item['files'][0])}_theme, simple, llama/llava-")


@pytest.mark.parametrize(
    ("output", "points"), [("", KEPT), (None, KEPT), pytest.param("", POINTS, marks=pytest.mark.long)]
)
def test_killed_at_named_points_each_picture_has_one_successor(
    archive: Archive, output: str | None, points: tuple[str, ...]
) -> None:
    archive.put("red", "green", "blue")
    asked = archive.words("a", "b", "c", paths__output=output)
    for number, point in enumerate(points):
        shell.run(*asked, status=-signal.SIGKILL, point=point, passes=number % 2 if output == "" else 0)
    shell.run(*asked)
    archive.check_whole("a", "b", "c", count=3)


@pytest.mark.parametrize(
    ("output", "moments"), [("", 1), (None, 1), *(pytest.param(o, 3, marks=pytest.mark.long) for o in ("", None))]
)
def test_killed_at_random_moments_each_picture_has_one_successor(
    archive: Archive, output: str | None, moments: int
) -> None:
    archive.put("red", "green", "blue")
    asked = archive.words("a", "b", "c", paths__output=output, model__steps=15)
    chance = random.Random(1)
    for _ in range(moments):
        process = shell.started(*asked)
        until(lambda: archive.claimed("a", "b", "c"), 60)
        time.sleep(chance.uniform(0.0, 0.4))
        process.kill()
        process.communicate()
    shell.run(*asked)
    archive.check_whole("a", "b", "c", count=3)


def test_the_server_is_killed_and_comes_back_and_the_command_goes_on(archive: Archive, comfy: Comfy) -> None:
    archive.put("red", "green", "blue")
    process = shell.started(*archive.words("a", "b", "c", paths__output=None, model__steps=20))
    until(lambda: archive.claimed("a", "b", "c"), 60)
    time.sleep(0.3)
    comfy.stop(signal.SIGKILL)
    comfy.start(port=comfy.port)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, (out, err)
    archive.check_whole("a", "b", "c", count=3)
    assert not any(item["attempts"] for item in archive.items("a", "b", "c", round_=1))


def test_two_servers_share_the_pictures(archive: Archive, both: list[Comfy]) -> None:
    archive.put(*COLOURS, *COLOURS)
    asked = archive.words(
        "a", "b", "c", model__steps=15, model__checkpoint=["xl/base.safetensors", "xl/ink.safetensors"]
    )
    events, _ = shell.run(*asked, "--server", both[1].url, "--seed", "1", "--json")
    archive.check_whole("a", "b", "c", count=6)
    assert {event["engine"] for event in events if event["event"] == "done"} == {each.url for each in both}


def test_a_dump_is_what_the_server_gets_and_sorted_models_follow_one_another(archive: Archive, tmp_path: Path) -> None:
    archive.put(*COLOURS, *COLOURS)
    asked = archive.words(
        *("a", "b", "c"),
        server="http://127.0.0.1:9",
        model__checkpoint=["xl/base.safetensors", "xl/ink.safetensors"],
        lora=[{"name": "None"}, {"name": "people/ada.safetensors"}, {"name": "people/bo.safetensors"}],
    )
    told, _ = shell.run(*asked, "--dump", "--seed", "1", "--json", cwd=tmp_path)
    dumped = [json.loads((tmp_path / event["file"]).read_text()) for event in told]
    assert len(dumped) == 6 and not (archive.path / "b").exists()
    asked[-1] = archive.comfy.url
    events, _ = shell.run(*asked, "--sort", "--seed", "1", "--json")
    archive.check_whole("a", "b", "c", count=6)
    made = [event["files"][0] for event in events if event["event"] == "done"]
    sent = [archive.graph(file) for file in made]
    assert all(graph in dumped for graph in sent[:6])
    for round_ in (sent[:6], sent[6:]):
        checkpoints = [graph["load_model"]["inputs"]["base_ckpt_name"] for graph in round_]
        assert len(list(groupby(checkpoints))) == 2
        for checkpoint in set(checkpoints):
            loras = [
                g["lora_stacker"]["inputs"]["lora_name_1"]
                for g, c in zip(round_, checkpoints, strict=True)
                if c == checkpoint
            ]
            assert loras == sorted(loras)
    told, _ = shell.run(*asked, "--dump", "--json", cwd=tmp_path)
    dumped = [json.loads((tmp_path / event["file"]).read_text()) for event in told]
    assert len(dumped) == 12 and all(graph in dumped for graph in sent)


def test_a_captured_queue_is_run_again(archive: Archive, comfy: Comfy, tmp_path: Path) -> None:
    archive.put(*COLOURS)
    asked = archive.words("a", "again", server="http://127.0.0.1:9", model__steps=40)
    told, _ = shell.run(*asked, "--dump", "--json", cwd=tmp_path)
    graphs = [json.loads((tmp_path / event["file"]).read_text()) for event in told]
    for number, graph in enumerate(graphs):
        comfy.queue(graph, workflow={"number": number})
    until(lambda: len(comfy.get("/queue")["queue_pending"]) == 2)
    capture = tmp_path / "queue.json"
    capture.write_text(json.dumps(comfy.get("/queue")))
    comfy.post("/queue", {"clear": True})
    comfy.post("/interrupt")
    comfy.idle()
    assert not (comfy.base / "output" / "again").exists()
    events, said = shell.run("rounds", "--rehydrate", capture, "--server", comfy.url, "--json")
    assert [(event["number"], event["total"], event["error"]) for event in events] == [
        (1, 3, ""),
        (2, 3, ""),
        (3, 3, ""),
    ]
    assert "3 of 3 done" in said
    found = dict[int, Any]()
    for path in (comfy.base / "output" / "again").iterdir():
        with Image.open(path) as image:
            found[json.loads(image.info["workflow"])["number"]] = json.loads(image.info["prompt"])
    assert [found[number] for number in range(3)] == graphs


def test_pictures_before_face_repair_are_kept_and_not_taken_further(archive: Archive) -> None:
    archive.put("red", "green")
    small = {"file": WORKFLOWS["sd15-toml"], "model__checkpoint": "small.safetensors", "misc__save_predetail": True}
    shell.run(*archive.words("a", "b", "c", **small))
    archive.check_whole("a", "b", "c", count=2, each=2)
    for round_ in (1, 2):
        for item in archive.items("a", "b", "c", round_=round_):
            repaired, before = item["files"]
            assert repaired.endswith("_02.png") and before.endswith("_01.png")
            assert halves(archive.path / repaired) > 15 > abs(halves(archive.path / before))
    assert all("_02.png" in item["source"] for item in archive.items("a", "b", "c", round_=2))


def halves(path: Path) -> float:
    """By how much the left half is brighter: face repair does that here."""
    with Image.open(path) as image:
        grey, (width, height) = image.convert("L"), image.size
    left, right = (
        grey.crop((x, 0, x + width // 2, height)).resize((1, 1), Image.Resampling.BOX) for x in (0, width // 2)
    )
    return left.getpixel((0, 0)) - right.getpixel((0, 0))


def test_keys_on_the_command_line_change_what_the_server_gets(archive: Archive) -> None:
    archive.put("red")
    asked = archive.words("a", "b")
    asked += [
        "--model.steps",
        "3",
        "--prompt.preamble=green walls",
        "--llava.disable",
        "--latent.landscape",
        "[64, 32]",
    ]
    asked += [
        "--overload.merge",
        '{load_model = {inputs = {batch_size = 2}}, ksampler = {inputs = {scheduler = "karras"}}}',
    ]
    asked += ["--override-highres_script-upscale_by", "2", "--override-save_image-negative-wire", "preamble:0"]
    shell.run(*asked)
    archive.check_whole("a", "b", count=1, each=2)
    [item] = archive.items("a", "b", round_=1)
    graph = archive.graph(item["files"][0])
    assert "llava_tagger" not in graph and item["prompt"] == "green walls, red_theme, simple"
    saver = graph["save_image"]["inputs"]
    assert (saver["steps"], saver["scheduler"], saver["negative"]) == (3, "karras", ["preamble", 0])
    with Image.open(archive.path / item["files"][1]) as image:
        assert image.size == (128, 64)
    assert strongest(archive.path / item["files"][1]) == "green"


def test_a_configuration_of_the_ini_era_works_too(archive: Archive) -> None:
    archive.put(*COLOURS, *COLOURS)
    config = archive.root / "default.ini"
    config.write_text(
        f"""
        [Words]
        banned_tags = signature
        preamble = a 100% painting
        negative = blurry
        add_tags = masterpiece
        disable_llm = true
        [Places]
        archive_path = {archive.path}
        output_path =
        lora_root = {archive.comfy.base / "models" / "loras"}
        lora_prefix = people
        blank_loras = 1
        comfy_port = {archive.comfy.port}
        [Pictures]
        checkpoint = small.safetensors
        fixed_lora_name = styles/ink.safetensors
        fixed_lora_clip_weight = 0.3
        latent_long_edge = 96
        latent_short_edge = 64
        latent_square_edge = 80
        """.replace("\n        ", "\n")
    )
    keys = ("--steps", "2", "--cfg=5.5", "--negative", "dull")
    shell.run("rounds", WORKFLOWS["sd15-ini"], "a", "b", "--seed", "4", *keys, cwd=archive.root)
    archive.check_whole("a", "b", count=6)
    drawn = set[str]()
    for item in archive.items("a", "b", round_=1):
        graph = archive.graph(item["files"][0])
        stack, sampler = graph["lora_stacker"]["inputs"], graph["ksampler"]["inputs"]
        assert (stack["input_mode"], stack["lora_count"], stack["lora_name_2"]) == (
            "advanced",
            2,
            "styles/ink.safetensors",
        )
        assert (stack["model_str_2"], stack["clip_str_2"]) == (1.0, 0.3)
        assert (sampler["steps"], sampler["cfg"]) == (2, 5.5)
        assert graph["negative_prompt"]["inputs"]["string"] == "dull"
        assert item["prompt"].startswith("a 100% painting, masterpiece, ")
        assert item["prompt"].endswith(f"{strongest(archive.path / item['files'][0])}_theme, simple")
        drawn.add(stack["lora_name_1"])
    assert drawn == {"None", "people/ada.safetensors", "people/bo.safetensors"}


def test_the_author_s_own_configuration_for_sd15_runs_without_loras_and_says_so(archive: Archive) -> None:
    archive.put("red")
    loras = archive.comfy.base / "models" / "loras"
    text = (WORKFLOWS["sd15-ini"].parent / "default.sd15.ini").read_text()
    config = archive.root / "default.sd15.ini"
    config.write_text(text.replace("ARCHIVE", str(archive.path)).replace("LORAS", str(loras)))
    keys = ("--comfy_port", archive.comfy.port, "--checkpoint", "small.safetensors", "--steps", "1")
    sizes = ("--latent_long_edge", "96", "--latent_short_edge", "64", "--latent_square_edge", "80")
    asked = ("img2tag2img", WORKFLOWS["sd15-ini"], "a", "b", "--config_file", config, *keys, *sizes)
    _, said = shell.run(*asked)
    assert f"No LoRA is drawn: there is no folder {loras}/sd15/nonexistent_folder/" in said
    archive.check_whole("a", "b", count=1)
    graph = archive.graph(archive.items("a", "b", round_=1)[0]["files"][0])
    assert graph["lora_stacker"]["inputs"]["lora_name_1"] == "None"
    assert "latent_size" not in graph


def test_what_comfyui_refuses_is_said_and_tried_three_times_and_the_rest_goes_on(archive: Archive) -> None:
    archive.put(*COLOURS, *COLOURS)
    asked = archive.words("a", "b", "c", model__checkpoint=["xl/base.safetensors"] * 3 + ["gone.safetensors"])
    events, said = shell.run(*asked, "--seed", "1", "--json")
    first = archive.items("a", "b", "c", round_=1)
    lost = [item for item in first if item["draw"]["checkpoint"] == "gone.safetensors"]
    assert 0 < len(lost) < 3
    for item in lost:
        assert (item["state"], item["attempts"], item["files"]) == ("failed", 3, [])
        assert item["error"].startswith("ComfyUI refuses the graph: Eff. Loader SDXL load_model: Value not in list: ")
        assert "'gone.safetensors' not in [" in item["error"] and item["error"] in said
    assert all(item["state"] == "done" for item in first if item not in lost)
    assert events[-1]["state"] == "finished" and "--retry tries those once more" in said
    asked = archive.words("a", "b", "c")
    shell.run(*asked, "--retry")
    archive.check_whole("a", "b", "c", count=6)


def test_ctrl_c_once_finishes_the_picture(archive: Archive, comfy: Comfy) -> None:
    archive.put(*COLOURS)
    asked = archive.words("a", "b", model__steps=50)
    process = shell.started(*asked)
    until(lambda: comfy.get("/queue")["queue_running"], 60)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "Paused: by request. 1 picture made." in err
    assert [item["state"] for item in archive.items("a", "b", round_=1)] == ["done", "pending", "pending"]
    assert len(archive.names("b")) == 1
    assert comfy.get("/queue") == {"queue_running": [], "queue_pending": []}
    shell.run(*archive.words("a", "b"))
    archive.check_whole("a", "b", count=3)
