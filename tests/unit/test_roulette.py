import contextlib
import json
import math
import textwrap
import time
from collections import Counter

import pytest

from resonance.roulette import Draw, DrawnLora, Lora, Plan, PlanError, draw, parse
from resonance.told import Told

CHECKPOINTS = [
    "a.safetensors",
    "b.safetensors",
    "sdxl/c.safetensors",
    "sdxl/deep/d.safetensors",
    "sdxl-other/e.safetensors",
]
LORAS = ["x.safetensors", "y.safetensors", "styles/ink.safetensors", "styles/oil.safetensors", "fast.safetensors"]
SEEDS = range(4000)


def plan_of(text: str) -> Plan:
    return parse(textwrap.dedent(text)).expand(CHECKPOINTS, LORAS)


def draws(text: str) -> list[Draw]:
    plan = plan_of(text)
    return [draw(plan, seed) for seed in SEEDS]


def shares(names: list[str]) -> dict[str, float]:
    return {name: round(count / len(names), 1) for name, count in Counter(names).items()}


def said(text: str) -> str:
    with pytest.raises(PlanError) as error:
        plan_of(text)
    return str(error.value)


# What is drawn


def test_a_plain_checkpoint_without_loras_draws_none():
    assert set(draws('model.checkpoint = "a.safetensors"')) == {Draw("a.safetensors")}


def test_checkpoints_of_a_list_are_drawn_equally_and_by_weight():
    equal = draws('model.checkpoint = ["a.safetensors", "b.safetensors"]')
    assert shares([d.checkpoint for d in equal]) == {"a.safetensors": 0.5, "b.safetensors": 0.5}
    weighed = draws('model.checkpoint = ["a.safetensors", { name = "b.safetensors", weight = 4 }]')
    assert shares([d.checkpoint for d in weighed]) == {"a.safetensors": 0.2, "b.safetensors": 0.8}


@pytest.mark.parametrize(
    "blanks",
    ["blank = 2", '[[lora]]\nname = "None"\n[[lora]]\nname = "None"', '[[lora]]\nname = "None"\nweight = 2'],
    ids=["blank", "records", "weight"],
)
def test_two_loras_and_two_blanks_leave_half_of_the_pictures_without(blanks: str):
    first, second = '[[lora]]\nname = "x.safetensors"\n', '[[lora]]\nname = "y.safetensors"\n'
    head, tail = (blanks, "") if blanks.startswith("blank") else ("", blanks)
    drawn = draws(f'model.checkpoint = "a.safetensors"\n{head}\n{first}{second}{tail}')
    names = [d.loras[0].name if d.loras else "none" for d in drawn]
    assert abs(names.count("none") / len(names) - 0.5) < 0.03
    assert abs(names.count("x.safetensors") / len(names) - 0.25) < 0.03
    assert all(len(d.loras) <= 1 for d in drawn)


def test_weights_of_loras_and_of_nothing_at_all():
    drawn = draws("""
        model.checkpoint = "a.safetensors"
        [[lora]]
        name = "x.safetensors"
        weight = 0.9
        [[lora]]
        name = "y.safetensors"
        weight = 0.1
        [[lora]]
        name = "fast.safetensors"
        weight = 0
    """)
    assert shares([d.loras[0].name for d in drawn]) == {"x.safetensors": 0.9, "y.safetensors": 0.1}


def test_strengths_fall_back_to_strength_and_then_to_one():
    plan = plan_of("""
        model.checkpoint = "a.safetensors"
        [[lora]]
        name = "x.safetensors"
        [[lora]]
        name = "y.safetensors"
        strength = 0.5
        clip_strength = 0.25
    """)
    assert [(lora.model_strength, lora.clip_strength) for lora in plan.loras] == [(1.0, 1.0), (0.5, 0.25)]


BUNDLES = """
    model.checkpoint = [
        ["a.safetensors",
         "x.safetensors", 0.1, 0.2, "x trigger", "not x",
         "y.safetensors", 0.3, 0.4, "", "not y",
         "styles/oil.safetensors", 0.5, 0.6, "oil", ""],
    ]
    model.force_lora = [{ name = "fast.safetensors", strength = 0.7, trigger = "fast" }]
    [[lora]]
    name = "styles/ink.safetensors"
    trigger = "ink"
"""


