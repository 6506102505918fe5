import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resonance.img2tag2img import config, ini, keys, overrides, template
from resonance.img2tag2img.config import Config
from resonance.img2tag2img.graph import build
from resonance.img2tag2img.picture import Picture
from resonance.roulette import Lora
from resonance.told import Told

from .img2tag2img_steps import HERE, WORKFLOWS

TOML = 'model.checkpoint = "a"\npaths.archive = "/p"\n'


@pytest.fixture
def ini_text(tmp_path: Path) -> str:
    (tmp_path / "loras").mkdir()
    (tmp_path / "loras" / "x.safetensors").touch()
    return (HERE / "first.ini").read_text().replace("LORAS", str(tmp_path / "loras")).replace("ARCHIVE", "/p")


def load(place: Path, text: str, *words: str, name: str = "c.toml") -> Config:
    (place / name).write_text(text, encoding="utf-8")
    return config.load(place / name, words)


def said(place: Path, text: str, *words: str, name: str = "c.toml") -> str:
    with pytest.raises(Told) as error:
        load(place, text, *words, name=name)
    return str(error.value)


def test_what_a_file_does_not_say_is_as_it_was_in_img2tag2img(tmp_path: Path):
    read = load(tmp_path, TOML)
    assert (read.latent_landscape, read.latent_portrait, read.latent_square) == ((1216, 832), (832, 1216), (1024, 1024))
    assert (read.url, read.server_poll_delay) == ("http://127.0.0.1:8188", (0.25,))
    assert read.llava_model == ("llama/llava-v1.5-7b-Q4_K",)
    assert read.llava_projector == ("llama/llava-v1.5-7b-mmproj-Q4_0",)
    assert read.llava_prompt == ("Please describe this image in detail.",)
    assert read.plan.loras == (Lora("None", 0, 0),)
    assert read.paths_output == ("/p",)
    assert load(tmp_path, TOML + 'paths.output = ""').paths_output == ("",)


VALUES: dict[str, tuple[str, Any]] = {
    "latent.landscape": ("[8, 16]", (8, 16)),
    "latent.portrait": ("[8, 16]", (8, 16)),
    "latent.square": ("[8, 16]", (8, 16)),
    "llava.disable": ("true", True),
    "llava.model": ("deep/seer v1.5", ("deep/seer v1.5",)),
    "llava.projector": ('["a", "b"]', ("a", "b")),
    "llava.prompt": ("true", ("true",)),
    "misc.save_predetail": ("[true, false]", (True, False)),
    "model.cfg": ("5", 5.0),
    "model.steps": ("9", 9),
    "overload.merge": ("{ ksampler = { inputs = { cfg = 1 } } }", ({"ksampler": {"inputs": {"cfg": 1}}},)),
    "overload.replace": ('{ a = { class_type = "A", inputs = {} } }', ({"a": {"class_type": "A", "inputs": {}}},)),
    "paths.archive": ("2024", "2024"),
    "paths.output": ('""', ("",)),
    "prompt.preamble": ("1girl, solo", ("1girl, solo",)),
    "prompt.negative": ("12", ("12",)),
    "server.address": ("10.0.0.1", "10.0.0.1"),
    "server.port": ("1", 1),
    "server.on_windows": ("true", True),
    "server.poll_delay": ("[1, 2.5]", (1.0, 2.5)),
    "wd14.banned": ("a, b", "a, b"),
}


@pytest.mark.parametrize("form", ["apart", "joined"])
@pytest.mark.parametrize("key", keys.KEYS)
def test_every_key_of_the_toml_form_can_be_overridden(tmp_path: Path, key: str, form: str):
    raw, wanted = VALUES[key]
    words = (f"--{key}", raw) if form == "apart" else (f"--{key}={raw}",)
    assert getattr(load(tmp_path, TOML, *words), key.replace(".", "_")) == wanted


def test_the_roulette_s_keys_can_be_overridden(tmp_path: Path):
    loras = '[{ name = "x", strength = 0.5 }]'
    words = ("--model.checkpoint", "b/c.safetensors", "--lora", loras, "--model.force_lora", loras, "--blank", "3")
    plan = load(tmp_path, TOML, *words).plan
    assert plan.checkpoints[0].name == "b/c.safetensors"
    assert [(each.name, each.model_strength, each.weight) for each in plan.loras] == [("x", 0.5, 1), ("None", 0, 3)]
    assert [each.name for each in plan.forced] == ["x"]
    assert len(load(tmp_path, TOML, '--model.checkpoint=["b", "c"]').plan.checkpoints) == 2


