"""Prompt lines: what they mean, against a second writing-down of the rules; what is refused, and where that is said to be wrong."""

import random
import re
import time
from collections import Counter
from math import sqrt
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from places import PACK

from resonance.paint.dynamic import Lot, parse
from resonance.paint.lines import MOST, PromptText, read_lines
from resonance.paint.options import OPTIONS, Options, read_options, write_options
from resonance.paint.shots import randoms_of
from resonance.paint.variants import count, variants
from resonance.paint.wildcards import WildcardFiles
from resonance.told import Told

from . import lines_spec
from .lines_spec import Choices, Fault

NONE = WildcardFiles([])
WILDCARDS = {"sky": ["clear", "3::red {dusk|dawn}", "grey"], "time": ["noon", "__sky__ evening"]}


def read(text: str, wildcards: WildcardFiles = NONE) -> PromptText:
    return read_lines(text, wildcards)


def fault(text: str, wildcards: WildcardFiles = NONE) -> str:
    with pytest.raises(Told) as raised:
        read(text, wildcards)
    return str(raised.value)


def all_prompts(text: str) -> list[str]:
    """Of a line without choices, but those that enumerate."""
    [line] = read(text).lines
    return [line.choose(nodes, randoms_of(1), NONE).prompt for nodes in line.texts()]


@pytest.fixture
def wildcards(tmp_path: Path) -> WildcardFiles:
    for name, entries in WILDCARDS.items():
        (tmp_path / f"{name}.txt").write_text("\n".join(entries), "utf-8")
    return WildcardFiles([tmp_path])


# Options

WORDS = (
    *(
        "a red barn",
        "x--y",
        "--",
        "score_9, (cat:1.2)",
        "100%",
        "-w 5",
        "— dusk",
        "日本",
        r"\(x\)",
        "semi --",
        "#1",
        "  ",
        "---b",
    ),
    *("--5", "a | b", "1-2$$", "_ __ _", "é\tü", "–"),
)
VALUES = {
    "whole": ("512", "8", "1", "0", "3", "1000", "768", "+20", "２０", "900", "16", "2000", "-5"),
    "decimal": ("7.5", "0.5", "1", ".25", "0.125", "3.", "0", "100", "-0.5"),
    "list": ("1,2,3", "1, 2,", "7", "0.8,-0.5", "3,0.5,0.5", "3,0.5,0.5,1", "1,,2", "4,1,1"),
    "words": ("bad, worse", "none", "None", "-- blurry", "name.png", "x--y", ""),
    "wrong": ("x", "", "1.5", "1e3", "9" * 30, "7 8", "0x10", "nan", "--", "½", "٣"),
}


def random_line(r: random.Random) -> str:
    text = " ".join(r.choices(WORDS, k=r.randint(0, 3)))
    for name in r.sample([*OPTIONS], r.choice((0, 1, 1, 2, 3, 5))):
        value = r.choice(VALUES[r.choice((*VALUES, "whole", "decimal"))])
        written = r.choice((str.upper, str.lower, str.lower))(name)
        text += r.choice((" ", "  ", "\t"))
        text += r.choices(
            (
                f"--{written}{r.choice((' ', '   '))}{value}",
                f"--{written}{value}",
                f"—{written} {value}",
                f"--{written}x {value}",
            ),
            (30, 1, 1, 1),
        )[0]
        if r.random() < 0.05:
            text += f" --{name} {value}"
        if r.random() < 0.1:
            text += f" {r.choice(WORDS)}"
    return text


def test_three_hundred_lines_are_read_as_the_rules_say():
    r = random.Random(2025)
    outcomes = Counter[str]()
    while outcomes.total() < 300:
        text = random_line(r)
        written = text.strip()
        if not written or written.startswith("#"):
            continue
        try:
            expected = lines_spec.line(written)
        except Fault as refused:
            said = fault(text)
            place = re.match(r"Line 1, column (\d+): ", said)
            assert place, said
            column = int(place[1]) - (len(text) - len(text.lstrip()))
            assert column in refused.columns, (text, said, refused.columns)
            outcomes["refused"] += 1
            continue
        [line] = read(text).lines
        assert line.said
        found = {name: value for name, value in vars(line.said.options).items() if value is not None}
        assert {"prompt": line.said.prompt, **found} == expected, text
        assert line.given == found.keys() and line.seeds == found.get("seeds", ())
        outcomes["options" if found else "words"] += 1
    assert min(outcomes[each] for each in ("refused", "options", "words")) >= 30, outcomes


