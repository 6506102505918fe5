"""Transform in the real ComfyUI: what it puts out, and the table that its node asks for."""

import json
from typing import Any

import pytest
import requests

from .comfy import Comfy, RunFailed, node

# Name and era: scales, strengths, steps (t_enc of the batch CLI), and the kind: pictures of a loop, loops, chained,
# every result kept, loop to loop.
PARALLEL, CHAINED = (False, False, False), (True, False, False)
EVERY, VIDEO = (True, True, False), (True, True, True)
TABLE: dict[
    tuple[str, str | None], tuple[list[float], list[float], list[int], tuple[int, int], tuple[bool, bool, bool]]
]
TABLE = {
    ("normal", None): ([6, 7, 10], [0.35, 0.45, 0.3], [17, 22, 15], (3, 3), PARALLEL),
    ("shake", "S"): (
        [10, 5, 9, 6, 8, 7],
        [0.3, 0.35, 0.4, 0.45, 0.5, 0.55],
        [15, 17, 20, 22, 25, 27],
        (6, 3),
        PARALLEL,
    ),
    ("shake", "H"): (
        [10, 5, 9, 6, 8, 7],
        [0.3, 0.35, 0.4, 0.45, 0.5, 0.55],
        [15, 17, 20, 22, 25, 27],
        (6, 2),
        PARALLEL,
    ),
    ("focus", "S"): ([12, 10, 8], [0.7] * 3, [35] * 3, (3, 3), PARALLEL),
    ("focus", "H"): ([7, 8, 9], [0.7] * 3, [35] * 3, (3, 3), PARALLEL),
    ("unstuck", None): ([5, 6, 7], [0.8] * 3, [40] * 3, (3, 3), PARALLEL),
    ("unfocus", None): ([3, 3.5, 4], [0.8, 0.85, 0.9], [40, 42, 45], (3, 3), PARALLEL),
    ("beast", None): ([6, 6, 6], [0.35] * 3, [17] * 3, (1, 3), CHAINED),
    ("god", None): ([6, 9, 11], [0.35] * 3, [17] * 3, (1, 3), CHAINED),
    ("enhance", None): ([6, 6, 7, 7, 9], [0.2, 0.2, 0.3, 0.5, 0.2], [10, 10, 15, 25, 10], (1, 3), CHAINED),
    ("finalize", None): ([8, 11, 15], [0.3, 0.2, 0.1], [15, 10, 5], (1, 3), CHAINED),
    ("snake", None): ([6, 8, 6, 8], [0.35, 0.3, 0.35, 0.3], [17, 15, 17, 15], (1, 3), CHAINED),
    ("loop-test", None): ([8] * 10, [0.3] * 10, [15] * 10, (10, 3), EVERY),
    ("loop-test-smooth", None): ([5] * 10, [0.5] * 10, [25] * 10, (10, 3), EVERY),
    ("video", None): ([6, 8, 10], [0.5, 0.4, 0.4], [25, 20, 20], (3, 10), VIDEO),
    ("video-shake", None): ([6, 6.5, 7], [0.35, 0.4, 0.6], [17, 20, 30], (3, 20), VIDEO),
    ("mild", None): ([6, 7, 8, 9], [0.2, 0.25, 0.3, 0.35], [10, 12, 15, 17], (4, 3), PARALLEL),
    ("fixit", None): ([4, 6, 9, 11], [0.8, 0.5, 0.3, 0.15], [40, 25, 15, 7], (1, 3), CHAINED),
    ("restyle", None): ([5, 7, 11], [0.5, 0.4, 0.3], [25, 20, 15], (1, 3), CHAINED),
    ("timeskip", None): ([5, 5, 5], [0.6, 0.55, 0.5], [30, 27, 25], (1, 3), CHAINED),
    ("retouch", None): ([9, 10, 10, 11], [0.2, 0.2, 0.2, 0.15], [10, 10, 10, 7], (1, 3), CHAINED),
    ("older normal", None): ([6, 7, 8, 9], [0.4, 0.45, 0.5, 0.55], [20, 22, 25, 27], (4, 3), PARALLEL),
    ("older focus", None): ([12, 11, 10, 9, 9], [0.75, 0.75, 0.7, 0.65, 0.6], [37, 37, 35, 32, 30], (5, 3), PARALLEL),
    ("older unfocus", None): ([3, 3.5, 4, 4.5], [0.3, 0.35, 0.4, 0.45], [15, 17, 20, 22], (4, 3), PARALLEL),
}
OWN = {"transform": "own program", "save_middle": False, "loop_to_loop": False}


def outputs(comfy: Comfy, *, iterations: int = 0, **choice: Any) -> list[list[Any]]:
    """Scales, strengths, steps, start steps and the total of a Transform node."""
    below = {f"transform.{name}": value for name, value in choice.items() if name != "transform"}
    graph = {"t": node("ResonanceTransform", transform=choice["transform"], iterations=iterations, **below)}
    graph |= {str(i): node("ProbeValue", value=["t", i]) for i in range(1, 6)}
    made = comfy.run(graph)
    return [json.loads(made[str(i)]["value"][0]) for i in range(1, 6)]


