import base64
import hashlib
import json
import tomllib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from resonance.img2tag2img import config, graph, picture, template
from resonance.img2tag2img.picture import Picture
from resonance.session.item import derive
from resonance.told import Told

from .img2tag2img_steps import HERE, WORKFLOWS, steps, toml

SIZES = {"landscape": (60, 40), "portrait": (40, 60), "square": (50, 50)}
ARCHIVE = "/pictures/archive"


def numbers(seed: int) -> Callable[[str], int]:
    return lambda purpose: derive(seed, 1, "X0001", purpose)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("configurations")


def load(place: Path, text: str, words: tuple[str, ...] = (), suffix: str = "toml") -> config.Config:
    path = place / f"{hashlib.sha256(text.encode()).hexdigest()}.{suffix}"
    path.write_text(text, encoding="utf-8")
    return config.load(path, words)


def built(workflow: str, settings: config.Config, seed: int = 7, aspect: Any = "landscape") -> dict[str, Any]:
    made = graph.build(
        template.load(WORKFLOWS[workflow]), settings, Picture("data:", aspect), "next/two", "X0001", numbers(seed)
    )
    return json.loads(json.dumps(made))


def inputs(made: dict[str, Any], node: str) -> dict[str, Any]:
    return made[node]["inputs"]


BASE = {"paths.archive": ARCHIVE, "model.checkpoint": "a.safetensors"}


def with_settings(place: Path, workflow: str = "sdxl-toml", seed: int = 7, **more: Any) -> dict[str, Any]:
    settings = BASE | {key.replace("__", "."): value for key, value in more.items()}
    return built(workflow, load(place, toml(settings)), seed)


# Random configurations: the library and the steps of the specification, written down apart, say the same

word = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="\x7f", exclude_categories=["C"]),
    max_size=9,
)
file = st.lists(st.sampled_from(["a", "b1", "é x", "sdxl", "ink"]), min_size=1, max_size=3).map(
    lambda parts: "/".join(parts) + ".safetensors"
) | st.sampled_from(["deep\\c.safetensors", "with [brackets].ckpt"])
strength = st.floats(-2, 2, allow_nan=False, width=16)
lora = st.fixed_dictionaries(
    {"name": file | st.just("None")},
    optional={
        **{key: strength for key in ("strength", "model_strength", "clip_strength")},
        **{key: word for key in ("trigger", "neg_trigger")},
    },
)
slot = st.tuples(file | st.just(""), strength, strength, word, word).map(list)
bundle = st.tuples(file, st.lists(slot, max_size=3)).map(lambda b: [b[0], *(each for five in b[1] for each in five)])
value = st.integers(-9, 9) | word | st.booleans() | strength
merged = st.dictionaries(
    st.sampled_from(["load_model", "ksampler", "highres_script", "new_node", "save_image", "image_loader"]),
    st.fixed_dictionaries(
        {
            "inputs": st.dictionaries(
                st.sampled_from(["batch_size", "scheduler", "cfg", "extra", "base_ckpt_name", "iterations"]),
                value | st.dictionaries(word, value, max_size=2),
                max_size=3,
            )
        }
    ),
    max_size=3,
)
replaced = st.dictionaries(
    st.sampled_from(["ultralytics_provider", "apply_freeu", "one more", "wd14_tagger"]),
    st.fixed_dictionaries({"class_type": word, "inputs": st.dictionaries(word, value, max_size=2)}),
    max_size=2,
)
side = st.integers(8, 4096)
size = st.tuples(side, side).map(list)