def test_a_bundle_brings_its_loras_in_order_then_the_forced_ones_with_their_triggers():
    """Four LoRAs: the original dropped all beyond the second."""
    assert set(draws(BUNDLES)) == {
        Draw(
            "a.safetensors",
            (
                DrawnLora("x.safetensors", 0.1, 0.2),
                DrawnLora("y.safetensors", 0.3, 0.4),
                DrawnLora("styles/oil.safetensors", 0.5, 0.6),
                DrawnLora("fast.safetensors", 0.7, 0.7),
            ),
            "x trigger, oil, fast",
            "not x, not y",
        )
    }


@pytest.mark.parametrize("slot", [0, 1, 2])
def test_an_empty_lora_name_in_a_bundle_is_a_draw_in_that_slot(slot: int):
    loras = [
        '"x.safetensors", 0.1, 0.2, "x", ""',
        '"y.safetensors", 0.3, 0.4, "y", ""',
        '"fast.safetensors", 1, 1, "f", ""',
    ]
    loras[slot] = '"", 0, 0, "ignored", "ignored"'
    names = ["x.safetensors", "y.safetensors", "fast.safetensors"]
    names[slot] = "styles/ink.safetensors"
    drawn = draws(f"""
        model.checkpoint = [["a.safetensors", {", ".join(loras)}]]
        [[lora]]
        name = "styles/ink.safetensors"
        strength = 0.9
        trigger = "ink"
    """)[0]
    assert [lora.name for lora in drawn.loras] == names
    assert drawn.loras[slot] == DrawnLora("styles/ink.safetensors", 0.9, 0.9)
    assert drawn.triggers.split(", ")[slot] == "ink" and "ignored" not in drawn.triggers + drawn.neg_triggers


def test_a_bundle_without_loras_draws_none():
    text = 'model.checkpoint = [["a.safetensors"], "b.safetensors"]\n[[lora]]\nname = "x.safetensors"'
    assert {d.checkpoint: len(d.loras) for d in draws(text)} == {"a.safetensors": 0, "b.safetensors": 1}


def test_a_blank_leaves_no_trace_of_an_earlier_draw():
    """In the original a LoRA, once drawn, stayed for every later blank."""
    plan = plan_of('model.checkpoint = "a.safetensors"\nblank = 1\n[[lora]]\nname = "x.safetensors"\ntrigger = "x"')
    drawn = [draw(plan, seed) for seed in range(50)]
    assert {(len(d.loras), d.triggers) for d in drawn} == {(0, ""), (1, "x")}
    assert drawn[:25] == [draw(plan, seed) for seed in range(25)]


def test_folders_stand_for_the_files_below_them():
    plan = plan_of("""
        model.checkpoint = [{ folder = "sdxl/" }, { folder = 'sdxl\\deep', weight = 3 }]
        [[lora]]
        folder = "styles"
        strength = 0.6
        trigger = "style"
        weight = 2
        [[lora]]
        folder = ""
    """)
    assert [(c.name, c.weight) for c in plan.checkpoints] == [
        ("sdxl/c.safetensors", 1),
        ("sdxl/deep/d.safetensors", 1),
        ("sdxl/deep/d.safetensors", 3),
    ]
    assert plan.loras[:2] == (
        Lora("styles/ink.safetensors", 0.6, 0.6, "style", weight=2),
        Lora("styles/oil.safetensors", 0.6, 0.6, "style", weight=2),
    )
    assert [lora.name for lora in plan.loras[2:]] == sorted(LORAS)
    assert not any(entry.folder for entry in (*plan.checkpoints, *plan.loras))


def test_either_slash_will_do_in_the_text_and_in_the_files():
    text = "model.checkpoint = 'sdxl\\c.safetensors'\n[[lora]]\nname = \"styles/ink.safetensors\""
    plan = parse(text).expand(
        [name.replace("/", "\\") for name in CHECKPOINTS], [name.replace("/", "\\") for name in LORAS]
    )
    assert draw(plan, 0).key == ("sdxl/c.safetensors", (DrawnLora("styles/ink.safetensors", 1, 1),))


# Seeds


MIXED = """
    model.checkpoint = ["a.safetensors", { folder = "sdxl", weight = 0.3 }, ["b.safetensors", "", 0, 0, "", ""]]
    blank = 1
    [[lora]]
    folder = "styles"
"""


def test_a_seed_draws_the_same_for_ever():
    """Pinned: sessions are redrawn from their seeds by later versions and on other machines."""
    plan = plan_of(MIXED)
    drawn = {seed: draw(plan, seed) for seed in (0, 1, 2, 3, 2**50 - 1)}
    assert {seed: (d.checkpoint, *(lora.name for lora in d.loras)) for seed, d in drawn.items()} == {
        0: ("sdxl/deep/d.safetensors", "styles/ink.safetensors"),
        1: ("b.safetensors",),
        2: ("b.safetensors", "styles/ink.safetensors"),
        3: ("sdxl/deep/d.safetensors",),
        2**50 - 1: ("b.safetensors", "styles/oil.safetensors"),
    }


