"""Engine 2: pictures through words into pictures in this process."""

import asyncio
import functools
import json
import pickle
import shutil
import socket
import sys
import time
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest
import torch
from fake_llm import FakeLLM
from models import tagger, tiny_diffusers
from PIL import Image

from resonance.drive.embedded import long_prompts, pipelines
from resonance.drive.embedded.describer import Captioning, Describer, Tagging
from resonance.drive.embedded.engine import Composing, Embedded, Setup
from resonance.drive.embedded.painter import Painting, size_for
from resonance.drive.job import EngineLost, Job, JobFailed
from resonance.llm import sending
from resonance.llm.server import LLMServer
from resonance.paint.a1111 import SAMPLERS
from resonance.roulette import Draw, DrawnLora
from resonance.session.item import Item, Words
from resonance.session.made import Made

T = TypeVar("T")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``checkpoints/a``, ``b`` and ``xl``, and ``taggers/tiny-torch``."""
    folder = tmp_path_factory.mktemp("models")
    tiny_diffusers.stable_diffusion(folder / "checkpoints" / "a")
    tiny_diffusers.stable_diffusion(folder / "checkpoints" / "b", seed=1)
    tiny_diffusers.stable_diffusion_xl(folder / "checkpoints" / "xl")
    tagger.torch_tagger(folder / "taggers" / "tiny-torch")
    return folder


@pytest.fixture
def setup(models: Path) -> Setup:
    painting = Painting(model="a", models=models, steps=2, cfg=4.0, device="cpu")
    return Setup(painting=painting, tagging=Tagging(tagger=str(models / "taggers" / "tiny-torch")))


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The addresses that somebody tried to reach."""
    asked: list[Any] = []

    def refuse(_: socket.socket, address: Any) -> None:
        asked.append(address)
        raise OSError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *place, **_: refuse(None, place))  # type: ignore[arg-type]
    yield asked


def picture(colour: str, size: tuple[int, int] = (48, 48)) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def job(colour: str = "red", seed: int = 5, **item: Any) -> Job:
    return Job(
        item=Item(session="s", round=1, index=1, lineage="X0001", seed=seed, **item),
        picture=picture(colour),
        name=f"{colour}.png",
    )


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


async def made(setup: Setup, *jobs: Job) -> list[Made]:
    engine = Embedded(setup)
    try:
        results = list[Made]()
        for each in jobs:
            await engine.ready()
            results.append(await engine.make(each, "run"))
        return results
    finally:
        await engine.close()


def failure(setup: Setup, kind: type[Exception] = EngineLost, *jobs: Job) -> str:
    with pytest.raises(kind) as caught:
        run(made(setup, *(jobs or [job()])))
    return str(caught.value)


# The job


def test_a_picture_becomes_words_and_the_words_a_picture(setup: Setup) -> None:
    composing = Composing(preamble="a picture of", suffix="in oil", negative="blurry", banned="sensitive")
    [result] = run(made(replace(setup, composing=composing), job()))
    assert result.words == Words("red")
    assert result.prompt == "a picture of, red, in oil"
    assert result.facts == {"scale": 4.0, "steps": 2}
    assert result.texts["parameters"] == (
        "a picture of, red, in oil\nNegative prompt: blurry\n"
        "Steps: 2, Sampler: DDIM, CFG scale: 4.0, Seed: 5, Size: 64x64, Model: a"
    )
    [data] = result.pictures
    with Image.open(BytesIO(data)) as image:
        assert (image.format, image.size) == ("PNG", (64, 64))


def test_the_same_seed_paints_the_same_bytes_and_another_seed_another_picture(setup: Setup) -> None:
    once, again, other = run(made(setup, job(), job(), job(seed=6)))
    [elsewhere] = run(made(setup, job()))
    assert once.pictures == again.pictures == elsewhere.pictures != other.pictures