@pytest.mark.parametrize("key", ["llava.disable", "server.on_windows", "misc.save_predetail"])
def test_a_key_alone_says_true(tmp_path: Path, key: str):
    read = load(tmp_path, TOML, f"--{key}", "--model.steps", "3")
    assert getattr(read, key.replace(".", "_")) in (True, (True,))
    assert read.model_steps == 3


INI_VALUES: dict[str, tuple[str, str, Any]] = {
    "archive_path": ("/q", "paths_archive", "/q"),
    "banned_tags": ("x,y", "wd14_banned", "x,y"),
    "cfg": ("5", "model_cfg", 5.0),
    "comfy_address": ("10.0.0.1", "server_address", "10.0.0.1"),
    "comfy_on_windows": ("False", "server_on_windows", False),
    "comfy_port": ("1", "server_port", 1),
    "disable_llm": ("true", "llava_disable", True),
    "llava_model": ("true", "llava_model", ("true",)),
    "llava_projector": ("[x]", "llava_projector", ("[x]",)),
    "llava_prompt": ('"Why?"', "llava_prompt", ('"Why?"',)),
    "negative": ("12", "prompt_negative", ("12",)),
    "output_path": ("/o", "paths_output", ("/o",)),
    "preamble": ("50% off", "prompt_preamble", ("50% off",)),
    "queue_poll_delay": ("1", "server_poll_delay", (1.0,)),
    "save_predetail": ("false", "misc_save_predetail", (False,)),
    "steps": ("9", "model_steps", 9),
    "add_tags": ("x", "prompt_preamble", ("100% painting, x",)),
    "latent_long_edge": ("64", "latent_landscape", (64, 832)),
    "latent_short_edge": ("64", "latent_portrait", (64, 1216)),
    "latent_square_edge": ("64", "latent_square", (64, 64)),
}


@pytest.mark.parametrize("form", ["apart", "joined"])
@pytest.mark.parametrize("key", INI_VALUES)
def test_every_key_of_the_ini_form_can_be_overridden(tmp_path: Path, ini_text: str, key: str, form: str):
    raw, field, wanted = INI_VALUES[key]
    words = (f"--{key}", raw) if form == "apart" else (f"--{key}={raw}",)
    assert getattr(load(tmp_path, ini_text, *words, name="c.ini"), field) == wanted


def test_the_roulette_s_keys_of_the_ini_form_can_be_overridden(tmp_path: Path, ini_text: str):
    (tmp_path / "other" / "deep").mkdir(parents=True)
    (tmp_path / "other" / "deep" / "y.safetensors").touch()
    root = ("--lora_root", str(tmp_path / "other"), "--lora_prefix", "deep", "--blank_loras=0", "--checkpoint", "b/c")
    fixed = ("--fixed_lora_name", "f", "--fixed_lora_weight", "0.5", "--fixed_lora_model_weight", "0.7")
    plan = load(tmp_path, ini_text, *root, *fixed, "--fixed_lora_clip_weight=0.2", name="c.ini").plan
    assert plan.checkpoints[0].name == "b/c"
    assert plan.loras[0] == Lora("deep/y.safetensors", 0.8, 0.8)
    assert plan.forced == (Lora("f", 0.7, 0.2),)
    assert load(tmp_path, ini_text, *fixed[:4], name="c.ini").plan.forced == (Lora("f", 0.5, 0.5),)
    tested = {*INI_VALUES, "checkpoint", "lora_root", "lora_prefix", "blank_loras"} | set(ini.FIXED)
    assert tested == set(ini.KEYS)


def test_a_lora_folder_without_loras_draws_none(tmp_path: Path, ini_text: str):
    (tmp_path / "none").mkdir()
    read = load(tmp_path, ini_text, "--lora_root", str(tmp_path / "none"), "--blank_loras", "0", name="c.ini")
    assert [each.name for each in read.plan.loras] == ["None"]
    text = said(tmp_path, ini_text, "--lora_root", str(tmp_path / "gone"), name="c.ini")
    assert f"There is no folder {tmp_path / 'gone'}" in text


@pytest.mark.parametrize("prefix", ["/", "..", "people/../../other"])
def test_loras_are_looked_for_below_lora_root_only(tmp_path: Path, ini_text: str, prefix: str):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "theirs.safetensors").touch()
    text = said(tmp_path, ini_text, "--lora_prefix", prefix, name="c.ini")
    assert f"lora_prefix must be a folder below lora_root, {tmp_path}/loras, got {prefix!r}." in text


def test_the_author_s_own_way_to_say_no_loras_is_read_and_noted(tmp_path: Path):
    text = (HERE / "default.sd15.ini").read_text().replace("LORAS", str(tmp_path)).replace("ARCHIVE", "/p")
    read = load(tmp_path, text, name="default.sd15.ini")
    assert [each.name for each in read.plan.loras] == ["None"]
    assert read.notes == (
        f"No LoRA is drawn: there is no folder {tmp_path}/sd15/nonexistent_folder/, which lora_root and lora_prefix name.",
    )
    assert load(tmp_path, text, "--lora_prefix", "", name="default.sd15.ini").notes == ()