VALID = {
    "n": "bad, worse",
    "w": "768",
    "h": "512",
    "s": "20",
    "d": "1,2,18446744073709551615",
    "l": "7.5",
    "nl": "none",
    "t": "0.6",
    "am": "0.8,-0.5,0.0000001",
    "c": "a red barn",
    "f": "barn.png",
    **dict.fromkeys(("ow", "oh", "nw", "nh", "cl", "ct"), "1024"),
    **dict.fromkeys(("dsd1", "dsd2"), "3"),
    **dict.fromkeys(("dst1", "dst2", "glt"), "650"),
    **dict.fromkeys(("dsr", "glr", "gls"), "0.125"),
    "gle": "3",
    "glsn": "1.5",
    "glus": "3,0.5,0.5,1",
}


@pytest.mark.parametrize("name", OPTIONS)
def test_each_option_is_read_and_written_again(name: str):
    read_ = read_options(f"a barn --{name.upper()}  {VALID[name]}")
    assert read_.prompt == "a barn" and read_.given == {OPTIONS[name].field}
    assert getattr(read_.options, OPTIONS[name].field) is not None
    written = write_options(read_.options)
    assert written == f"--{name} {VALID[name]}"
    assert write_options(read_.options, frozenset({OPTIONS[name].field})) == ""


