"""Reading and writing canvases: the JSON list, a model's answer in JSON, and Omost's program."""

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from resonance.canvas.canvas import WHOLE, Canvas, CanvasError, Lora, Region, RegionPicture
from resonance.canvas.listing import digest, read_list, write
from resonance.canvas.masks import encode
from resonance.canvas.read import Reading, partial, read_canvas

from .canvas_samples import ANSWER, BOAT, CRANE, GLOBAL, PROGRAM

PIXEL = encode(Image.new("L", (2, 1), 255))

HARBOUR = "A fishing harbour at dawn."
SAMPLE = Canvas(
    (
        Region(
            WHOLE,
            (HARBOUR,),
            (
                "The sailor's boots stand on the quay.",
                'Thin fog lies over the "old" basin, and rises.',
                "harbour, dawn, fog.",
            ),
            (176, 196, 222),
            tags=2,
        ),
        Region(
            (5, 65, 55, 90),
            (HARBOUR, "A rusty crane."),
            ("crane, steel.", "idle.", "photograph.", "sharp."),
            (0, 0, 128),
            tags=0,
        ),
        Region(
            (55, 90, 0, 55),
            (HARBOUR, "A red trawler."),
            (
                "Its paint peels off.",
                "Nets hang over the rail, still wet.",
                "boat, red, nets.",
                "calm.",
                "photograph.",
                "sharp.",
            ),
            (178, 34, 34),
            tags=2,
        ),
    )
)
BARE = PROGRAM.split("```python\n")[1].split("```")[0]


def answer(*regions: dict[str, Any], **whole: Any) -> str:
    return json.dumps({"global": GLOBAL | whole, "regions": list(regions)})


# What is the same in all forms


@pytest.mark.parametrize(
    "text",
    [
        PROGRAM,
        BARE,
        PROGRAM.replace("```python", "```"),
        f"Here's a plan:\n\n{BARE}\nIsn't it nice?",
        BARE.replace("canvas", "picture"),
        BARE.replace("canvas = Canvas()\n", ""),
        BARE.replace("\n", "\r\n"),
        "```text\nnot this\n```\n" + PROGRAM,
        ANSWER,
        f"Here it is [as JSON]:\n```json\n{ANSWER}\n```\nDo you like it?",
        f"Sure! {ANSWER} That is all.",
        ANSWER.replace("}", ",}")
        .replace("{\n", "{ // an object\n")
        .replace('"regions"', '/* far to near */ "regions"'),
        json.dumps(
            [{k: getattr(r, k) for k in ("rect", "prefixes", "suffixes", "color", "tags")} for r in SAMPLE.regions]
        ),
        write(SAMPLE),
        json.dumps({"regions": json.loads(write(SAMPLE))}),
        f"```json\n{write(SAMPLE)}\n```",
    ],
)
def test_the_same_layout_in_every_form(text: str):
    assert read_canvas(text) == Reading(SAMPLE)


def test_positional_arguments_and_calls_in_one_line():
    code = "c = Canvas(); c.set_global_description('A bay', ['Calm'], 'bay', 'teal'); c.add_local_description("
    code += "'on the left', 'no offset', 'a small square area', 3, 'A gull', ['White'], tags='gull', HTML_web_color_name='white')"
    canvas = read_canvas(code).canvas
    assert read_canvas(code).notes == ()
    assert canvas.locals == (
        Region((20, 70, 0, 40), ("A bay.", "A gull."), ("White.", "gull."), (255, 255, 255), tags=1),
    )