def test_the_form_is_told_by_the_suffix_or_by_what_is_in_the_file(tmp_path: Path, ini_text: str):
    assert load(tmp_path, TOML, name="c.conf").paths_archive == "/p"
    assert load(tmp_path, ini_text, name="d.conf").paths_archive == "/p"
    assert load(tmp_path, ini_text, name="d.INI").paths_archive == "/p"
    assert load(tmp_path, "\ufeff" + TOML).paths_archive == "/p"


def test_sections_of_an_ini_file_are_one_namespace(tmp_path: Path, ini_text: str):
    text = ini_text.replace("[Config]", "[DEFAULT]").replace("negative =", "[other]\nNegative =")
    assert load(tmp_path, text, name="c.ini").prompt_negative == ("blurry",)


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (("--model.chekpoint", "x"), "There is no key model.chekpoint. Did you mean model.checkpoint?"),
        (("--cfg", "5"), "There is no key cfg. Did you mean model.cfg?"),
        (("--zzzz", "5"), "There is no key zzzz. Keys: latent.landscape, "),
        (("x",), "'x' belongs to no key"),
        (("--model.cfg", "5", "6"), "'6' belongs to no key"),
        (("--model.cfg",), "model.cfg must be a number such as 7.5, not under 0, got True"),
        (("--model.cfg", "high"), "model.cfg must be a number such as 7.5, not under 0, got 'high'"),
        (("--model.steps", "1.5"), "model.steps must be a whole number"),
        (("--prompt.preamble",), "prompt.preamble must be a text in quotes, or a list of texts, got True"),
        (("--server.on_windows", "yes"), "server.on_windows must be true or false, got 'yes'"),
        (("--latent.square", "512"), "latent.square must be width and height in pixels, such as [1216, 832], got 512"),
        (("--paths.archive", '["/a", "/b"]'), "paths.archive must be one folder"),
        (("--llava.prompt", "[]"), "llava.prompt must be a text in quotes, or a list of texts"),
        (("--overload.merge", "{ a = 1 }"), "overload.merge must be a table of nodes such as"),
        (("--overload.merge", "{ a = { inputs = 1 } }"), "overload.merge must be a table of nodes such as"),
        (("--overload.merge", "{ a = { inputs = { b = inf } } }"), "overload.merge must be a table of nodes such as"),
        (("--overload.replace", "{ a = { inputs = {} } }"), "overload.replace must be a table of whole nodes"),
        (("--wd14.banned", "[1]"), "wd14.banned must be a list of tags"),
        (("--model.checkpoint", '["a", 1]'), "model.checkpoint.1: A bundle needs a list of its own"),
        (("--model.checkpoint", "{ folder = 'x' }"), "folder = … works only where the server"),
        (("--model.cfg", "9" * 400), "model.cfg must be a number such as 7.5, not under 0, got 999"),
        (("--server.poll_delay", "9" * 400), "server.poll_delay must be a number such as 0.25, or a list of numbers"),
        (("--model.steps", "9" * 5000), "model.steps must be a whole number, not under 0, got '999"),
        (("--lora", "[{ nam = 'x' }]"), "lora.0.nam: nam is not known here. Did you mean name?"),
        (("--override-ksampler", "1"), "--override-ksampler is not understood"),
        (("--override-ksampler-cfg",), "--override-ksampler-cfg is not understood"),
    ],
)
def test_a_wrong_override_is_told_what_is_accepted(tmp_path: Path, words: tuple[str, ...], answer: str):
    assert answer in said(tmp_path, TOML, *words)


def test_what_is_wrong_in_a_file_is_quoted(tmp_path: Path):
    text = said(tmp_path, TOML + "\n[model]\n")
    assert text.startswith(f"{tmp_path / 'c.toml'}: Line 4: [model]")
    text = said(tmp_path, 'model.checkpoint = "a"\npaths.archive = "/p"\nmodel.stepz = 3\n')
    assert "Line 3: model.stepz = 3\nThere is no key model.stepz. Did you mean model.steps?" in text
    text = said(tmp_path, TOML + "model.steps = 'many'\n")
    assert "Line 3: model.steps = 'many'\nmodel.steps must be a whole number, not under 0, got 'many'." in text
    assert "Line 3: lora = [{ name = 3 }]\nname must be a text" in said(tmp_path, TOML + "lora = [{ name = 3 }]\n")
    assert "There is no key override" in said(tmp_path, TOML + "[override.merge]\n")
    assert "missing: model.checkpoint, paths.archive." in said(tmp_path, "model.cfg = 1")