def test_the_tables_of_code_and_rules_have_the_same_options():
    assert {(name, option.field) for name, option in OPTIONS.items()} == {
        (name, field) for name, field, _ in lines_spec.OPTIONS
    }
    assert {option.field for option in OPTIONS.values()} == vars(Options()).keys() and OPTIONS.keys() == VALID.keys()


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("a --zz 1", 3, "--zz is not an option of prompt lines. Known: --n, --w"),
        ("a --glss 1", 3, "--glss is not an option of prompt lines. Did you mean --gls?"),
        ("a --w768 b", 3, "--w768 has no space before its value. Write --w 768."),
        ("a --W=768", 3, "Write --W 768."),
        ("a --dsd13", 3, "Write --dsd1 3."),
        ("a --am-0.5", 3, "Write --am -0.5."),
        ("a —w 768", 3, "begins with a long dash. Write --w"),
        ("  a ––n bad", 5, "begins with a long dash. Write --n"),
        ("a --w 512 --s 20 --W 768", 18, "--W is given twice"),
        ("a --w 512 768", 7, "--w takes a whole number from 16 to 16384, not '512 768'"),
        ("a --w 7.5", 7, "--w takes a whole number"),
        ("a --w 8", 7, "--w takes a whole number from 16 to 16384, not '8'"),
        ("a --w", 3, "--w takes a whole number from 16 to 16384, and none is given"),
        ("a --l -1", 7, "--l takes a number from 0 to 100, not '-1'"),
        ("a --t 0", 7, "--t takes a number above 0, at most 1, not '0'"),
        ("a --d 1,,2", 7, "--d takes seeds from 0 to 18446744073709551615 with commas"),
        ("a --d -1", 7, "--d takes seeds"),
        ("a --nl never", 8, "--nl takes a number from 0 to 100, or none"),
        ("a --glus 4,1,1", 10, "kernel (an odd number)"),
        ("a --f", 3, "--f takes the name of a file, and none is given"),
        ("a --c", 3, "--c takes words, and none is given"),
        ("a {b|c", 3, "this { is not closed"),
        ("a {b|{c}", 3, "this { is not closed"),
        ("a } b", 3, "this } closes nothing"),
        ("a {}", 3, "has no entries"),
        ("a { | }", 3, "has no entries"),
        ("a {2$$}", 3, "has no entries"),
        ("a {e$$}", 3, "has no entries"),
        ("a {3$$b|c}", 4, "picks 3 entries but has only 2"),
        ("a {1-3$$b|c}", 4, "picks 3 entries but has only 2"),
        ("a {e$$5-$$b|c}", 7, "picks 5 entries but has only 2"),
        ("a {999999999-$$b|c}", 4, "picks 999,999,999 entries but has only 2"),
        ("a {2$$0::b|c}", 3, "picks 2 entries but only 1 can be drawn"),
        ("a {-1::b|c}", 4, "the weight -1 must not be negative"),
        ("a {e$$2::b|c}", 3, "weights mean nothing"),
        ("a {x$$b|c}", 4, "'x' before $$ is neither e nor a count"),
        ("a {$$b|c}", 4, "'' before $$ is neither e nor a count"),
        ("a {-$$b|c}", 4, "'-' before $$ is neither e nor a count"),
        ("a {b|2$$c}", 7, "$$ belongs before the first entry"),
        ("a {{b}$$c}", 7, "$$ belongs before the first entry"),
        ("a {e$$2$$, $$b$$c|d}", 14, "one $$ too many"),
        ("a {b|{e$$c|d}}", 6, "e$$ cannot be inside one that chooses"),
        ("a ${x=b}", 3, "a variable of sd-dynamic-prompts"),
        ("a {b --d 5|c}", 6, "--d cannot be part of a choice"),
        ("a {--d 5|c}", 4, "--d cannot be part of a choice"),
        ("a --d {1|2}", 3, "--d cannot be part of a choice"),
        ("a {b --w {5|6} --d 7|c}", 16, "--d cannot be part of a choice"),
        ("a {b|c} --w 5", 13, "--w takes a whole number"),
        ("a {b|c} --zz 5 --n {x|y}", 9, "--zz is not an option"),
        ("a \0", 3, "cannot be stored"),
        ("a \ud800", 3, "cannot be stored"),
        ("a __nowhere__", 3, "There is no wildcard 'nowhere'"),
        ("{" * 3000, 21, "nested 20 deep at most"),
    ],
)
def test_what_is_wrong_is_said_with_its_line_and_column(text: str, column: int, said: str):
    assert (message := fault(f"# a note\r\n\r\n{text}\r\na barn")).startswith(f"Line 3, column {column}: ")
    assert said in message and "\n" not in message


def test_all_faults_are_told_at_once_and_many_are_counted():
    assert [line.split(":")[0] for line in fault("a {\nb\nc --w x\n\td }").split("\n")] == [
        "Line 1, column 3",
        "Line 3, column 7",
        "Line 4, column 4",
    ]
    assert fault("}\n" * 25).endswith("\nAnd 15 more.")


def test_blank_lines_comments_a_mark_at_the_beginning_and_any_line_ends():
    text = "\ufeffa barn\r\n\r\n# b\r  \t# c\r\t a cat \n\u2028still the same line"
    assert [(line.number, line.column, line.text) for line in read(text).lines] == [
        (1, 0, "a barn"),
        (5, 2, "a cat"),
        (6, 1, "still the same line"),
    ]
    assert "There are no prompt lines" in fault(" \n# only this\n")


def test_dashes_in_a_text_are_no_options():
    for text in ("text -- with dashes", "a--n b", "a ---n b", "a -- n", "a --> b", "a - -n", "a — n b", "a —nice"):
        [line] = read(text).lines
        assert line.said and (line.said.prompt, line.said.options) == (text, Options())


def test_what_is_taken_for_something_else_is_noted():
    text = read("a --s 2000 --w 910\nb --d 1,2\nc --d 5,6,7\n{e$$a|b} --d 1,2")
    assert text.notes(3) == [
        "Line 1, column 7: --s 2000 is read as 1000.",
        "Line 1, column 16: --w 910 is read as 904.",
        "Line 2: --d gives 2 seeds for 3 pictures: the last one repeats.",
        "Line 4: it enumerates, so all of its pictures use the first seed of --d.",
    ]
    assert text.notes(1)[3] == "Line 3: --d gives 3 seeds, but the line makes only 1 picture."
    assert read("a --s 0\n" * 12).notes(1)[-1] == "And 2 more."