def test_every_corrected_word_is_reported():
    wrong = {"location": "top left", "offset": "slightly to the right side", "HTML_web_color_name": "Dark Red"}
    program = BARE
    for name, value in wrong.items():
        program = program.replace(f"{name}='{BOAT[name]}'", f"{name}={value!r}")
    assert BARE.count("\n") == program.count("\n")
    for text in (program, answer(BOAT | wrong, CRANE)):
        reading = read_canvas(text)
        assert set(reading.notes) == {
            "location 'top left' of 'A red trawler' was read as 'on the top-left'",
            "offset 'slightly to the right side' of 'A red trawler' was read as 'slightly to the right'",
            "HTML_web_color_name 'Dark Red' of 'A red trawler' was read as 'darkred'",
        }
        assert reading.canvas.locals[1].color == (139, 0, 0)


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({"area": "a vast plain of grass and stones"}, "'a medium-sized square area' was taken"),
        ({"area": None}, "area of 'A red trawler' is missing"),
        ({"location": 5}, "location of 'A red trawler' is not text"),
        ({"distance_to_viewer": 0}, "not a number above 0"),
        ({"distance_to_viewer": float("1e300") * 1}, None),
        ({"distance_to_viewer": "near"}, "not a number above 0"),
        ({"distance_to_viewer": 10**400}, "not a number above 0"),
        ({"tags": {"a": 1}}, "tags of 'A red trawler' is not text"),
        ({"detailed_descriptions": ["a", 5]}, "detailed_descriptions of 'A red trawler' is not text"),
        ({"HTML_web_color_name": "#zz"}, "'gray' was taken"),
        ({"mood": "x"}, "'mood' is not a field of"),
        ({"HTML_web_color_name": "#B22222"}, None),
        ({"tags": ["boat", "red"]}, None),
        ({"detailed_descriptions": "one sentence"}, None),
        ({"detailed_descriptions": None, "style": None}, None),
    ],
)
def test_what_makes_no_sense_is_replaced_and_noted(change: dict[str, Any], note: str | None):
    reading = read_canvas(answer(BOAT | change, CRANE))
    assert len(reading.canvas.locals) == 2
    assert len(reading.notes) == (note is not None) and all(note in n for n in reading.notes if note)


def test_a_rectangle_may_stand_for_the_three_words():
    boat = {k: v for k, v in BOAT.items() if k not in ("location", "offset", "area")} | {"rect": [1, 2, 3, 4]}
    reading = read_canvas(answer(boat))
    assert (reading.notes, reading.canvas.locals[0].rect) == ((), (1, 2, 3, 4))


def test_without_a_global_description_there_is_an_empty_one():
    local = BARE[BARE.index("canvas.add_local") :]
    for text in (local, json.dumps({"regions": [BOAT, CRANE]}), json.dumps([BOAT, CRANE])):
        reading = read_canvas(text)
        assert len(reading.notes) == 1 and "no global description" in reading.notes[0]
        assert reading.canvas.whole == Region()
        assert reading.canvas.locals[1].prefixes == ("A red trawler.",)


@pytest.mark.parametrize("text", [PROGRAM, ANSWER])
def test_an_answer_cut_anywhere_gives_what_was_complete(text: str):
    seen, complete = [0], text.rindex("```") + 3 if text is PROGRAM else text.rindex("]") + 1
    for end in range(len(text) + 1):
        cut = text[:end]
        growing = partial(cut)
        try:
            reading = read_canvas(cut)
        except CanvasError:
            assert growing is None and seen == [0]
            continue
        assert growing == reading.canvas
        regions = reading.canvas.regions
        assert regions[0].prefixes in ((), SAMPLE.whole.prefixes) and set(regions[1:]) <= set(SAMPLE.locals)
        assert set(regions[0].suffixes) <= set(SAMPLE.whole.suffixes)
        assert regions[0] == SAMPLE.whole or len(regions) == 1
        assert len(regions) >= seen[-1]
        seen.append(len(regions))
        assert reading.finished == (end >= complete)
        assert all("breaks off" in note for note in reading.notes) and len(reading.notes) <= 1
    assert sorted(set(seen)) == [0, 1, 2, 3]


def test_brackets_in_a_text_that_was_cut_off_end_nothing():
    whole = '{"global": {"description": "a"}, "regions": [{"location": "on the left", "description": "b"}'
    for last in ("{]", "{}]", "{[]]", '{"description": 1}'):
        reading = read_canvas(whole + ', {"description": "' + last.replace('"', ""))
        assert len(reading.canvas.locals) == 1 and not reading.finished, last