def test_what_is_wrong_in_an_ini_file_is_named(tmp_path: Path, ini_text: str):
    keyless = ini_text.replace("negative = blurry", "").replace("llava_model = seer/one", "")
    assert "These keys are missing: negative, llava_model." in said(tmp_path, keyless, name="c.ini")
    assert "negative, llava_model" not in said(tmp_path, keyless, "--disable_llm", name="c.ini")
    assert load(tmp_path, keyless, "--disable_llm", "--negative", "", name="c.ini").llava_disable
    text = said(tmp_path, ini_text + "stepz = 3\n", name="c.ini")
    assert text.endswith("c.ini: There is no key stepz. Did you mean steps?")
    assert "steps must be a whole number, got 'x'" in said(tmp_path, ini_text + "steps = x\n", name="c.ini")
    assert "save_predetail must be true or false, got 'no'" in said(
        tmp_path, ini_text, "--save_predetail=no", name="c.ini"
    )
    assert "--negative needs a value" in said(tmp_path, ini_text, "--negative", name="c.ini")
    assert "This is no INI file: File contains no section headers" in said(tmp_path, "steps = 3", name="c.ini")
    assert "already exists" in said(tmp_path, ini_text + "negative = twice\n", name="c.ini")


def test_files_that_cannot_be_read_are_named(tmp_path: Path):
    with pytest.raises(Told, match=r"none\.toml: the configuration cannot be read \(No such file"):
        config.load(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(Told, match=r"bytes\.toml: this is not text in UTF-8"):
        config.load(tmp_path / "bytes.toml")


# Inputs of nodes


def overridden(place: Path, *words: str, workflow: str = "sd15-toml") -> dict[str, Any]:
    read = template.load(WORKFLOWS[workflow])
    return build(read, load(place, TOML, *words), Picture("", "square"), "n", "X1", lambda _: 0)


@pytest.mark.parametrize(
    ("words", "node", "field", "wanted"),
    [
        (("--override-ksampler-cfg", "3"), "ksampler", "cfg", 3),
        (("--override-ksampler-cfg-float", "3"), "ksampler", "cfg", 3.0),
        (("--override-ksampler-steps-int=4",), "ksampler", "steps", 4),
        (("--override-ksampler-sampler_name", "4"), "ksampler", "sampler_name", "4"),
        (("--override-ksampler-steps-str", "4"), "ksampler", "steps", "4"),
        (("--override-save_image-images-wire", "ksampler:5"), "save_image", "images", ["ksampler", 5]),
        (("--override-load_model-batch_size", "2"), "load_model", "batch_size", 2),
        (("--override-face_detailer-noise_mask", "false"), "face_detailer", "noise_mask", False),
    ],
)
def test_any_input_of_any_node_can_be_overridden(tmp_path: Path, words: Any, node: str, field: str, wanted: Any):
    value = overridden(tmp_path, *words)[node]["inputs"][field]
    assert (value, type(value)) == (wanted, type(wanted))


def test_inputs_are_overridden_after_the_overloads_and_before_the_metadata(tmp_path: Path):
    merge = "{ ksampler = { inputs = { steps = 1, cfg = 1 } } }"
    made = overridden(tmp_path, "--overload.merge", merge, "--override-ksampler-steps", "2")
    assert (made["save_image"]["inputs"]["steps"], made["save_image"]["inputs"]["cfg"]) == (2, 1)


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (
            ("--overload.merge", '{ odd = { class_type = "A" } }', "--override-odd-x", "1"),
            "odd has no input x. It has: .",
        ),
        (("--override-ksamplr-cfg", "1"), "no node named 'ksamplr', which is to be changed.* Nearest: ksampler"),
        (("--override-ksampler-cgf", "1"), "the node ksampler has no input cgf. Did you mean cfg?"),
        (("--override-ksampler-cfg-int", "x"), "got 'x'. Expected something like 12"),
        (("--override-ksampler-cfg-wire", "seed"), "got 'seed'. Expected something like ksampler:5"),
        (("--override-ksampler-cfg-wire", "sead:3"), "no node named 'sead'"),
    ],
)
def test_an_unknown_node_or_input_is_refused(tmp_path: Path, words: Any, answer: str):
    with pytest.raises(Told, match=answer):
        overridden(tmp_path, *words)


@given(st.text() | st.integers() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False))
def test_any_text_is_a_literal_or_itself(value: Any):
    found = overrides.literal(str(value).lower() if isinstance(value, bool) else str(value))
    assert found == value or isinstance(value, str)
    if isinstance(value, float):
        assert math.isclose(found, value)