def test_options_may_be_chosen(tmp_path: Path):
    (tmp_path / "size.txt").write_text("--w 768 --h 512\n--w 512 --h 768\n")
    (tmp_path / "seed.txt").write_text("--d 5\n")
    wild = WildcardFiles([tmp_path])
    [line] = read("a {barn --n bad|cat} --s {10|20} __size__", wild).lines
    said = [line.choose(line.nodes, randoms_of(seed), wild) for seed in range(40)]
    assert {each.prompt for each in said} == {"a barn", "a cat"}
    assert {(each.options.width, each.options.height) for each in said} == {(768, 512), (512, 768)}
    assert {each.options.negative for each in said if each.prompt == "a barn"} >= {"bad"}
    assert {each.options.steps for each in said} == {10, 20} and line.given == {"steps"}
    [line] = read("a __seed__", wild).lines
    with pytest.raises(Told, match=r"Line 1, column 3: --d cannot be part of a choice"):
        line.choose(line.nodes, randoms_of(1), wild)
    [line] = read(" a {b|c} --s {x|y}").lines
    with pytest.raises(Told, match=r"Line 1, column (15: .* not 'x'|17: .* not 'y')"):
        line.choose(line.nodes, randoms_of(1), NONE)


# Choices


def random_choices(r: random.Random, deep: int = 0) -> str:
    parts = list[str]()
    for _ in range(r.randint(1, 3 - deep)):
        kind = r.random()
        if kind < 0.4 or deep == 2:
            parts.append(r.choice(("red", "a barn", " ", "of", r"\{x\}", "(b:1.2)", "$", "x::y")))
        elif kind < 0.5:
            parts.append(r.choice(("__sky__", "__time__")))
        else:
            entries = [random_choices(r, deep + 1) for _ in range(r.randint(1, 3))]
            enumerates = r.random() < 0.3
            if not enumerates and r.random() < 0.3:
                entries = [r.choice(("", "2::", "0.5::", "0::")) + entry for entry in entries]
            many = len(entries)
            counts = (
                "",
                "1$$",
                f"{many}$$",
                f"0-{many}$$",
                "1-$$",
                f"-{many}$$",
                f"{many}-1$$",
                f"1-{many}$$ and $$",
                "1$$;$$",
                "4$$",
            )
            parts.append(
                "{" + r.choice(("e$$", "E$$") if enumerates else ("",)) + r.choice(counts) + "|".join(entries) + "}"
            )
    return "".join(parts)


def broken(r: random.Random, text: str) -> str:
    at = r.randrange(len(text))
    return text[:at] + r.choice(("", "{", "}", "$$", "|", "${", "{}", "__none__")) + text[at + 1 :]


def test_two_hundred_texts_with_choices_become_what_the_rules_say(wildcards: WildcardFiles):
    r = random.Random(7)
    outcomes = Counter[str]()
    while outcomes.total() < 200:
        text = random_choices(r)
        if r.random() < 0.25:
            text = broken(r, text)
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        try:
            spec = Choices(text.strip(), WILDCARDS)
            texts = spec.enumerated()
            chances = [spec.chances(each) for each in texts]
        except Fault:
            assert fault(text, wildcards).startswith("Line 1, column "), text
            outcomes["refused"] += 1
            continue
        if max(map(len, chances)) > 60 or len(texts) > 40:
            continue
        [line] = read(text, wildcards).lines
        found = [*line.texts()]
        assert len(found) == len(texts) == line.variants, text
        for nodes, expected in zip(found, chances, strict=True):
            compare(
                Counter(line.choose(nodes, randoms_of(seed), wildcards).prompt for seed in range(250)), expected, text
            )
        outcomes["enumerated" if line.enumerates else "chosen" if line.said is None else "plain"] += 1
    assert min(outcomes[each] for each in ("refused", "enumerated", "chosen", "plain")) >= 10, outcomes


