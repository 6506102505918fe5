"""What pictures say they were made from, read back; and prompt lines that pictures say."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from resonance.files import formats
from resonance.files.settings import FORMAT, SUFFIXES, Format
from resonance.paint.a1111 import SAMPLERS, SCHEDULES
from resonance.paint.choices import choose_prompt
from resonance.paint.dynamic import LONGEST, escaped
from resonance.paint.how import how
from resonance.paint.lines import picture_line
from resonance.paint.options import Options
from resonance.paint.read_back import ReadBack, read_back, read_texts
from resonance.paint.request import Request, parameters, read_parameters
from resonance.paint.shots import Widgets, randoms_of
from resonance.paint.wildcards import WildcardFiles
from resonance.session import query
from resonance.session.fill.asked_lines import AskedLines
from resonance.session.item import Item
from resonance.session.ledger import Ledger
from resonance.session.payloads import Exploration, PromptLine
from resonance.session.prompts import prompt_of
from resonance.told import Told

WIDGETS = Widgets(width=64, height=64, steps=20, scale=7.0)
WORDS, NEGATIVE = "a boat, “ü” 日本: x, (y:1.2) {z|w} --d 5", 'bad, "hands"'
LINE = PromptLine(key="k", line=WORDS, prompt=WORDS, negative=NEGATIVE, width=8, height=8, steps=9, scale=3, seed=7)
ITEM = Item(session="s", round=1, index=1, lineage="X0001", seed=7, payload=LINE)
GRAPH: dict[str, dict[str, Any]] = {
    "3": {"class_type": "CLIPTextEncode", "inputs": {"text": WORDS}},
    "4": {"class_type": "CLIPTextEncode", "inputs": {"text": NEGATIVE}},
    "5": {
        "class_type": "KSampler",
        "inputs": {
            "positive": ["3", 0],
            "negative": ["4", 0],
            "latent_image": ["9", 0],
            "seed": 7,
            "steps": 9,
            "cfg": 3.0,
            "sampler_name": "euler_ancestral",
            "scheduler": "karras",
        },
    },
}
A1111 = (
    f"{WORDS} <lora:ink:0.8>\nNegative prompt: {NEGATIVE}\nSteps: 9, Sampler: Euler a, Schedule type: Karras, CFG scale: 3.0,"
    ' Seed: 7, Size: 8x8, Lora hashes: "ink: 0123456789ab", Version: v1.10.1'
)
KINDS: Mapping[str, dict[str, str]] = {
    "Resonance": {"resonance": ITEM.to_json(), "prompt": "{}", "parameters": "other"},
    "kohya": {
        "prompt": WORDS,
        "negative-prompt": NEGATIVE,
        "seed": "7",
        "sampler": "euler_a",
        "steps": "9",
        "scale": "3.0",
        "parameters": "other",
    },
    "A1111": {"parameters": A1111, "prompt": json.dumps(GRAPH | {"3": {"class_type": "X", "inputs": {"text": "y"}}})},
    "ComfyUI": {"prompt": json.dumps(GRAPH), "workflow": "{}"},
}
SAMPLED = {
    "Resonance": (None, None, (8, 8)),
    "kohya": ("euler_ancestral", None, None),
    "A1111": ("euler_ancestral", "karras", (8, 8)),
    "ComfyUI": ("euler_ancestral", "karras", None),
}


def expected(kind: Any) -> ReadBack:
    sampler, scheduler, size = SAMPLED[kind]
    known = {"sampler": sampler, "scheduler": scheduler, "size": size}
    return ReadBack(form=kind, prompt=WORDS, negative=NEGATIVE, seed=7, steps=9, scale=3.0, **known)


def painted(mode: str) -> Image.Image:
    return Image.new("RGBA", (16, 16), (200, 10, 30, 90)).convert(mode)


def png(path: Path, *texts: tuple[str, str], image: Image.Image | None = None) -> Path:
    info = PngInfo()
    for key, text in texts:
        info.add_text(key, text)
    (image or painted("RGB")).save(path, pnginfo=info)
    return path


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("format", FORMAT.choices)
def test_what_made_a_picture_is_read_back_from_every_format(format: Format, kind: str, tmp_path: Path):
    for mode in ("RGB", "RGBA", "P"):
        file = tmp_path / f"{mode}{SUFFIXES[format]}"
        file.write_bytes(formats.encode(painted(mode), KINDS[kind], format).data)
        assert read_back(file) == expected(kind), mode


def test_of_two_chunks_called_prompt_the_last_counts(tmp_path: Path):
    graph, words = ("prompt", json.dumps(GRAPH)), ("prompt", "words")
    assert read_back(png(tmp_path / "a.png", words, graph)).form == "ComfyUI"
    assert read_back(png(tmp_path / "b.png", graph, words)).prompt == "words"
    assert read_back(png(tmp_path / "c.png", ("kohya-prompt", "mine"), graph)).prompt == "mine"


@pytest.mark.parametrize("words", ["{red|blue} boat", "{", '"a"', "7", "{not: json}"])
def test_words_that_look_like_json_are_words(words: str):
    assert read_texts({"prompt": words}) == ReadBack(form="kohya", prompt=words)


@pytest.mark.parametrize("code", ["utf-16-be", "utf-16-le", "utf-16", "ASCII"])
@pytest.mark.parametrize("suffix", ["jpg", "webp"])
def test_a_comment_is_read_in_every_code(code: str, suffix: str, tmp_path: Path):
    exif = Image.Exif()
    head = b"ASCII\0\0\0" if code == "ASCII" else b"UNICODE\0"
    text = A1111 if code != "ASCII" else A1111.encode("ascii", "ignore").decode()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = head + text.encode(code)
    file = tmp_path / f"a.{suffix}"
    painted("RGB").save(file, exif=exif)
    found = read_back(file)
    assert (found.form, found.negative, found.seed) == ("A1111", NEGATIVE, 7)
    assert found.prompt == (WORDS if code != "ASCII" else WORDS.encode("ascii", "ignore").decode())


@pytest.mark.parametrize("exif", [b"", b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0" + b"\xff" * 500])
@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_says_nothing(exif: bytes, tmp_path: Path):
    file = tmp_path / "a.jpg"
    painted("RGB").save(file, exif=exif)
    with pytest.raises(Told, match="carries no prompt|is not a picture that can be read"):
        read_back(file)


# Graphs


def changed(**nodes: dict[str, Any] | None) -> dict[str, Any]:
    """The graph with other nodes: inputs of 3, 4 and 5, and others behind an underscore."""
    graph = json.loads(json.dumps(GRAPH))
    for id_, node in nodes.items():
        key = id_.removeprefix("_")
        if node and "class_type" not in node:
            graph[key]["inputs"] |= node
        elif node:
            graph[key] = node
    return graph


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


CONTROL = node("ControlNetApplyAdvanced", positive=["3", 0], negative=["4", 0])
CUSTOM = node("SamplerCustomAdvanced", guider=["6", 0], sampler=["7", 0], sigmas=["8", 0], latent_image=["9", 0])
CUSTOM_BESIDE = {
    "_6": node("CFGGuider", positive=["3", 0], negative=["4", 0], cfg=3.0),
    "_7": node("KSamplerSelect", sampler_name="euler_ancestral"),
    "_8": node("BasicScheduler", scheduler="karras", steps=9),
}


@pytest.mark.parametrize(
    ("graph", "prompt", "negative"),
    [
        (changed(_6=CONTROL, _5={"positive": ["6", 0], "negative": ["6", 1]}), WORDS, NEGATIVE),
        (changed(_6=node("FluxGuidance", conditioning=["3", 0]), _5={"positive": ["6", 0]}), WORDS, NEGATIVE),
        (changed(_3={"text": ["6", 0]}, _6=node("PrimitiveString", value="deep")), "deep", NEGATIVE),
        (changed(_3=node("CLIPTextEncodeSDXL", text_g="", text_l="", width=3, clip_l="l")), "l", NEGATIVE),
        (changed(_3=node("ResonanceEncodeLine", positive="p", negative="n"), _5={"negative": ["3", 1]}), "p", "n"),
        (changed(_5=CUSTOM, **CUSTOM_BESIDE), WORDS, NEGATIVE),
        (changed(_6=node("KSampler", **GRAPH["5"]["inputs"])), WORDS, NEGATIVE),
    ],
)
def test_the_words_of_a_graph_are_those_behind_its_sampler(graph: Any, prompt: str, negative: str):
    found = read_texts({"prompt": json.dumps(graph)})
    assert found and (found.form, found.prompt, found.negative) == ("ComfyUI", prompt, negative)


@pytest.mark.parametrize(
    "graph",
    [
        changed(_3={"text": ["6", 0]}, _6=node("LLM", value="x", text="y")),
        changed(_3={"text": ["6", 0]}),
        changed(_3={"text": " "}),
        changed(_3={"text": ["3", 0]}),
        changed(_3=node("Loop", conditioning=["3", 0])),
        changed(_3=node("ResonanceEncodeLine", positive="stale", negative="", item=["1", 0])),
        changed(_6=node("KSampler", **GRAPH["5"]["inputs"] | {"positive": ["7", 0]}), _7=node("X", text="other")),
        changed(_5={"positive": [["3"], 0]}),
        changed(_5={"positive": 5, "negative": None}),
        {"5": 5},
        [],
    ],
)
def test_of_words_that_nobody_has_written_or_that_are_several_nothing_is_said(graph: Any):
    assert read_texts({"prompt": json.dumps(graph), "workflow": "{}"}) is None or not isinstance(graph, dict)


# A1111's names


def test_samplers_and_schedules_have_a1111s_names_and_come_back():
    for sampler, scheduler in [*((each, "karras") for each in SAMPLERS), *(("euler", each) for each in SCHEDULES)]:
        text = parameters(Request(prompt="x", seed=1, sampler=sampler, scheduler=scheduler))
        assert f"Sampler: {SAMPLERS[sampler]}, Schedule type: {SCHEDULES[scheduler]}" in text
        read = read_parameters(text)
        assert (read.sampler, read.scheduler) == (sampler.removesuffix("_gpu"), scheduler)
    own = parameters(Request(prompt="x", seed=1, sampler="res_multistep", scheduler="linear_quadratic"))
    assert "Sampler: res_multistep, Schedule type: linear_quadratic" in own


def test_a_schedule_behind_the_samplers_name_is_one():
    read = read_parameters("x\nSteps: 5, Sampler: DPM++ 2M SDE Karras, Seed: 3")
    assert (read.sampler, read.scheduler) == ("dpmpp_2m_sde", "karras")
    read = read_parameters("x\nSteps: 5, Sampler: My Karras, Seed: 3")
    assert (read.sampler, read.scheduler) == ("My Karras", None)


# Whoever means harm

SIGNS = ['"', "\\", ":", ",", " ", "\n", "\0", "\ud800", "{", '{"a":', "[", "<lora:", 'a:"\\",', "a:,", "a", "日"]
KEYS = ("resonance", "kohya-prompt", "prompt", "parameters", "negative-prompt", "seed", "steps", "scale", "sampler")


@pytest.mark.parametrize("size", [60_000, 1 << 18, 1 << 20, 10_000_000])
def test_ten_megabytes_of_any_text_cost_less_than_a_second(size: int):
    for sign in SIGNS:
        text = (sign * (size // len(sign) + 1))[:size]
        for texts in (
            {key: text for key in KEYS},
            {"parameters": f"x\n{text}"},
            {"prompt": "x", "negative-prompt": text},
        ):
            begun = time.perf_counter()
            found = read_texts(texts)
            assert time.perf_counter() - begun < 1, (sign, texts.keys())
            assert found is None or len(found.prompt) <= LONGEST
        begun = time.perf_counter()
        with pytest.raises(Told):
            read_parameters(f"x\n{text}")
        assert time.perf_counter() - begun < 1, sign


anything = st.text(st.characters()) | st.lists(st.sampled_from([*SIGNS, "Steps: 3, Seed: 4", "Negative prompt:"])).map(
    "".join
)


@given(st.dictionaries(st.sampled_from(KEYS), anything | st.sampled_from([A1111, json.dumps(GRAPH), ITEM.to_json()])))
def test_whatever_a_picture_says_is_text_that_can_be_written_or_nothing(texts: dict[str, str]):
    found = read_texts(texts)
    if found:
        for words in (found.prompt, found.negative, found.sampler or "", found.scheduler or ""):
            assert "\0" not in words and len(words.encode()) <= 4 * LONGEST
        assert found.prompt.strip() and (found.seed is None or 0 <= found.seed < 2**64)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["3", "positive"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["text", "positive", "guider", "3"]), inner)
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from([*GRAPH["5"]["inputs"], "guider", "conditioning", "item"]), json_values),
    json_values,
)
def test_a_graph_that_holds_anything_raises_nothing(inputs: dict[str, Any], text: Any):
    read_texts({"prompt": json.dumps(changed(_5=inputs, _3={"text": text}))})


def test_a_hostile_png_does_nothing(tmp_path: Path):
    large = ("x" * 60_000 + "\n") * 170
    texts = [(key, text) for key in KEYS[:5] for text in ("a\0b", "\\" * 60_000, large)]
    file = png(tmp_path / "a.png", *texts)
    begun = time.perf_counter()
    with pytest.raises(Told, match="carries no prompt"):
        read_back(file)
    assert time.perf_counter() - begun < 1
    evil = "../../x --f ../../y --d 5 {a|b} __secret__\n# c\n—w 8 ${z} embedding"
    png(file, ("prompt", f"{evil}\0"), ("negative-prompt", "--n {"), ("seed", "9" * 5000), ("steps", "-1"))
    assert read_back(file) == ReadBack(form="kohya", prompt=evil, negative="--n {")


# Lines that pictures say


class Closed(WildcardFiles):
    """Nobody may ask for a file."""

    def __init__(self) -> None:
        super().__init__([])

    def __call__(self, name: str) -> Any:
        raise AssertionError(name)


hostile = st.lists(
    st.sampled_from(
        [
            *"{}|_\\-—#$:;\n\r\0\u2028 ",
            "--d 5",
            " --n ",
            "--f ../x",
            "__a__",
            "{e$$a|b}",
            "${x}",
            "2$$",
            "\ud800",
            "word",
            "日",
        ]
    )
).map("".join)


@given(hostile, hostile)
@example("# a --d 5\n{a|b} __x__", "--f ../x\n—w 8")
def test_the_words_of_a_picture_are_words_in_a_line(prompt: str, negative: str):
    line = picture_line(1, "a.png [input]", prompt, negative)
    said = line.choose(next(line.texts()), randoms_of(1), Closed())
    plain = [" ".join(t.replace("\0", "").replace("\ud800", "").split()) for t in (prompt, negative)]
    assert said.prompt == plain[0] and said.options == Options(negative=plain[1] or None)
    assert line.pictures(3) == 3 and not line.seeds and len([*line.texts()]) == 1
    payload = PromptLine(key="k", line=line.text, prompt=said.prompt, width=8, height=8, steps=9, scale=3, seed=7)
    raw = how({}, Item(session="s", round=1, index=1, lineage="X", seed=7, payload=payload), "").texts((8, 8))
    assert raw.get("raw-prompt", "") == said.prompt


@given(hostile.filter(lambda text: "\ud800" not in text))
def test_words_of_a_picture_are_no_choices_of_an_exploration(text: str):
    assert choose_prompt(escaped(text), 7, Closed(), "prompt") == text


@pytest.fixture
def ledger(tmp_path: Path) -> Any:
    (tmp_path / "output").mkdir()
    ledger = Ledger(tmp_path / "output" / "s", 5, "p", "lines")
    yield ledger
    ledger.close()


def asked(base: Path, notes: list[str] | None = None, text: str = "", **more: Any) -> AskedLines:
    return AskedLines(
        text=text,
        folder=base / "output" / "s",
        widgets=WIDGETS,
        roots={"input": base / "input"},
        text_roots={},
        wildcard_roots=[base / "wildcards"],
        note=(notes if notes is not None else []).append,
        pictures="p",
        **more,
    )


def made(ledger: Ledger, round_: int = 1) -> list[tuple[str, str, str | None, str | None]]:
    """Source, prompt, negative and mask of the items."""
    with query.reading(ledger.folder) as there:
        rows = [there.item(row["id"]) for row in there.items(round_)]
    return [
        (str(row.source), row.payload["prompt"], row.payload["negative"], row.payload["mask"])
        for row in rows
        if row.payload
    ]


def test_pictures_say_the_lines_and_one_that_says_nothing_keeps_its_place(ledger: Ledger, tmp_path: Path):
    for folder in ("p", "m"):
        (tmp_path / "input" / folder).mkdir(parents=True)
    for number in range(1, 5):
        png(tmp_path / "input" / "m" / f"{number}.png")
    png(tmp_path / "input" / "p" / "1.png", ("prompt", "one --d 5"), ("negative-prompt", "bad"), ("seed", "3"))
    png(tmp_path / "input" / "p" / "2.png")
    (tmp_path / "input" / "p" / "3.png").write_bytes(b"no picture")
    png(tmp_path / "input" / "p" / "4.png", ("parameters", A1111))
    notes = list[str]()
    assert asked(tmp_path, notes, masks="m", per_line=2, iterations=2).begin(ledger) == (8, 0)
    one, four = ("one --d 5", "bad", "m/1.png [input]"), (WORDS, NEGATIVE, "m/4.png [input]")
    for round_ in (1, 2):
        assert made(ledger, round_) == [("p/1.png [input]", *one)] * 2 + [("p/4.png [input]", *four)] * 2
    assert notes == [
        "Not painted, as they carry no prompt: p/2.png [input], p/3.png [input]. The others keep their masks and guides."
    ]
    payloads = [payload for payload in ledger.payloads(1).values() if isinstance(payload, PromptLine)]
    assert {payload.steps for payload in payloads} == {20} and len({payload.seed for payload in payloads}) == 4
    assert asked(tmp_path, masks="m", per_line=2, iterations=2).begin(ledger) == (0, 0), "pressed again"
    png(tmp_path / "input" / "p" / "2.png", ("prompt", "one --d 5"), ("negative-prompt", "bad"))
    assert asked(tmp_path, masks="m", per_line=2, iterations=2).begin(ledger) == (4, 0), "it has words now"
    assert ("p/2.png [input]", "one --d 5", "bad", "m/2.png [input]") in made(ledger)
    assert asked(tmp_path, text="a line").first("s", 5).payload.words == "a line", "lines go before"


def test_pictures_without_any_words_are_no_lines(tmp_path: Path):
    (tmp_path / "input" / "p").mkdir(parents=True)
    for number in range(8):
        png(tmp_path / "input" / "p" / f"{number}.png")
    with pytest.raises(Told, match=r"There are no prompt lines, and no start picture .*p/4.png \[input\] and 3 more\)"):
        asked(tmp_path).first("s", 5)


def test_the_prompt_of_any_picture_goes_on_in_an_exploration(tmp_path: Path):
    roots = {"input": tmp_path}
    png(tmp_path / "a.png", *KINDS["kohya"].items())
    assert prompt_of("a.png", roots) == f"{WORDS} --n {NEGATIVE}"
    assert prompt_of("a.png", roots, choices=True) == f"{WORDS} --n {NEGATIVE}".replace("{", "\\{").replace("}", "\\}")
    png(tmp_path / "b.png", ("prompt", "cat|dog\nthing"))
    assert prompt_of("b.png", roots) == "cat|dog thing --n"
    payload = Exploration(
        prompt="{a|b} --n c", aspect="x", width=64, height=64, scale=6, steps=3, seed=1, chosen="a --n c"
    )
    png(
        tmp_path / "c.png",
        ("resonance", Item(session="s", round=1, index=1, lineage="X", seed=1, payload=payload).to_json()),
    )
    assert prompt_of("c.png", roots, choices=True) == "{a|b} --n c", "its own choices are made anew"
    assert read_back(tmp_path / "c.png").prompt == "a"