def test_the_order_in_which_files_are_listed_does_not_matter():
    here, there = (
        parse(textwrap.dedent(MIXED)).expand(CHECKPOINTS, LORAS),
        parse(textwrap.dedent(MIXED)).expand(CHECKPOINTS[::-1], LORAS[::-1]),
    )
    assert [draw(here, seed) for seed in range(100)] == [draw(there, seed) for seed in range(100)]


def test_checkpoints_stay_when_the_loras_of_a_plan_change():
    more = MIXED + '    [[lora]]\n    name = "x.safetensors"\n'
    assert [d.checkpoint for d in draws(MIXED)] == [d.checkpoint for d in draws(more)]


def test_two_drawn_slots_are_drawn_apart():
    pair = '["a.safetensors", "", 0, 0, "", "", "", 0, 0, "", ""]'
    drawn = draws(f'model.checkpoint = [{pair}]\n[[lora]]\nname = "x.safetensors"\n[[lora]]\nname = "y.safetensors"')
    assert set(shares([lora.name for d in drawn for lora in d.loras]).values()) == {0.5}
    assert abs(sum(d.loras[0] == d.loras[1] for d in drawn) / len(drawn) - 0.5) < 0.03


def test_sorting_by_key_brings_equal_models_together():
    drawn = sorted(draws(MIXED)[:300], key=lambda d: d.key)
    changes = sum(one.key != other.key for one, other in zip(drawn, drawn[1:], strict=False))
    assert changes == len({d.key for d in drawn}) - 1
    assert sum(a.checkpoint != b.checkpoint for a, b in zip(drawn, drawn[1:], strict=False)) == 3


def test_draws_and_plans_survive_json():
    for d in draws(BUNDLES)[:1] + draws(MIXED)[:20]:
        assert Draw.from_dict(json.loads(json.dumps(d.to_dict()))) == d
    for text in (BUNDLES, MIXED):
        plan = plan_of(text)
        assert Plan.from_json(plan.to_json()).to_json() == plan.to_json()
        assert [draw(Plan.from_json(plan.to_json()), s) for s in range(50)] == [draw(plan, s) for s in range(50)]
    assert plan_of("# a note\n" + textwrap.dedent(MIXED)).to_json() == plan_of(MIXED).to_json()


DRAWN = {"checkpoint": "a", "loras": [], "triggers": "", "neg_triggers": ""}


@pytest.mark.parametrize(
    "known",
    [
        *({}, {"checkpoint": "a", "loras": [1]}, {"checkpoint": "a", "loras": None}, {**DRAWN, "checkpoint": None}),
        *(
            {**DRAWN, "loras": [{"name": "x", "model_strength": strength, "clip_strength": 1}]}
            for strength in (math.nan, math.inf, 10**400, "0.8", True)
        ),
    ],
    ids=lambda known: repr(known)[:99],
)
def test_a_pasted_draw_that_is_none_is_refused(known: dict[str, object]):
    with pytest.raises(Told, match="draw cannot be read"):
        Draw.from_dict(known)


# A whole file of img2tag2img


def test_a_whole_file_can_be_pasted_and_says_what_is_not_used():
    plan = plan_of("""
        [latent]
        landscape = [1216, 832]
        [llava]
        disable = true
        [[lora]]
        name = "None"
        [misc]
        save_predetail = false
        [model]
        checkpoint = ["a.safetensors"]
        cfg = 7.0
        steps = 25
        [[model.force_lora]]
        name = "fast.safetensors"
        [overload.merge.load_model.inputs]
        batch_size = 2
        [paths]
        archive = "/mnt/c/pictures"
        [prompt]
        preamble = ["masterpiece", "photo"]
        [server]
        port = 8188
        [wd14]
        banned = ["solo"]
    """)
    assert set(plan.unused) == {
        *("latent", "llava", "misc", "model.cfg", "model.steps", "overload", "paths", "prompt", "server", "wd14")
    }
    assert draw(plan, 1) == Draw("a.safetensors", (DrawnLora("fast.safetensors", 1, 1),))
    assert "wd14 (see Tag Images)" in plan.summary() and "100.0%  a.safetensors" in plan.summary()


def test_a_summary_gives_chances_and_stays_short():
    many = "".join(f'[[lora]]\nname = "x.safetensors"\ntrigger = "{i}"\n' for i in range(50))
    summary = plan_of(f'model.checkpoint = ["a.safetensors", ["b.safetensors", "", 0, 0, "", ""]]\n{many}').summary()
    assert "50.0%  a.safetensors" in summary and "2.0%  x.safetensors" in summary and "and 30 more" in summary