def compare(drawn: Counter[str], expected: lines_spec.Chances, text: str) -> None:
    """All that is drawn can be, and nothing of it more or less often than chance allows (once in a billion)."""
    wanted: lines_spec.Chances = {}
    for prompt, chance in expected.items():
        wanted[prompt.strip()] = wanted.get(prompt.strip(), 0) + chance
    assert drawn.keys() <= wanted.keys(), text
    total = drawn.total()
    for prompt, chance in wanted.items():
        share = float(chance)
        assert abs(drawn[prompt] / total - share) <= 6 * sqrt(share * (1 - share) / total) + 3 / total, (text, prompt)


@pytest.mark.parametrize(
    ("text", "prompts"),
    [
        ("{e$$red|green} {e$$cat|dog}", ["red cat", "red dog", "green cat", "green dog"]),
        ("{E$$1-2$$ and $$a|b}", ["a", "b", "a and b"]),
        ("{e$$2-1$$a|b}", ["a", "b", "a, b"]),
        ("{e$$2-$$a|b|c}", ["a, b", "a, c", "b, c", "a, b, c"]),
        ("{e$$0-1$$a|b}", ["", "a", "b"]),
        ("x{e$$ {e$$1|2} |b}", ["x 1", "x 2", "xb"]),
        ("{e$$2$$;$${e$$1|2}|{e$$3|4}}", ["1;3", "1;4", "2;3", "2;4"]),
        ("{e$$a} {a}", ["a a"]),
        (r"\{a|b\} {e$$\{|\}}", ["{a|b} {", "{a|b} }"]),
        (r"\__a__ a|b 2$$", ["__a__ a|b 2$$"]),
    ],
)
def test_groups_that_enumerate_stand_for_every_combination(text: str, prompts: list[str]):
    assert all_prompts(text) == prompts
    assert read(text).count(40) == (len(prompts) if "e$$" in text.lower() else 40)


def test_what_is_counted_is_what_is_enumerated():
    r = random.Random(3)
    for _ in range(150):

        def group(deep: int) -> str:
            entries = [group(deep + 1) if deep < 2 and r.random() < 0.3 else "x" for _ in range(r.randint(1, 4))]
            low, high = sorted(r.choices(range(len(entries) + 1), k=2))
            return "{e$$" + f"{low}-{high}$$" + "|".join(entries) + "}"

        nodes = parse("a ".join(group(0) for _ in range(r.randint(1, 2))))
        if count(nodes) <= 2000:
            assert count(nodes) == sum(1 for _ in variants(nodes))


def test_a_weight_is_how_often_an_entry_is_drawn():
    [line] = read("{3::a|b|0::c}").lines
    drawn = Counter(line.choose(line.nodes, randoms_of(seed), NONE).prompt for seed in range(4000))
    assert drawn.keys() == {"a", "b"} and 2800 < drawn["a"] < 3200
    first = Counter(tuple(Lot([1, 2, 0, 1]).draw(3, randoms_of(seed))) for seed in range(4000))
    assert all(sorted(each) == [0, 1, 3] for each in first) and len(first) == 6
    assert 1850 < sum(times for each, times in first.items() if each[0] == 1) < 2150


# How many


