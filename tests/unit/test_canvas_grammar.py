"""What a model is told and held to: instructions, grammars and schema say the same as the reader understands."""

import json
import random
import re
from collections.abc import Callable

import pytest

from resonance.canvas import instructions
from resonance.canvas.grammar import json_grammar, json_schema, program_grammar
from resonance.canvas.read import partial, read_canvas
from resonance.canvas.vocabulary import AREAS, COLORS, LOCATIONS, OFFSETS

from .canvas_gbnf import Grammar

GRAMMARS = [program_grammar, json_grammar]


@pytest.mark.parametrize("grammar", GRAMMARS)
def test_every_sentence_of_a_grammar_is_read_without_corrections(grammar: Callable[..., str]):
    draw = random.Random(0)
    for say, count in ((Grammar(grammar()), 40), (Grammar(grammar(regions=3, details=2, length=12)), 500)):
        for _ in range(count):
            text = say(draw)
            reading = read_canvas(text)
            assert reading.notes == () and reading.finished, text
            assert partial(text) == reading.canvas
            wanted = text.count("add_local_description(\n") or text.count('{"location": ')
            regions = reading.canvas.regions
            assert len(regions) == 1 + wanted
            assert all(r.prefixes and r.suffixes and r.tags is not None for r in regions)
            assert [len(r.prefixes) for r in regions] == [1, *[2] * (len(regions) - 1)]


@pytest.mark.parametrize("grammar", GRAMMARS)
def test_a_grammar_can_say_every_word_of_the_tables(grammar: Callable[..., str]):
    for table in (LOCATIONS, OFFSETS, AREAS, COLORS):
        words = re.findall(r"\"(?:\\\"|')([a-z -]+)(?:\\\"|')\"", grammar())
        assert set(table) <= set(words)


@pytest.mark.parametrize("grammar", GRAMMARS)
def test_a_grammar_is_one_that_llama_cpp_takes(grammar: Callable[..., str]):
    rules = dict(line.split(" ::= ") for line in grammar().split("\n"))
    bare = {name: re.sub(r'"(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]', "", rule) for name, rule in rules.items()}
    used = {word for rule in bare.values() for word in re.findall(r"[a-zA-Z][\w-]*", rule)}
    assert used | {"root"} == set(rules) and all(re.fullmatch("[a-zA-Z-]+", name) for name in rules), (
        "it knows no underscores"
    )
    for name, rule in bare.items():
        assert len(re.findall(r"\{", rule)) <= 1, f"nested repetition in {name}"
        assert "+" not in rule and "*" not in rule, f"{name} has no bound"


@pytest.mark.parametrize("letters", [12, 300])
def test_the_bounds_are_kept(letters: int):
    draw = random.Random(1)
    for grammar in GRAMMARS:
        say = Grammar(grammar(regions=2, details=3, length=letters))
        for _ in range(50):
            for region in read_canvas(say(draw)).canvas.regions:
                texts = (text.replace("\\(", "(").replace("\\)", ")") for text in region.prefixes + region.suffixes)
                assert max(map(len, texts)) <= letters + 1
                assert len(region.suffixes) <= 3 + 4


def test_the_schema_describes_the_example_and_is_closed_everywhere():
    schema = json_schema()

    def check(value: object, part: dict[str, object]) -> None:
        kind = {dict: "object", list: "array", str: "string", int: "number", float: "number"}[type(value)]
        assert part["type"] == kind
        if isinstance(value, dict):
            assert list(value) == part["required"] == list(part["properties"]) and part["additionalProperties"] is False
            for name, inner in value.items():
                check(inner, part["properties"][name])
        elif isinstance(value, list):
            assert part["minItems"] <= len(value) <= part["maxItems"]
            for inner in value:
                check(inner, part["items"])
        elif "enum" in part:
            assert value in part["enum"]

    prompt = instructions.system_prompt("json")
    example = prompt[prompt.index('{"global"') :]
    check(json.loads(example), schema)
    assert read_canvas(example).notes == () and len(read_canvas(example).canvas.locals) == 2
    assert schema["type"] == "object" and json.loads(json.dumps(schema)) == schema


def test_the_example_is_a_sentence_of_the_grammar():
    """A model that imitates the example is not led off by the grammar's blanks and line ends."""
    prompt = instructions.system_prompt("json")
    example = prompt[prompt.index('{"global"') :]
    shape = re.sub(r'(?<=: )"[^"]+"|(?<=\[)"[^\]]+"(?=\])|\d+', "_", example)
    said = Grammar(json_grammar(regions=2, details=1, length=4))
    shapes = set[str]()
    for seed in range(300):
        text = said(random.Random(seed))
        shapes.add(re.sub(r'(?<=: )"[^"]+"|(?<=: \[)"[^"]+"(?=\])|(?<=: )[\d.]+', "_", text))
    assert shape in shapes


def test_the_instructions_name_every_field_and_word():
    for form in instructions.FORMS:
        prompt = instructions.system_prompt(form)
        words = (*LOCATIONS, *OFFSETS, *AREAS, "distance_to_viewer", "quality_meta", "HTML_web_color_name")
        assert [word for word in words if word not in prompt] == []
    program = instructions.system_prompt("omost program")
    assert program.count("assert") == 4 and program.count("def ") == 2
    assert "```python" in program and instructions.FORMS == ("omost program", "json")