# What is wrong is quoted


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("model.checkpoint = ", "Line 1: model.checkpoint =", "no valid TOML"),
        ('blank = 1\nmodel.checkpoint = "a', 'Line 2: model.checkpoint = "a', "no valid TOML"),
        ("model.checkpoint = [\n'a.safetensors',\n\n", "Line 2: 'a.safetensors',", "where the text ends"),
        (r'model.checkpoint = "sdxl\c.safetensors"', r'Line 1: model.checkpoint = "sdxl\c', "use single quotes"),
        (r'model.checkpoint = "sdxl\name.safetensors"', "Line 1", "In double quotes a backslash begins an escape"),
        ("model = 3", "Line 1: model = 3", "Write model.checkpoint ="),
        ("model.checkpoint = 3", "Line 1: model.checkpoint = 3", "A checkpoint is"),
        ("model.checkpoint = []", "Line 1", "empty"),
        ('model.checkpoint = ""', "Line 1", "The name is empty"),
        ('model.checkpont = "a.safetensors"', "Line 1: model.checkpont", "Did you mean model.checkpoint?"),
        ('model.checkpoint = "a.safetensors"\n[loras]\nname = 1', "Line 2: [loras]", "Did you mean lora?"),
        ('model.checkpoint = "a.safetensors"\nzzzz = 1', "Line 2: zzzz = 1", "Known: blank, lora, model.checkpoint"),
        ('"a.b" = 1\nmodel.checkpoint = "a.safetensors"', 'Line 1: "a.b" = 1', "a.b is not known"),
        (
            'model.checkpoint = [\n"a.safetensors",\n"x.safetensors", 0.8,\n]',
            'Line 3: "x.safetensors", 0.8,',
            "list of its own",
        ),
        (
            'model.checkpoint = [\n["a.safetensors",\n"x.safetensors", 1, 1, ""],\n]',
            'Line 2: ["a.',
            "This one has 5 values",
        ),
        (
            'model.checkpoint = [[\n"a.safetensors",\n"x.safetensors",\n1, "1", "", ""]]',
            'Line 4: 1, "1"',
            "clip strength must be a",
        ),
        (
            'model.checkpoint = [["a.safetensors",\n"x.safetensors", 1, 1,\n2, ""]]',
            'Line 3: 2, ""]]',
            "trigger must be a text",
        ),
        ('model.checkpoint = [{ name = "a.safetensors", wieght = 2 }]', "Line 1", "Did you mean weight?"),
        ('model.checkpoint = [{ name = "a.safetensors", folder = "x" }]', "Line 1", "either a name or a folder"),
        ('model.checkpoint = "a.safetensors"\n[lora]\nname = "x.safetensors"', "Line 2: [lora]", "Write [[lora]]"),
        (
            'model.checkpoint = "a.safetensors"\n[[lora]]\nstrength = 1',
            "Line 2: [[lora]]",
            "either a name or a folder; it has none",
        ),
        (
            'model.checkpoint = "a.safetensors"\n[[lora]]\nname = "None"\nstrenght = 1',
            "Line 4: strenght",
            "Did you mean strength?",
        ),
        (
            'model.checkpoint = "a.safetensors"\n[[lora]]\nname = 3',
            "Line 3: name = 3",
            "name must be a text in quotes, not 3",
        ),
        ('model.checkpoint = "a.safetensors"\nblank = -1', "Line 2: blank = -1", "must not be under 0"),
        ('model.checkpoint = "a.safetensors"\nblank = nan', "Line 2", "must be a number"),
        ('model.checkpoint = "a.safetensors"\nblank = true', "Line 2", "must be a number"),
        pytest.param(
            f'model.checkpoint = "a.safetensors"\nblank = {"9" * 400}', "Line 2", "must be a number", id="400"
        ),
        pytest.param(f'model.checkpoint = "a"\nblank = {"9" * 5000}\ncfg', "Line 2", "number is too long", id="5000"),
        (
            'model.checkpoint = "a.safetensors"\n[[lora]]\nname = "None"\nweight = 0',
            "Line 2: [[lora]]",
            "All weights are 0",
        ),
        ('model.checkpoint = "a.safetensors"\n[[model.force_lora]]\nfolder = "x"', "Line 3: folder", "not known here"),
        (
            'model.checkpoint = "a.safetensors"\n[[model.force_lora]]\nname = "x.safetensors"\nweight = 1',
            "Line 4: weight",
            "not known",
        ),
    ],
)
def test_a_wrong_line_is_quoted(text: str, line: str, words: str):
    message = said(text)
    assert message.startswith(line)
    assert words in message