def table(comfy: Comfy, *, iterations: int = 0, **choice: Any) -> dict[str, Any]:
    answer = comfy.post("/resonance/transform", {**choice, "iterations": iterations})
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(comfy: Comfy, **choice: Any) -> str:
    """What both the run and the table say of a choice."""
    answer = comfy.post("/resonance/transform", {**choice, "iterations": 0})
    assert answer.status_code == 400
    with pytest.raises(RunFailed) as failed:
        outputs(comfy, **choice)
    assert str(failed.value).strip() == answer.json()["error"]
    return answer.json()["error"]


def test_the_table_of_this_test_has_every_preset_and_era(comfy: Comfy) -> None:
    info = comfy.get("/object_info/ResonanceTransform")["ResonanceTransform"]["input"]["required"]
    found = set[tuple[str, str | None]]()
    for option in info["transform"][1]["options"][:-1]:
        eras = option["inputs"].get("required", {}).get("era", [None, {"options": [None]}])[1]["options"]
        found |= {(option["key"], era) for era in eras}
    assert found == TABLE.keys()


@pytest.mark.parametrize(("name", "era"), TABLE, ids=lambda part: part or "")
def test_a_preset_is_what_the_batch_cli_has(comfy: Comfy, name: str, era: str | None) -> None:
    choice = {"transform": name, **({"era": era} if era else {})}
    scales, strengths, steps, (kept, loops), (chained, middle, loop_to_loop) = TABLE[name, era]
    starts = [50 - count for count in steps]
    assert outputs(comfy, **choice) == [scales, strengths, steps, starts, [50]]
    assert table(comfy, **choice) == {
        "rows": [list(row) for row in zip(scales, strengths, steps, starts, strict=True)],
        "pairs": len(scales),
        "chained": chained,
        "save_middle": middle,
        "loop_to_loop": loop_to_loop,
        "iterations": loops,
        "kept": kept,
    }


@pytest.mark.parametrize(
    ("program", "wanted"),
    [
        ("6@.35 7@.45", ([6, 7], [0.35, 0.45], [17, 22], False)),
        ("6@0.29,7 , 8@1.", ([6, 7, 8], [0.29, 0.5, 1], [14, 25, 50], False)),
        (" 8@.3>11 @ .2 > 15", ([8, 11, 15], [0.3, 0.2, 0.5], [15, 10, 25], True)),
    ],
)
def test_an_own_program_is_read(comfy: Comfy, program: str, wanted: Any) -> None:
    scales, strengths, steps, chained = wanted
    made = outputs(comfy, **OWN, program=program)
    assert made == [scales, strengths, steps, [50 - count for count in steps], [50]]
    assert table(comfy, **OWN, program=program)["chained"] is chained


def test_iterations_and_kind_of_an_own_program_are_what_is_chosen(comfy: Comfy) -> None:
    own = {"transform": "own program", "program": "6 > 7", "save_middle": True, "loop_to_loop": True}
    facts = ("iterations", "kept", "save_middle", "loop_to_loop")
    assert [table(comfy, **own)[fact] for fact in facts] == [3, 2, True, True]
    assert [table(comfy, **own, iterations=7)[fact] for fact in facts] == [7, 2, True, True]
    assert [table(comfy, transform="video", iterations=1)[fact] for fact in facts] == [1, 3, True, True]


def test_a_list_runs_the_node_below_once_for_each_pair(comfy: Comfy) -> None:
    graph = {
        "t": node("ResonanceTransform", transform="finalize", iterations=0),
        "text": node("PreviewAny", source=["t", 4]),
    }
    assert len(comfy.run(graph)["text"]["text"]) == 3


def test_what_cannot_be_read_is_a_sentence(comfy: Comfy) -> None:
    assert "'6@x' is not a pair" in refused(comfy, **OWN, program="6@.35 6@x")
    assert "The program is empty" in refused(comfy, **OWN, program=" ")
    assert "must be from 0.02" in refused(comfy, **OWN, program="6@0.01")
    assert "'' is not a pair" in refused(comfy, **OWN, program="6@.3 >")
    assert refused(comfy, transform="strongest").startswith("transform must be one of normal, shake,")
    with pytest.raises(RunFailed, match="smaller than min"):
        outputs(comfy, transform="normal", iterations=-1)


def test_a_request_that_makes_no_sense_is_refused(comfy: Comfy) -> None:
    for body in ([], {"transform": "normal"}, {"transform": "normal", "iterations": -1}, {"iterations": True}):
        answer = comfy.post("/resonance/transform", body or None)
        assert answer.status_code == 400
        assert "iterations is a whole number" in answer.json()["error"]
    assert requests.post(f"{comfy.url}/resonance/transform", data="{", timeout=60).status_code == 400


def test_a_long_program_answers_with_its_first_pairs(comfy: Comfy) -> None:
    program = " ".join(["6@.35"] * 5000)
    answer = table(comfy, **OWN, program=program)
    assert (len(answer["rows"]), answer["pairs"], answer["kept"]) == (200, 5000, 5000)
    assert len(outputs(comfy, **OWN, program=program)[0]) == 5000