def test_a_growing_list_is_read_as_well():
    text = write(SAMPLE)
    counts = [len(found.regions) if (found := partial(text[:end])) else 0 for end in range(len(text) + 1)]
    assert counts == sorted(counts) and set(counts) == {0, 1, 2, 3}


def test_a_growing_answer_is_read_in_milliseconds():
    many = json.dumps({"global": GLOBAL, "regions": [BOAT, CRANE] * 20})[:16_000]
    code = (BARE + BARE[BARE.index("\n# The boat") :] * 20)[:16_000]
    for text in (many, code):
        times: list[float] = []
        for _ in range(5):
            start = time.perf_counter()
            assert partial(text)
            times.append(time.perf_counter() - start)
        assert min(times) < 0.02


# Programs


@pytest.mark.parametrize("broken", ["'", "(", ")", "]", "1a", "\\", "=", "**x", "f(x),"])
def test_a_broken_call_is_left_out_and_the_others_are_kept(broken: str):
    for name, others in {"calm": "A rusty crane.", "idle": "A red trawler."}.items():
        text = PROGRAM.replace(f"atmosphere='{name}'", f"atmosphere={broken}'{name}'")
        reading = read_canvas(text)
        assert [r.prefixes[1] for r in reading.canvas.locals] == [others]
        assert reading.notes and ("left out because of line" in reading.notes[0] or "breaks off" in reading.notes[0])


def test_the_note_on_a_broken_call_quotes_the_line():
    reading = read_canvas(PROGRAM.replace("'calm'", "open('x').read()"))
    number = PROGRAM[: PROGRAM.index("atmosphere")].count("\n") + 1
    assert reading.notes == (
        f"a call was left out because of line {number} (only texts, numbers and lists of texts are read): "
        "\"atmosphere=open('x').read(),\"",
    )


@pytest.mark.parametrize(
    ("quoted", "text"),
    [
        ("'The boat's hull'", "The boat's hull"),
        ("'The sailors' caps'", "The sailors' caps"),
        ('"The "old" mill"', 'The "old" mill'),
        ("'It's the boats' (red) hull, isn't it'", r"It's the boats' \(red\) hull, isn't it"),
    ],
)
def test_quotation_marks_inside_a_text_are_repaired(quoted: str, text: str):
    reading = read_canvas(PROGRAM.replace("'Its paint peels off'", quoted))
    assert reading.canvas.locals[1].suffixes[0] == f"{text}."
    assert len(reading.notes) == 1 and "quotation marks inside a text were repaired" in reading.notes[0]


def test_foreign_statements_are_named_and_nothing_comes_of_them():
    reading = read_canvas(PROGRAM.replace("# The boat (near)", "import os\nfor i in range(3): os.remove('x')"))
    assert reading == Reading(SAMPLE, ("'import os' and 1 more lines was not looked at",))


def test_calls_in_comments_do_not_count():
    commented = BARE[: BARE.index("# The crane")] + "# c.add_local_description('on the left')\n"
    assert read_canvas(commented) == Reading(Canvas((SAMPLE.whole, SAMPLE.regions[2])))


def test_the_last_global_description_counts():
    more = "canvas.set_global_description('A quay', [], 'quay', 'white')\n"
    reading = read_canvas(BARE + more)
    assert reading.canvas.whole.prefixes == ("A quay.",)
    assert reading.canvas.locals[0].prefixes == ("A quay.", "A rusty crane.")
    assert reading.notes == ("the program has 2 global descriptions: the last one counts",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("canvas.add_local_description(location=", "breaks off in the call that begins on line 1"),
        ("\n\ncanvas.add_local_description(location=f(1))", "because of line 3"),
        ("canvas.set_global_description(1, 2, 3, 4, 5)", "it takes 4 arguments"),
        ("canvas.set_global_description(" + "(" * 5000, "no complete call"),
        ("canvas.set_global_description(" + "-" * 500_000 + "1)", "no complete call"),
        ("canvas.set_global_description(a" + ".b" * 300_000 + ")", "no complete call"),
        ("canvas.set_global_description('" + "a" * 2**20 + "')", "longer than 1,048,576 letters"),
    ],
)
def test_a_program_without_a_complete_call_is_an_error(text: str, said: str):
    with pytest.raises(CanvasError, match=said):
        read_canvas(text)