def test_the_wrong_one_of_equal_lines_is_quoted():
    record = '[[lora]]\nname = "x.safetensors"\nstrength = {}\n'
    text = 'model.checkpoint = "a.safetensors"\n' + "".join(record.format(value) for value in ("1", "1", '"1"', '"1"'))
    assert said(text).startswith('Line 10: strength = "1"\n')


def test_lines_are_counted_with_windows_line_ends_and_after_long_strings():
    text = 'model.checkpoint = "a.safetensors"\r\n[[lora]]\r\nname = "x.safetensors"\r\ntrigger = """\r\na ]\r\n# b"""\r\nblonk = 1'
    assert said(text).startswith("Line 7: blonk = 1\n")


def test_a_missing_checkpoint_key_is_said():
    assert "There is no model.checkpoint" in said("blank = 2")


def test_missing_files_are_quoted_with_the_nearest_names_and_the_folders():
    text = textwrap.dedent("""
        model.checkpoint = [
            "a.safetensor",
            ["b.safetensors",
             "styles/inc.safetensors", 1, 1, "", ""],
        ]
        model.force_lora = [{ name = "quick" }]
        [[lora]]
        folder = "style"
    """)
    with pytest.raises(PlanError) as error:
        parse(text).expand(CHECKPOINTS, LORAS, {"checkpoints": ["/m/checkpoints", "/n"], "loras": ["/m/loras"]})
    lines = str(error.value).splitlines()
    assert lines[0] == 'Line 3: "a.safetensor",'
    assert lines[1].startswith("There is no 'a.safetensor' in models/checkpoints. Nearest: a.safetensors")
    assert lines[2] == "Searched for checkpoints: /m/checkpoints, /n"
    assert 'Line 9: folder = "style"' in lines
    assert "There is no folder 'style' with files in models/loras. Nearest: styles." in lines
    assert 'Line 7: model.force_lora = [{ name = "quick" }]' in lines
    assert 'Line 5: "styles/inc.safetensors", 1, 1, "", ""],' in lines
    assert lines[-1] == "Searched for loras: /m/loras"


def test_names_are_not_paths():
    assert "There is no '../a.safetensors'" in said('model.checkpoint = "../a.safetensors"')


def test_a_long_text_is_refused_quickly():
    loras = "".join(f'[[lora]]\nname = "{i}.safetensors"\ntrigger = """\n{i}\n"""\n' for i in range(400))
    start = time.perf_counter()
    message = said('model.checkpoint = "a.safetensors"\n' + loras)
    assert message.startswith('Line 3: name = "0.safetensors"') and "395 more entries have no file" in message
    assert time.perf_counter() - start < 5


HARD = {
    "a key of many parts": "a." * 8000 + "a = 1",
    "many such keys": "".join("a." * 31 + f"a{n} = 1\n" for n in range(240)),
    "a heading of many parts": "[" + "a." * 8000 + "a]",
    "quoted parts": '"a".' * 4000 + "a = 1",
    "deep lists": "a = " + "[" * 16_000,
    "deep tables": "a = " + "{b = " * 3000,
    "a long word": "a" * 16_000,
    "dots in a text": 'model.checkpoint = "' + "a." * 8000 + '"',
    "a wrong field behind a long text": 'x = """' + "\n" * 16_000 + '"""\n[[lora]]\nnmae = "a"',
    "a wrong field at the end of many": "[[lora]]\nname = 'a'\n" * 700 + "[[lora]]\nnmae = 'a'",
}


@pytest.mark.parametrize("name", HARD)
def test_a_text_that_is_hard_to_read_is_refused_at_once(name: str) -> None:
    def seconds() -> float:
        start = time.process_time()
        with contextlib.suppress(PlanError):
            parse(HARD[name])
        return time.process_time() - start

    # The least of three: what was left over from other tests may be cleared away during one of them.
    assert min(seconds() for _ in range(3)) < 0.15


def test_dots_in_a_text_are_no_key() -> None:
    name = "see " + ".".join("abcdefgh" * 8) + ".safetensors"
    assert parse(f'model.checkpoint = ["{name}"]')
    with pytest.raises(PlanError, match="Line 2: .*\n.*more than 32 parts"):
        parse("blank = 1\n" + "a." * 40 + "a = 1")
    with pytest.raises(PlanError, match="nested too deeply"):
        parse("a = " + "[" * 5000)