def drawn(one: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return one | st.lists(one, min_size=1, max_size=3)


SETTINGS = st.fixed_dictionaries(
    {"paths.archive": st.just(ARCHIVE), "model.checkpoint": file | st.lists(file | bundle, min_size=1, max_size=3)},
    optional={
        "latent.landscape": size,
        "latent.portrait": size,
        "latent.square": size,
        "llava.disable": st.booleans(),
        "llava.model": drawn(word),
        "llava.projector": drawn(word),
        "llava.prompt": drawn(word),
        "lora": st.lists(lora, min_size=1, max_size=4),
        "misc.save_predetail": drawn(st.booleans()),
        "model.force_lora": st.lists(lora, max_size=3),
        "model.cfg": st.floats(0, 30, width=16),
        "model.steps": st.integers(0, 100),
        "overload.merge": drawn(merged),
        "overload.replace": drawn(replaced),
        "paths.output": drawn(st.sampled_from(["", "/srv/out", "/srv/out/", "relative"])),
        "prompt.preamble": drawn(word | st.just(", begins with a comma")),
        "prompt.negative": drawn(word),
        "server.address": word,
        "server.port": st.integers(1, 65535),
        "server.on_windows": st.booleans(),
        "server.poll_delay": drawn(st.floats(0, 5, width=16)),
        "wd14.banned": st.lists(word, max_size=3),
    },
)


@given(
    settings=SETTINGS,
    workflow=st.sampled_from(sorted(WORKFLOWS)),
    aspect=st.sampled_from(sorted(SIZES)),
    seed=st.integers(0, 2**50 - 1),
)
def test_every_valid_configuration_gives_the_graph_that_the_steps_give(
    place: Path, settings: dict[str, Any], workflow: str, aspect: str, seed: int
):
    made = built(workflow, load(place, toml(settings)), seed, aspect)
    path = WORKFLOWS[workflow]
    wanted = steps(path, settings, "data:", SIZES[aspect], "next/two", "X0001", numbers(seed))
    assert made == json.loads(json.dumps(wanted))


@given(settings=SETTINGS, workflow=st.sampled_from(sorted(WORKFLOWS)), seed=st.integers(0, 2**50 - 1))
def test_nodes_that_nobody_names_stay_as_they_are(place: Path, settings: dict[str, Any], workflow: str, seed: int):
    read = template.load(WORKFLOWS[workflow])
    before = json.dumps(read.nodes)
    made = built(workflow, load(place, toml(settings)), seed)
    assert json.dumps(read.nodes) == before
    overloads = [settings.get(f"overload.{kind}", {}) for kind in ("merge", "replace")]
    named = {node for each in overloads for one in (each if isinstance(each, list) else [each]) for node in one}
    for node in ("log_prompt_to_console", "face_detailer", "highres_script", "get_detailed_image_info", "apply_freeu"):
        assert node in named or made[node] == read.nodes[node]
    assert set(made) - set(read.nodes) <= named
    assert set(read.nodes) - set(made) <= {"llava_tagger", "latent_size"}


def test_a_file_with_every_key_gives_the_graphs_that_the_steps_give(place: Path):
    text = (HERE / "full.toml").read_text()
    toml_ = tomllib.loads(text)
    settings = {f"{key}.{sub}": each for key, value in toml_.items() if key != "lora" for sub, each in value.items()}
    settings["lora"] = toml_["lora"]
    read = load(place, text)
    seen = set()
    for seed in range(60):
        made = built("sd15-toml", read, seed)
        wanted = steps(WORKFLOWS["sd15-toml"], settings, "data:", (3, 2), "next/two", "X0001", numbers(seed))
        assert made == json.loads(json.dumps(wanted))
        seen.add(inputs(made, "load_model")["ckpt_name"])
    assert seen == {"plain.safetensors", "bundles\\ink.safetensors", "bundles\\two.safetensors"}


# INI


@pytest.fixture(scope="module")
def loras(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("loras")
    for name in ("people/ada.safetensors", "people/deep/bo.safetensors", "zebra.safetensors", "people/no.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def records(names: list[str], blanks: int) -> list[dict[str, Any]]:
    return [*({"name": name, "strength": 0.8} for name in names), *[{"name": "None"}] * blanks]


ALL_LORAS = ["people/ada.safetensors", "people/deep/bo.safetensors", "zebra.safetensors"]
SAME = {
    "first.ini": {
        "model.checkpoint": "xl/base.safetensors",
        "llava.model": "seer/one",
        "llava.projector": "seer/projector",
        "llava.prompt": "What is to be seen?",
        "prompt.negative": "blurry",
        "prompt.preamble": "100% painting",
        "server.on_windows": True,
        "misc.save_predetail": True,
        "wd14.banned": ["signature", "monochrome"],
        "lora": records(ALL_LORAS, 2),
    },
    "late.ini": {
        "model.checkpoint": "xl/base.safetensors",
        "prompt.preamble": "a painting, masterpiece, detailed",
        "wd14.banned": ["signature"],
        "llava.disable": True,
        "paths.output": "",
        "lora": records(ALL_LORAS[:2], 0),
        "model.force_lora": [{"name": "speed/fast.safetensors", "model_strength": 0.9, "clip_strength": 0.3}],
        "latent.landscape": [768, 576],
        "latent.portrait": [576, 768],
        "latent.square": [512, 512],
        "model.cfg": 5.5,
        "model.steps": 8,
    },
}


@pytest.mark.parametrize("name", sorted(SAME))
@pytest.mark.parametrize("workflow", sorted(WORKFLOWS))
def test_an_ini_and_a_toml_that_say_the_same_give_the_same_graphs(place: Path, loras: Path, name: str, workflow: str):
    text = (HERE / name).read_text().replace("LORAS", str(loras)).replace("ARCHIVE", ARCHIVE)
    settings = {"paths.archive": ARCHIVE, **SAME[name]}
    old, new = load(place, text, suffix="ini"), load(place, toml(settings))
    for seed in range(30):
        made = built(workflow, old, seed, "portrait")
        assert made == built(workflow, new, seed, "portrait")
        wanted = steps(WORKFLOWS[workflow], settings, "data:", (2, 3), "next/two", "X0001", numbers(seed))
        assert made == json.loads(json.dumps(wanted))


def test_blanks_leave_pictures_without_a_lora_also_after_one_with(place: Path, loras: Path):
    text = (HERE / "first.ini").read_text().replace("LORAS", str(loras))
    read = load(place, text, ("--blank_loras", "3", "--comfy_on_windows=false"), suffix="ini")
    names = [inputs(built("sdxl-ini", read, seed), "lora_stacker")["lora_name_1"] for seed in range(400)]
    assert 0.4 < names.count("None") / 400 < 0.6
    assert set(names) == {"None", *ALL_LORAS}


# What the configuration means


def test_slots_are_bundle_then_forced_and_the_stack_uses_them_all(place: Path):
    two = ["c.safetensors", "one", 1.0, 0.5, "1", "", "two", 0.2, 0.3, "2", "not 2"]
    forced = [{"name": "fast", "strength": 0.9, "trigger": "3"}]
    made = with_settings(place, model__checkpoint=[two], model__force_lora=forced, prompt__preamble="a cat")
    stack = inputs(made, "lora_stacker")
    assert [stack[f"lora_name_{slot}"] for slot in (1, 2, 3)] == ["one", "two", "fast"]
    assert [stack[f"model_str_{slot}"] for slot in (1, 2, 3)] == [1.0, 0.2, 0.9]
    assert [stack[f"clip_str_{slot}"] for slot in (1, 2, 3)] == [0.5, 0.3, 0.9]
    assert stack["lora_count"] == 3
    assert inputs(made, "preamble")["string"] == "a cat, 1, 2, 3"
    assert inputs(made, "negative_prompt")["string"] == "not 2"


def test_a_stack_in_simple_mode_is_switched_for_only_then_it_looks_at_the_strengths(place: Path):
    stack = inputs(with_settings(place, "sdxl-ini", lora=[{"name": "x", "strength": 0.3}]), "lora_stacker")
    assert (stack["input_mode"], stack["lora_count"], stack["model_str_1"]) == ("advanced", 1, 0.3)


def test_more_loras_than_the_stack_has_slots_are_refused(place: Path):
    with pytest.raises(Told, match=r"lora_stacker \(LoRA Stacker\) has 49 slots, and one picture would get 51"):
        with_settings(place, model__force_lora=[{"name": f"{n}"} for n in range(50)])


@pytest.mark.parametrize(("workflow", "output"), [("sdxl-toml", 3), ("sdxl-ini", 3), ("sd15-toml", 5), ("sd15-ini", 5)])
def test_the_picture_before_face_repair_is_taken_from_the_right_output(place: Path, workflow: str, output: int):
    batch = inputs(with_settings(place, workflow, misc__save_predetail=True), "batch_images")
    assert batch == {"images_a": ["ksampler", output], "images_b": ["face_detailer", 0]}


def test_what_computed_the_size_is_left_out_with_all_that_led_only_there(place: Path):
    nodes = json.loads(WORKFLOWS["sd15-ini"].read_text())
    nodes["latent_size"]["inputs"]["image"] = ["size_of", 0]
    nodes["size_of"] = {"class_type": "A class that is installed nowhere", "inputs": {"image": ["image_loader", 0]}}
    chain = template.Template(Path("w.json"), {name: nodes[name] for name in nodes if name != "_comment"})

    def names(**more: Any) -> set[str]:
        settings = load(place, toml(BASE | {key.replace("__", "."): value for key, value in more.items()}))
        return set(graph.build(chain, settings, Picture("data:", "square"), "n", "X0001", numbers(7)))

    assert chain.nodes.keys() - names() == {"latent_size", "size_of"}
    info = {"get_detailed_image_info": {"inputs": {"image": ["size_of", 0]}}}
    assert chain.nodes.keys() - names(overload__merge=info) == {"latent_size"}
    assert chain.nodes.keys() - names(llava__disable=True) == {"latent_size", "size_of", "llava_tagger"}


def test_replace_comes_before_merge_and_what_is_saved_as_metadata_follows_both(place: Path):
    node = {"class_type": "K", "inputs": {"steps": 1, "cfg": 2, "sampler_name": "lcm", "scheduler": "simple"}}
    made = with_settings(
        place,
        overload__replace={"ksampler": node},
        overload__merge={"ksampler": {"inputs": {"steps": 9}}, "load_model": {"inputs": {"base_ckpt_name": "z"}}},
    )
    assert made["ksampler"] == {"class_type": "K", "inputs": {**node["inputs"], "steps": 9}}
    saved = inputs(made, "save_image")
    facts = [saved[key] for key in ("steps", "cfg", "sampler_name", "scheduler", "modelname")]
    assert facts == [9, 2, "lcm", "simple", "z"]


def test_slashes_turn_only_in_what_a_windows_server_looks_up(place: Path):
    slashed = "a/b"
    made = with_settings(
        place,
        server__on_windows=True,
        model__checkpoint=slashed,
        model__force_lora=[{"name": slashed, "trigger": slashed}],
        llava__model=slashed,
        llava__projector=slashed,
        llava__prompt=slashed,
        prompt__preamble=slashed,
        prompt__negative=slashed,
        wd14__banned=[slashed],
    )
    assert inputs(made, "full_path")["string"] == "\\pictures\\archive\\next\\two"
    assert inputs(made, "load_model")["base_ckpt_name"] == inputs(made, "lora_stacker")["lora_name_2"] == "a\\b"
    assert inputs(made, "save_image")["modelname"] == "a\\b"
    captioner = inputs(made, "llava_tagger")
    assert (captioner["model"], captioner["mm_proj"], captioner["prompt"]) == ("a\\b", "a\\b", "a/b")
    assert inputs(made, "preamble")["string"] == "a/b, a/b"
    assert inputs(made, "negative_prompt")["string"] == inputs(made, "wd14_tagger")["exclude_tags"] == "a/b"


def test_backslashes_that_the_user_wrote_stay(place: Path):
    made = with_settings(place, model__checkpoint="sdxl\\a.safetensors", lora=[{"name": "b\\c"}])
    assert inputs(made, "load_model")["base_ckpt_name"] == "sdxl\\a.safetensors"
    assert inputs(made, "lora_stacker")["lora_name_1"] == "b\\c"


def test_everything_that_is_drawn_varies_and_the_same_seed_draws_the_same(place: Path):
    read = load(place, (HERE / "full.toml").read_text())
    made = [built("sdxl-toml", read, seed) for seed in range(80)]
    assert made == [built("sdxl-toml", read, seed) for seed in range(80)]

    def seen(node: str, field: str) -> set[Any]:
        return {inputs(each, node).get(field) for each in made}

    assert len(seen("seed", "seed")) == 80
    assert all(0 <= seed < 2**50 for seed in seen("seed", "seed"))
    assert seen("full_path", "string") == {"\\srv\\one\\next\\two", "\\srv\\two\\next\\two"}
    assert seen("llava_tagger", "model") == {"seer\\one", "two"}
    assert len(seen("llava_tagger", "prompt")) == 2
    assert seen("negative_prompt", "string") >= {"blurry", ""}
    assert seen("load_model", "batch_size") == {1, 2}
    assert len({len(inputs(each, "batch_images")) for each in made}) == 2
    assert seen("lora_stacker", "lora_name_1") > {"None", "people\\ada.safetensors", "people\\bo.safetensors"}


# Workflows that do not fit


def changed(place: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    nodes = json.loads(WORKFLOWS["sdxl-toml"].read_text())
    change(nodes)
    path = place / "changed.json"
    path.write_text(json.dumps(nodes))
    return path


NEEDED = [
    *("seed", "full_path", "save_image", "batch_images", "llava_tagger", "preamble", "negative_prompt"),
    *("wd14_tagger", "load_model", "image_loader", "lora_stacker", "ksampler"),
]


@pytest.mark.parametrize("node", NEEDED)
def test_a_workflow_without_a_node_is_told_what_it_is_for(place: Path, node: str):
    read = template.load(changed(place, lambda nodes: nodes.update({f"{node}2": nodes.pop(node)})))
    settings = load(place, toml(BASE | {"model.force_lora": [{"name": "x"}]}))
    with pytest.raises(Told, match=rf"changed\.json has no node named '{node}', which .*Nearest: {node}2") as error:
        graph.build(read, settings, Picture("", "square"), "n", "X1", numbers(1))
    assert template.PURPOSES[node] in str(error.value)


def test_nodes_that_the_configuration_does_not_need_may_be_missing(place: Path):
    def change(nodes: dict[str, Any]) -> None:
        for node in ("llava_tagger", "lora_stacker", "log_prompt_to_console"):
            del nodes[node]

    read = template.load(changed(place, change))
    settings = load(place, toml(BASE | {"llava.disable": True}))
    assert "lora_stacker" not in graph.build(read, settings, Picture("", "square"), "n", "X1", numbers(1))


def test_other_files_are_no_workflows(place: Path):
    for text in ("[]", "{}", '{"nodes": [], "links": []}', '{"1": {"class_type": "A"}}', "x", "[" * 99999):
        (place / "other.json").write_text(text)
        with pytest.raises(Told, match=r"other\.json"):
            template.load(place / "other.json")
    with pytest.raises(Told, match="cannot be read"):
        template.load(place / "none.json")


def test_the_author_s_comment_is_read_and_is_no_node():
    assert template.load(WORKFLOWS["sdxl-ini"]).comment == "For a card with 12 GB."
    read = template.load(WORKFLOWS["sdxl-toml"])
    assert read.comment == "Needs the packs Efficiency Nodes and Impact."
    assert not {"comment", "_comment"} & set(read.nodes)


# The picture


def pixels(read: Picture) -> Image.Image:
    return Image.open(BytesIO(base64.b64decode(read.url.split(",")[1])))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP", "GIF", "TIFF"])
def test_pictures_travel_without_metadata_and_without_loss(tmp_path: Path, kind: str):
    image = Image.effect_noise((30, 20), 90).convert("P" if kind == "GIF" else "RGB")
    exif = Image.Exif()
    exif[0x010E] = "secret"
    path = tmp_path / f"a.{kind.lower()}"
    image.save(path, kind, exif=exif, icc_profile=b"secret", comment=b"secret", lossless=True)
    read = picture.read_picture(path)
    assert read.url.startswith("data:image/png;base64,")
    assert (read.aspect, pixels(read).info) == ("landscape", {})
    assert pixels(read).tobytes() == Image.open(path).convert("RGB").tobytes()


def test_a_jpeg_stays_one_turns_upright_and_loses_its_metadata(tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    exif[0x010E] = "secret"
    Image.new("RGB", (60, 40), (200, 30, 30)).save(tmp_path / "a.jpg", exif=exif, icc_profile=b"secret profile")
    read = picture.read_picture(tmp_path / "a.jpg")
    assert read.url.startswith("data:image/jpeg;base64,")
    assert read.aspect == "portrait"
    assert pixels(read).size == (40, 60)
    assert not pixels(read).getexif()
    assert b"secret" not in base64.b64decode(read.url.split(",")[1])


@pytest.mark.parametrize("mode", ["RGBA", "P", "LA", "1", "I;16"])
def test_pictures_of_any_mode_are_sent_whatever_their_suffix_says(tmp_path: Path, mode: str):
    Image.new(mode, (20, 20)).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.jpg")
    read = picture.read_picture(tmp_path / "a.jpg")
    assert (pixels(read).mode, pixels(read).format, read.aspect) == ("RGB", "PNG", "square")