def test_a_hundred_thousand_joined_texts_are_read_or_refused_in_time():
    start = time.monotonic()
    with pytest.raises(CanvasError):
        read_canvas("c.set_global_description(" + "'a'+" * 100_000 + "'a')")
    assert read_canvas("c.set_global_description(" + "'a' " * 100_000 + ")").canvas.whole.prefixes == (
        "a" * 100_000 + ".",
    )
    assert time.monotonic() - start < 5


# The list


FULL = Canvas(
    (
        Region(WHOLE, ("A bay.",), ("Calm.",), (1, 2, 3), extra=(("note", '{"by": ["me", 1.5, null]}'),)),
        Region(
            (0, 45, 10, 90),
            ("A bay.", "A gull, 海鸥."),
            ("White.", "gull."),
            (255, 255, 255),
            *(1, "gull", "blurry", 1.5, 0.1, 0.9, PIXEL, (Lora("birds/gull.safetensors", 0.8),)),
            extra=(("z", "7"), ("a b", '"x\\ny"')),
            picture=RegionPicture("birds/gull at dusk.png", 0.6),
        ),
    ),
    origin="0123abcd",
)


def test_all_of_a_canvas_survives_a_round_trip():
    text = write(FULL)
    assert read_canvas(text) == Reading(FULL)
    assert write(read_canvas(text).canvas) == text
    assert json.loads(text)[1]["lora"] == {"file": "birds/gull.safetensors", "strength": 0.8}
    assert json.loads(text)[1]["picture"] == {"file": "birds/gull at dusk.png", "strength": 0.6}
    assert json.loads(text)[0]["from"] == "0123abcd" and json.loads(text)[0]["note"] == {"by": ["me", 1.5, None]}


def test_several_loras_of_a_region_are_a_list_in_which_one_alone_need_not_be():
    two = (Lora("x"), Lora("y", -0.5))
    text = write(Canvas((Region(), Region(loras=two))))
    assert json.loads(text)[1]["lora"] == [{"file": "x", "strength": 1.0}, {"file": "y", "strength": -0.5}]
    assert read_canvas(text).canvas.regions[1].loras == two
    rect = [0, 90, 0, 90]
    for value, loras in (([{"file": "x"}], two[:1]), ({"file": "x"}, two[:1]), ([], ()), (None, ())):
        item = {"rect": rect, "prefixes": ["a"], "lora": value}
        assert read_canvas(json.dumps([{"rect": rect}, item])).canvas.regions[1].loras == loras


PICTURES = {
    "gull.png": "gull.png",
    "birds/gull.png": "birds/gull.png",
    "birds\\gull.png": "birds/gull.png",
    "gull.png [input]": "gull.png",
    "gull [1].png": "gull [1].png",
    "... .png": "... .png",
    "鸥.png": "鸥.png",
}
"""Names of pictures as canvases have them, and what is read."""

NO_PICTURES = (
    *("", " ", "/etc/passwd.png", "../gull.png", "birds/../../gull.png", "birds\\..\\gull.png", "./gull.png", "birds//gull.png", "birds/"),
    *("C:/gull.png", "c:gull.png", "C:\\gull.png", "\\\\server\\gull.png", "\\gull.png", "gull.png\0.txt", "a" * 1025),
    *("gull.png [output]", "gull.png [temp]", "gull.png[output]", "gull.png [output] [input]", "[input]", "../gull.png [input]"),
)  # fmt: skip
"""Names that lead out of the input folder, or are none."""


@pytest.mark.parametrize(("name", "file"), PICTURES.items())
def test_a_picture_lies_in_the_input_folder(name: str, file: str):
    item = {"rect": [0, 90, 0, 90], "picture": {"file": name}}
    canvas = read_canvas(json.dumps([item, item])).canvas
    assert [region.picture for region in canvas.regions] == [RegionPicture(file)] * 2
    assert read_canvas(write(canvas)).canvas == canvas