def test_the_noise_is_drawn_on_the_cpu_from_the_seed(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    from diffusers import StableDiffusionPipeline

    drawn = list[tuple[str, int]]()
    kept = StableDiffusionPipeline.__call__

    @functools.wraps(kept)
    def call(*args: Any, generator: torch.Generator, **kwargs: Any) -> Any:
        drawn.append((str(generator.device), generator.initial_seed()))
        return kept(*args, generator=generator, **kwargs)

    monkeypatch.setattr(StableDiffusionPipeline, "__call__", call)
    run(made(setup, job(seed=2**50 - 1)))
    assert drawn == [("cpu", 2**50 - 1)]


def test_words_decide_what_is_painted(setup: Setup) -> None:
    red, blue = run(made(setup, job("red"), job("blue")))
    assert (red.prompt, blue.prompt) == ("red", "blue")
    assert red.pictures != blue.pictures


def test_stored_words_are_used_and_nobody_is_asked(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Describer, "words", lambda *_: pytest.fail("the tagger was asked"))
    words = Words(r"saber \(cat\)", "A cat.")
    [result] = run(made(setup, job(words=words)))
    assert result.words == words
    assert result.prompt == "saber (cat), A cat."


def test_a_caption_comes_from_the_language_model(setup: Setup, tmp_path: Path) -> None:
    with FakeLLM() as fake:
        captioning = Captioning(llm=LLMServer(f"{fake.url}/ok", tmp_path / "llm_keys.json"))
        [result] = run(made(replace(setup, captioning=captioning), job("blue")))
    assert result.words == Words("blue", "a blue picture, seed 5")
    assert result.prompt == "blue, a blue picture, seed 5"


def test_a_server_that_loads_its_model_is_waited_for_and_told_of(
    setup: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sending, "SOONEST", 0.1)
    with FakeLLM() as fake:
        fake.loads_for = 0.2
        captioning = Captioning(llm=LLMServer(f"{fake.url}/ok", tmp_path / "llm_keys.json"))
        [result] = run(made(replace(setup, captioning=captioning), job("blue")))
    assert result.words == Words("blue", "a blue picture, seed 5")
    assert "answers 503 (Loading model). Asking again in" in caplog.text


def test_tags_can_be_chosen_by_threshold_and_left_out(setup: Setup) -> None:
    assert setup.tagging
    strict = replace(setup, tagging=replace(setup.tagging, thresholds={"general": 1.0}))
    without = replace(setup, tagging=replace(setup.tagging, exclude=frozenset({"red"})))
    assert [result.words for one in (strict, without) for result in run(made(one, job()))] == [Words(), Words()]


def test_a_job_without_words_and_picture_fails(setup: Setup) -> None:
    assert "neither words nor a picture" in failure(setup, JobFailed, replace(job(), picture=None))


def test_a_workflow_needs_comfyui(setup: Setup) -> None:
    assert "pass --server" in failure(setup, JobFailed, replace(job(), graph={}))


def test_a_broken_picture_fails_the_job(setup: Setup) -> None:
    assert "cannot identify" in failure(setup, JobFailed, replace(job(), picture=b"no picture"))


def test_a_setup_can_be_pickled(setup: Setup) -> None:
    setup = replace(setup, captioning=Captioning(llm=LLMServer("http://127.0.0.1:1", Path("keys.json"))))
    assert pickle.loads(pickle.dumps(setup)) == setup


# Stopping


def test_waiting_for_a_server_that_loads_its_model_can_be_cancelled(setup: Setup, tmp_path: Path) -> None:
    async def cancel(captioning: Captioning) -> float:
        engine = Embedded(replace(setup, captioning=captioning))
        task = asyncio.create_task(engine.ready())
        while not fake.seen:
            await asyncio.sleep(0.05)
        begun = time.monotonic()
        task.cancel()
        await asyncio.wait([task])
        return time.monotonic() - begun

    with FakeLLM() as fake:
        fake.loads_until = time.monotonic() + 60
        assert run(cancel(Captioning(llm=LLMServer(f"{fake.url}/ok", tmp_path / "llm_keys.json")))) < 1


def test_cancelling_stops_within_a_second_and_the_next_job_runs(setup: Setup) -> None:
    async def cancel() -> tuple[float, Made]:
        engine = Embedded(replace(setup, painting=replace(setup.painting, steps=1000)))
        await engine.ready()
        task = asyncio.create_task(engine.make(job(), "run"))
        await asyncio.sleep(1)
        assert not task.done()
        begun = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        taken = time.monotonic() - begun
        assert engine._painter  # pyright: ignore[reportPrivateUsage]
        engine._painter.how = setup.painting
        after = await engine.make(job(), "run")
        await engine.close()
        return taken, after

    taken, after = run(cancel())
    assert taken < 1
    assert after.pictures == run(made(setup, job()))[0].pictures


def test_cancelling_while_the_tagger_works_paints_nothing(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    def describe(*_: Any) -> Words:
        time.sleep(0.3)
        return Words("red")

    async def cancel() -> None:
        engine = Embedded(setup)
        await engine.ready()
        monkeypatch.setattr(Describer, "words", describe)
        assert engine._painter  # pyright: ignore[reportPrivateUsage]
        engine._painter.paint = lambda *_: pytest.fail("it was painted")  # type: ignore[method-assign]
        task = asyncio.create_task(engine.make(job(), "run"))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await engine.close()

    run(cancel())


# What a model does wrong


def test_a_picture_of_nan_fails_the_job(setup: Setup, models: Path, tmp_path: Path) -> None:
    from diffusers import StableDiffusionPipeline

    pipeline = StableDiffusionPipeline.from_pretrained(models / "checkpoints" / "a")
    pipeline.vae.decoder.conv_out.bias.data[0] = float("nan")
    pipeline.save_pretrained(tmp_path / "nan")
    broken = replace(setup, painting=replace(setup.painting, model=str(tmp_path / "nan")))
    assert "not numbers in torch.float32: choose float32" in failure(broken, JobFailed)


def test_running_out_of_memory_names_model_and_size(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB.")

    monkeypatch.setattr("diffusers.UNet2DConditionModel.forward", full)
    assert failure(setup, JobFailed) == (
        "a ran out of memory on cpu at 64 x 64: choose a smaller size, or a smaller model."
    )


# Which model


def test_draws_switch_checkpoints_and_an_equal_draw_keeps_the_pipeline(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = list[str]()
    kept = pipelines.load

    def load(found: pipelines.Found, *args: Any) -> pipelines.Loaded:
        loads.append(Path(found.place).name)
        return kept(found, *args)

    monkeypatch.setattr(pipelines, "load", load)
    drawn = replace(setup, painting=replace(setup.painting, model=""))
    a, b = (Draw(name, triggers="sks", neg_triggers="ugly").to_dict() for name in ("a", "b"))
    results = run(made(drawn, job(draw=a), job(draw=a), job(draw=b), job(draw=b)))
    assert loads == ["a", "b"]
    assert results[0].pictures == results[1].pictures != results[2].pictures == results[3].pictures
    assert results[0].prompt == "sks, red"
    assert "Negative prompt: ugly" in results[0].texts["parameters"]
    assert results[2].texts["parameters"].endswith("Model: b")


def test_without_a_model_and_a_draw_the_job_fails(setup: Setup) -> None:
    nothing = replace(setup, painting=replace(setup.painting, model=""))
    assert failure(nothing, JobFailed) == "No model is named and none was drawn for this picture: name a model."


def test_a_drawn_checkpoint_that_is_not_there_fails_the_job(setup: Setup) -> None:
    assert "There is no checkpoint 'gone.safetensors' in" in failure(
        setup, JobFailed, job(draw=Draw("gone.safetensors").to_dict())
    )


def test_a_drawn_name_cannot_lead_out_of_the_models_folder(setup: Setup, models: Path) -> None:
    inside = replace(setup, painting=replace(setup.painting, model="", models=models / "taggers"))
    for name in ("../checkpoints/a", str(models / "checkpoints" / "a"), "someone/some-model"):
        text = failure(inside, JobFailed, job(draw=Draw(name).to_dict()))
        assert "is not a path below" in text or "There is no checkpoint" in text


def test_a_lora_acts_by_its_strength(setup: Setup, models: Path, offline: list[Any]) -> None:
    pytest.importorskip("peft")
    tiny_diffusers.lora(models / "loras" / "x.safetensors")
    draws = [
        Draw("a", (DrawnLora("x.safetensors", strength, strength),)).to_dict() if strength is not None else None
        for strength in (None, 1.0, 0.0, 1.0, None)
    ]
    plain, strong, off, again, after = (r.pictures for r in run(made(setup, *(job(draw=draw) for draw in draws))))
    assert plain == off == after != strong == again
    assert offline == []


def test_loras_of_which_one_is_missing_leave_nothing_behind(setup: Setup, models: Path) -> None:
    pytest.importorskip("peft")
    tiny_diffusers.lora(models / "loras" / "x.safetensors")
    there, gone = (DrawnLora(f"{name}.safetensors", 1, 1) for name in ("x", "gone"))

    async def after_failure() -> Made:
        engine = Embedded(setup)
        await engine.ready()
        with pytest.raises(JobFailed, match=r"There is no LoRA 'gone\.safetensors'"):
            await engine.make(job(draw=Draw("a", (there, gone)).to_dict()), "run")
        result = await engine.make(job(), "run")
        await engine.close()
        return result

    assert run(after_failure()).pictures == run(made(setup, job()))[0].pictures


def test_a_lora_without_peft_says_what_to_install(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipelines, "find_spec", lambda name: None)
    draw = Draw("a", (DrawnLora("x.safetensors", 1, 1),)).to_dict()
    assert failure(setup, JobFailed, job(draw=draw)) == "LoRAs need peft. Run: pip install peft"


def test_toyworld_is_the_painter_that_comes_with_the_project(
    setup: Setup, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diffusers import StableDiffusionPipeline

    toy: Any = type(sys)("painter")
    toy.load = lambda: StableDiffusionPipeline.from_pretrained(models / "checkpoints" / "a")
    toy.STEPS, toy.CFG, toy.SIZE = 3, 2.0, 56
    monkeypatch.setitem(sys.modules, "resonance.toyworld.painter", toy)
    [result] = run(made(replace(setup, painting=Painting(model="toyworld", device="cpu")), job()))
    assert result.facts == {"scale": 2.0, "steps": 3}
    assert "Size: 56x56, Model: toyworld" in result.texts["parameters"]


def test_a_family_gets_only_what_it_takes(
    setup: Setup, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Plain:
        scheduler = type("FlowScheduler", (), {})()
        image_processor = SimpleNamespace(config=SimpleNamespace(vae_scale_factor=16))

        def __call__(self, prompt: str, width: int, height: int, num_inference_steps: int, output_type: str) -> Any:
            return SimpleNamespace(images=torch.full((1, 3, height, width), 0.5))

    monkeypatch.setattr(pipelines, "load", lambda *_: pipelines.Loaded(Plain(), 4, 0, 200))
    painting = replace(setup.painting, steps=None, cfg=None, sizes={"width": 200, "height": 120})
    [result] = run(made(replace(setup, painting=painting, composing=Composing(negative="ugly")), job()))
    assert result.facts == {"scale": 0, "steps": 4}
    assert "Sampler: Flow, CFG scale: 0, Seed: 5, Size: 192x112" in result.texts["parameters"]
    assert "a takes no negative prompt: it is left out" in caplog.text


@pytest.mark.parametrize("sampler", pipelines.SAMPLERS)
def test_every_sampler_paints(setup: Setup, sampler: str) -> None:
    [result] = run(made(replace(setup, painting=replace(setup.painting, sampler=sampler)), job()))
    assert f"Sampler: {SAMPLERS.get(sampler, sampler)}," in result.texts["parameters"]


def test_an_unknown_sampler_is_answered_with_the_known_ones(setup: Setup) -> None:
    text = failure(replace(setup, painting=replace(setup.painting, sampler="best")))
    assert text.startswith("There is no sampler 'best' without ComfyUI. There are: ddim,")


# Where models come from


def test_a_hub_id_is_refused_without_download_and_the_network_is_not_asked(setup: Setup, offline: list[Any]) -> None:
    text = failure(replace(setup, painting=replace(setup.painting, model="someone/some-model")))
    assert text == (
        "someone/some-model is not a folder here and not in the Hugging Face hub's cache: pass --download to fetch it."
    )
    assert offline == []


def test_with_download_the_hub_is_asked(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    import diffusers

    asked = list[Any]()

    def load_config(place: str, **options: Any) -> None:
        asked.append((place, options))
        raise OSError("the hub is away")

    monkeypatch.setattr(diffusers.AutoPipelineForText2Image, "load_config", load_config)
    text = failure(replace(setup, painting=replace(setup.painting, model="someone/some-model", download=True)))
    assert text == "someone/some-model cannot be read as a text to image model: the hub is away"
    assert asked == [("someone/some-model", {"local_files_only": False})]


def test_a_model_in_the_cache_of_the_hub_is_read_without_download(
    setup: Setup, models: Path, offline: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = tmp_path / "models--someone--some-model"
    shutil.copytree(models / "checkpoints" / "a", repo / "snapshots" / "abc")
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("abc")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    [cached] = run(made(replace(setup, painting=replace(setup.painting, model="someone/some-model")), job()))
    assert cached.pictures == run(made(setup, job()))[0].pictures
    assert offline == []


def test_a_folder_needs_no_network(setup: Setup, offline: list[Any]) -> None:
    run(made(setup, job()))
    assert offline == []


def test_a_checkpoint_in_one_file_says_what_it_needs(setup: Setup, offline: list[Any], tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"model.diffusion_model.out.2.bias": torch.zeros(4)}, tmp_path / "one.safetensors")
    text = failure(replace(setup, painting=replace(setup.painting, model=str(tmp_path / "one.safetensors"))))
    assert "one.safetensors needs the configuration of stable-diffusion-v1-5/stable-diffusion-v1-5," in text
    assert text.endswith("not in the Hugging Face hub's cache: pass --download to fetch it.")
    assert offline == []


def test_a_checkpoint_in_one_file_paints_like_the_same_model_in_a_folder(
    setup: Setup, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diffusers.loaders import single_file_utils

    file = tiny_diffusers.one_file(models / "checkpoints" / "a", tmp_path / "one.safetensors")
    family = {"v1": {"pretrained_model_name_or_path": str(models / "checkpoints" / "a")}}
    monkeypatch.setattr(single_file_utils, "DIFFUSERS_DEFAULT_PIPELINE_PATHS", family)
    [one] = run(made(replace(setup, painting=replace(setup.painting, model=str(file))), job()))
    [folder] = run(made(setup, job()))
    assert one.pictures == folder.pictures


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("empty", "is not a model in diffusers' form: it holds no model_index.json"),
        ("old.ckpt", "is no .safetensors file: other forms may hold code"),
        ("nothing", "There is no model 'nothing' in"),
    ],
)
def test_what_is_no_model_is_refused(setup: Setup, tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "old.ckpt").touch()
    assert says in failure(replace(setup, painting=Painting(model=name, models=tmp_path, device="cpu")))


def test_weights_that_are_not_safetensors_are_not_read(setup: Setup, models: Path, tmp_path: Path) -> None:
    copy = tmp_path / "bins"
    from diffusers import StableDiffusionPipeline

    StableDiffusionPipeline.from_pretrained(models / "checkpoints" / "a").save_pretrained(
        copy, safe_serialization=False
    )
    assert list(copy.glob("unet/*.bin"))
    assert f"{copy} cannot be read" in failure(replace(setup, painting=replace(setup.painting, model=str(copy))))


def test_code_that_lies_in_a_model_folder_is_not_run(setup: Setup, models: Path, tmp_path: Path) -> None:
    folder = tmp_path / "trap"
    shutil.copytree(models / "checkpoints" / "a", folder)
    trap = f"open({str(tmp_path / 'sprung')!r}, 'w')\nfrom diffusers import UNet2DConditionModel as Mine\n"
    for place in (folder, folder / "unet"):
        (place / "mine.py").write_text(trap)
        (place / "pipeline.py").write_text(trap)
    index = json.loads((folder / "model_index.json").read_text())
    index["unet"] = ["mine", "Mine"]
    (folder / "model_index.json").write_text(json.dumps(index))
    assert "cannot be read" in failure(replace(setup, painting=replace(setup.painting, model=str(folder))))
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("library", ["diffusers", "transformers", "accelerate"])
def test_a_missing_library_is_one_sentence(setup: Setup, monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    text = failure(setup)
    assert text.startswith(f"Painting without ComfyUI needs {library} (")
    assert text.endswith("). Run: pip install -r requirements-headless.txt")


def test_a_missing_timm_is_one_sentence(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    assert failure(setup) == "The tagger needs timm. Run: pip install -r requirements.txt"


def test_a_folder_that_is_no_tagger_is_refused(setup: Setup, tmp_path: Path) -> None:
    assert "There is no tagger" in failure(replace(setup, tagging=Tagging(tagger=str(tmp_path))))
    assert "There is no folder nowhere" in failure(replace(setup, tagging=Tagging(tagger="nowhere")))


def test_a_device_that_is_not_there_is_refused(setup: Setup) -> None:
    text = failure(replace(setup, painting=replace(setup.painting, device="npu")))
    assert text.startswith("There is no device 'npu' here. There are: cpu")


def test_a_language_model_that_is_not_there_loses_the_engine(setup: Setup, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        captioning = Captioning(llm=LLMServer(address, tmp_path / "llm_keys.json"))
        assert address in failure(replace(setup, captioning=captioning))


# Sizes


@pytest.mark.parametrize(
    ("choice", "picture", "expected"),
    [
        ({}, (300, 200), (640, 384)),
        ({}, None, (512, 512)),
        ({"sizes": "SD1.5"}, (300, 200), (768, 576)),
        ({"sizes": "SD1.5"}, (200, 300), (576, 768)),
        ({"sizes": "SDXL"}, (5, 5), (1024, 1024)),
        ({"sizes": "portrait"}, None, (448, 768)),
        ({"sizes": "nearest bucket", "bucket_side": 256}, (300, 200), (320, 192)),
        ({"width": 100, "height": 3}, (300, 200), (96, 8)),
    ],
)
def test_sizes_follow_the_picture_in_steps_of_8(
    choice: dict[str, Any], picture: tuple[int, int] | None, expected: tuple[int, int]
) -> None:
    processor = SimpleNamespace(config=SimpleNamespace(vae_scale_factor=8))
    loaded = pipelines.Loaded(SimpleNamespace(image_processor=processor), 1, 1, 512)
    assert size_for(loaded, choice, picture) == expected


def test_the_picture_has_the_size_that_was_asked_for(setup: Setup) -> None:
    wide = replace(setup, painting=replace(setup.painting, sizes={"width": 100, "height": 64}))
    [result] = run(made(wide, job()))
    with Image.open(BytesIO(result.pictures[0])) as image:
        assert image.size == (96, 64)


# Long prompts


@pytest.mark.parametrize("model", ["a", "xl"])
@pytest.mark.parametrize("negative", ["", "ugly", "ugly, " * 40])
def test_the_last_word_of_a_long_prompt_acts(setup: Setup, model: str, negative: str) -> None:
    long = replace(setup, painting=replace(setup.painting, model=model), composing=Composing(negative=negative))
    words = "castle, " * 30
    cat, dog, again = run(made(long, *(job(words=Words(words + last)) for last in ("cat", "dog", "cat"))))
    assert cat.pictures == again.pictures != dog.pictures


def test_a_prompt_is_cut_between_entries(tmp_path: Path) -> None:
    tokenizer = tiny_diffusers.tokenizer(tmp_path)
    text = ", ".join(["long hair"] * 20)
    pieces = long_prompts.pieces(tokenizer, text)
    assert " ".join(pieces) == text
    assert len(pieces) == 3
    assert all(len(tokenizer(piece).input_ids) <= 77 for piece in pieces)
    assert all(piece.endswith("long hair,") for piece in pieces[:-1])
    assert long_prompts.pieces(tokenizer, "red") == ["red"]
    assert long_prompts.pieces(tokenizer, "") == [""]
