"""What is read from a graph, and written into it."""

from typing import Any

import pytest

from resonance.graph import comes_to, reached, samplers_beside, with_session

INPUT = {"class_type": "ResonanceRoundInput", "inputs": {"session": "old", "seed": 1}}
VARY = {"class_type": "ResonanceVary", "inputs": {"save_as": "on", "save_as.session": "old"}}
EXPLORE = {"class_type": "ResonanceExplore", "inputs": {"session": "old"}}
LINES = {"class_type": "ResonancePromptLines", "inputs": {"session": "old", "seed": 1}}
OTHER = {"class_type": "SaveImage", "inputs": {"session": "old"}}


@pytest.mark.parametrize(
    ("node", "key"), [(INPUT, "session"), (VARY, "save_as.session"), (EXPLORE, "session"), (LINES, "session")]
)
def test_a_renamed_session_is_written_into_its_graph(node: dict[str, Any], key: str) -> None:
    graph = {"1": node, "2": OTHER}
    found = with_session(graph, "new")
    assert found["1"]["inputs"] == {**node["inputs"], key: "new"} and found["2"] == OTHER
    assert graph["1"]["inputs"][key] == "old"


def test_two_sessions_in_one_graph_keep_their_names_and_a_linked_name_its_link() -> None:
    second = {**VARY, "inputs": {**VARY["inputs"], "save_as.session": "second"}}
    linked = {**INPUT, "inputs": {"session": ["9", 0]}}
    for graph in ({"1": VARY, "2": second}, {"1": linked}, {"1": OTHER}):
        assert with_session(graph, "new") == graph


def test_which_nodes_an_output_comes_to() -> None:
    graph = {"1": LINES, "2": {"class_type": "Noise", "inputs": {"item": ["1", 0], "seed": 3}}}
    assert comes_to(graph, "1", 0, "Noise")
    assert not any(comes_to(graph, *where) for where in (("1", 1, "Noise"), ("2", 0, "Noise"), ("1", 0, "Other")))


def test_what_an_item_reaches_hangs_below_the_node_that_hands_it_out() -> None:
    graph = {"1": INPUT, "2": OTHER, "3": {"class_type": "Paint", "inputs": {"model": ["2", 0], "image": ["1", 0]}}}
    assert [reached(graph, id_) for id_ in "1239"] == [True, False, True, None]


def test_noise_needs_the_sampler_that_comes_with_it() -> None:
    def graph(sampler: Any) -> dict[str, Any]:
        return {
            "core": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
            "ours": {"class_type": "ResonancePerPictureNoise", "inputs": {"sampler": ["core", 0], "seed": 1}},
            "second": {"class_type": "ResonancePerPictureNoise", "inputs": {"sampler": ["core", 0], "seed": 1}},
            "detail": {"class_type": "DetailSampler", "inputs": {"sampler": ["ours", 1]}},
            "add": {"class_type": "AddNoise", "inputs": {"noise": ["ours", 0]}},
            "end": {"class_type": "SamplerCustomAdvanced", "inputs": {"noise": ["ours", 0], "sampler": sampler}},
        }

    assert samplers_beside(graph(["core", 0]), "ours", 0) == ["euler"]
    for sampler in (["ours", 1], ["detail", 0], ["second", 1], "euler", ["gone", 0]):
        assert samplers_beside(graph(sampler), "ours", 0) == []
    assert samplers_beside(graph(["core", 0]), "second", 0) == []