@pytest.mark.parametrize("name", NO_PICTURES)
def test_a_picture_anywhere_else_is_refused_by_name(name: str):
    item = {"rect": [0, 90, 0, 90], "picture": {"file": name, "strength": 0.5}}
    with pytest.raises(
        CanvasError, match='^Item 1 of the list: picture is {"file": .*, not {"file": name of a picture in'
    ):
        read_canvas(json.dumps([{}, item]))


def test_only_what_differs_from_the_default_is_written_a_region_a_line():
    assert write(Canvas((Region(), Region((1, 2, 3, 4), ("a.",), name="b")))) == (
        '[\n{"rect": [0, 90, 0, 90], "prefixes": [], "suffixes": [], "color": [128, 128, 128]},\n'
        '{"rect": [1, 2, 3, 4], "prefixes": ["a."], "suffixes": [], "color": [128, 128, 128], "name": "b"}\n]'
    )


def test_the_digest_is_that_of_the_content_without_its_origin():
    assert digest(FULL) == digest(replace(FULL, origin="")) == digest(read_canvas(write(FULL)).canvas)
    others = [
        replace(FULL, regions=(FULL.whole, replace(FULL.regions[1], **{k: v})))
        for k, v in {"name": "x", "weight": 1.25, "picture": RegionPicture("x.png")}.items()
    ]
    assert len({digest(c) for c in (FULL, *others, SAMPLE)}) == 5 and len(digest(FULL)) == 16


def test_the_digest_of_a_canvas_without_pictures_stays_that_of_before_there_were_any():
    """Edited canvases hold it."""
    gull = {
        "rect": [0, 45, 10, 90],
        "prefixes": ["A bay.", "A gull."],
        "suffixes": ["gull."],
        "tags": 0,
        "name": "gull",
    }
    more = {"negative": "fog", "weight": 1.5, "start": 0.1, "end": 0.9, "mine": [1]}
    loras = [{"file": "a", "strength": -0.5}, {"file": "b"}]
    canvas = read_list([{"prefixes": ["A bay."], "lora": {"file": "x.safetensors"}}, gull | more | {"lora": loras}])
    assert digest(canvas) == "c6419190e028bccc"


def test_a_global_region_that_is_not_the_whole_picture_is_noted():
    reading = read_canvas('[{"rect": [0, 90, 0, 45], "prefixes": ["a."]}]')
    assert reading.notes == ("the global region is not the whole picture but [0, 90, 0, 45]",)