@pytest.mark.parametrize(
    ("text", "per_line", "iterations", "said"),
    [
        (
            "a\n" * 251,
            200,
            2,
            "100,400 pictures; the most for one session is 100,000. That is 251 lines with 200 pictures each, in 2 iterations",
        ),
        ("a", MOST + 1, 1, "That is 1 line with 100,001 pictures each, in 1 iteration:"),
        ("a\n{e$$2$$" + "|".join("b" * 500) + "} {e$$x|y}", 1, 1, r"Line 2, column 1: {e$$2$$b|b|b"),
        (
            " a " + "{e$$a|b}" * 17,
            1,
            1,
            "131,072 pictures; the most for one session is 100,000. Line 1, column 4: {e$$a|b} multiplies its line by 2, and 16 more groups",
        ),
        ("{e$$1-5000$$" + "|".join("b" * 900) * 9 + "}", 1, 1, None),
        ("{e$$100-800$$" + "|".join("b" * 900) + "}", 1, 1, "asks for more than 1,000,000,000,000 pictures"),
        ("{e$$30-40$$" + "|".join(["{e$$x|y}"] * 40) + "}", 1, 1, "multiplies its line by more than 1,000,000,000,000"),
    ],
)
def test_too_many_pictures_are_refused_by_number_and_group(text: str, per_line: int, iterations: int, said: str | None):
    if said is None:
        assert "picks 5,000 entries" in fault(text)
        return
    begun = time.thread_time()
    with pytest.raises(Told) as raised:
        read(text).count(per_line, iterations)
    assert said in str(raised.value) and len(str(raised.value)) < 400
    assert time.thread_time() - begun < 1


def test_lines_beyond_all_number_are_refused_before_they_are_read():
    begun = time.thread_time()
    assert fault("# note\n\n" + "{\n" * (MOST + 1)).startswith(
        "This text has 100,001 lines; the most for one session is 100,000 pictures."
    )
    assert time.thread_time() - begun < 1


def test_as_many_as_there_may_be():
    assert read("a\n" * 1000).count(50, 2) == MOST
    assert read("{e$$" + "|".join("b" * 1000) + "}\na").count(7, 3) == 3021


# Any text

FRAGMENTS = (
    *(
        "{",
        "}",
        "|",
        "$$",
        "${",
        "e$$",
        "2$$",
        "1-2$$",
        "2-$$",
        "::",
        "0.5::",
        "__",
        "__a__",
        "__*__",
        "__../x__",
        "\\",
        "\\{",
        "--",
    ),
    *(
        " --w 768",
        " --d 1,2",
        " --n bad",
        " --zz",
        "—w",
        " ",
        "\n",
        "\r\n",
        "\ufeff",
        "#",
        "\0",
        "\ud800",
        "a",
        "７",
        "9" * 40,
        "☃",
        ",",
    ),
)


@settings(max_examples=100, deadline=None, database=None, derandomize=True)
@given(
    st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=4)), max_size=30),
    st.sampled_from((1, 1, 1, 7, 3000)),
)
def test_no_text_does_anything_but_be_read_or_refused_within_a_second(parts: list[str], times: int):
    text = ("".join(parts) * times)[: 1 << 16]

    def timed() -> float:
        begun = time.thread_time()
        try:
            lines = read(text)
            if lines.count(3) <= 300:
                for line in lines.lines:
                    for nodes in line.texts():
                        line.choose(nodes, randoms_of(5), NONE)
        except Told as error:
            assert str(error)
        return time.thread_time() - begun

    took = timed()
    assert took < 1 or timed() < 1  # garbage may have been collected meanwhile


@pytest.mark.parametrize("paper", ["docs/prompt-lines.md", "web/docs/ResonancePromptLines.md"])
def test_what_help_and_docs_show_is_read(paper: str, tmp_path: Path) -> None:
    text = (PACK / paper).read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`--.*?) \|", text, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"--(\w+)", row)}
    assert named == set(OPTIONS)
    (tmp_path / "places").mkdir()
    (tmp_path / "places" / "mountains.txt").write_text("the Alps\nthe Andes\n")
    [example] = re.findall(r"^```\n(.+?)^```", text, re.MULTILINE | re.DOTALL)
    lines = read(example, WildcardFiles([tmp_path])).lines
    assert [line.pictures(1) for line in lines] == [1, 1, 3] and lines[0].seeds == (1, 2, 3)
    groups = [group.replace("\\|", "|") for group in re.findall(r"`(\{\w[^`…]*\})`", text)]
    assert len(groups) >= 5
    for group in groups:
        [line] = read(group).lines
        assert line.said is None