def test_a_data_url_will_do_for_a_mask():
    item = {"rect": [0, 9, 0, 9], "mask": "data:image/png;base64," + PIXEL}
    assert read_list([{}, item]).locals[0].mask == PIXEL


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (5, "Item 1 of the list is 5, not a region"),
        ({}, "rect is missing"),
        *(({"rect": bad}, "Item 1 of the list: rect is .*0 <= top < bottom <= 90") for bad in (
            [0, 91, 0, 90], [5, 5, 0, 90], [0, 90, 0], [0, 90, 0, 9.5], [-1, 9, 0, 9], ["0", 9, 0, 9], [False, 9, 0, 9], "0", 5,
        )),
        ({"prefixes": "a"}, "Item 1 of the list: prefixes is \"a\", not a list of texts"),
        ({"suffixes": ["a", 5]}, "suffixes is .* not a list of texts"),
        *(({"color": bad}, "color is .* 0 to 255") for bad in ([0, 0], [0, 0, 256], [0, 0, -1], [0, 0, 1.5])),
        ({"tags": 1, "suffixes": ["a"]}, "tags is 1, not the number of one of the 1 suffixes, from 0"),
        ({"name": 5}, "name is 5, not a text"),
        *(({"weight": bad}, "weight is .* a number from 0 to 100") for bad in (-1, 101, "1", True, 10**400)),
        ({"start": 0.5, "end": 0.2}, "end is 0.2, not a number from 0.5 to 1"),
        ({"mask": "abc!"}, "Item 1 of the list: mask is not an 8-bit grey PNG of at most 256 x 256"),
        *(
            ({"lora": bad}, "lora is .* name of a file.*, or a list of at most 8")
            for bad in (
                *("x", {"strength": 1}, {"file": ""}, {"file": "x", "strength": "1"}),
                *(["x"], [{"file": "x"}, {}], [{"file": "x"}] * 9),
            )
        ),
        *(
            ({"picture": bad}, "picture is .* name of a picture in ComfyUI's input folder, .*0 to 2")
            for bad in (
                *("x.png", ["x.png"], [{"file": "x.png"}], {"strength": 1}, {"file": 5}, {"file": "x.png", "strength": "1"}),
                *({"file": "x.png", "strength": bad} for bad in (-0.1, 2.1, None, True)),
            )
        ),
    ],
)  # fmt: skip
def test_a_wrong_item_is_named_with_its_key(item: Any, said: str):
    usual = {"rect": [0, 9, 0, 9]} if isinstance(item, dict) and item else {}
    with pytest.raises(CanvasError, match=said):
        read_canvas(json.dumps([{}, usual | item if isinstance(item, dict) else item]))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "The text is empty"),
        ("  \n", "The text is empty"),
        ("hello [there]", "no canvas in the text"),
        ("[]", "The list of regions is empty"),
        ("{}", "a list of regions, not {}"),
        ('[{},\n{"rect": [0, 9, 0, 9]\n"name": ""}]', "Expecting ',' delimiter on line 3, column 1"),
        ('[{}], {"rect": [0, 9, 0, 9]}]', "Extra data on line 1, column 5"),
        ('[{"weight": NaN}]', "NaN is not a number"),
        ('[{"x": 1e999}]', "too large a number"),
        ('[{"x": ' + "9" * 5000 + "}]", "a number in it is too long"),
        ("[" * 100_000, "nested too deeply"),
        (json.dumps([{}] + [{"rect": [0, 9, 0, 9]}] * 500), "The text has 501 regions: a canvas has room for 500"),
        ('{"regions": 5}', "a list of regions, not"),
        ('{"global": 5, "regions": []}', "The list of regions is empty"),
        ("[" + " " * 2**23 + "]", "longer than 8,388,608 letters"),
    ],
)
def test_what_is_no_canvas_gives_one_clear_sentence(text: str, said: str):
    with pytest.raises(CanvasError, match=said) as caught:
        read_canvas(text)
    assert len(str(caught.value)) < 300 and partial(text) is None


def test_halves_of_surrogate_pairs_do_not_get_in():
    text = answer(BOAT | {"description": "A \ud83d\ude00 gull \ud800", "\udfff": 1})
    for canvas in (read_canvas(text).canvas, read_canvas('[{"prefixes": ["\\ud800"], "\\udc00": "\\udc00"}]').canvas):
        write(canvas).encode()
    assert read_canvas(text).canvas.locals[0].prefixes[1] == "A 😀 gull �."


# JSON answers


def test_a_broken_region_is_left_out_and_the_others_are_kept():
    text = answer(BOAT, CRANE, BOAT | {"description": "A buoy"})
    broken = text.replace('"A rusty crane"', '"A "rusty" crane"')
    reading = read_canvas(broken)
    assert [r.prefixes[1] for r in reading.canvas.locals] == ["A red trawler.", "A buoy."]
    assert len(reading.notes) == 1 and reading.notes[0].startswith("a region could not be read and was left out: '{")
    assert reading.finished


def test_an_object_that_was_closed_too_early_is_read():
    text = json.dumps({"global": GLOBAL}) + ', "regions": ' + json.dumps([BOAT, CRANE]) + "}"
    assert read_canvas(text).canvas == SAMPLE


def test_brackets_in_an_answer_are_no_weights_and_those_of_a_list_stay():
    program = (
        "canvas = Canvas()\ncanvas.set_global_description('a (red:1.4) boat', [r'once \\(is enough\\)'], 'x', 'red')"
    )
    whole = read_canvas(program).canvas.whole
    assert whole.prefixes == (r"a \(red:1.4\) boat.",) and whole.suffixes[0] == r"once \(is enough\)."
    by_hand = Canvas((Region(prefixes=("a (red:1.4) boat",)),))
    assert read_canvas(write(by_hand)).canvas == by_hand
