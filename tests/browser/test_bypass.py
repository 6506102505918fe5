"""A bypassed node hands on what its outputs mean, or nothing."""

import pytest
from host.comfy import node

from .desk import Desk

pytestmark = pytest.mark.parametrize("renderer", ["classic"], indirect=True)  # what Run sends does not depend on it

HANDED_ON = {
    "ResonanceAlternateControlNets": {"positive": "positive", "negative": "negative"},
    "ResonanceCanvas": {"canvas": "canvas", "boxes": "boxes"},
    "ResonanceCanvasChat": {"conversation": "conversation"},
    "ResonanceColorMatch": {"IMAGE": "image"},
    "ResonanceComposePrompt": {"positive": "tags", "negative": "negative"},
    "ResonanceContactSheet": {"sheet": "images"},
    "ResonanceCooldown": {"value": "value"},
    "ResonanceControlNetLLLite": {"MODEL": "model"},
    "ResonanceDeepShrink": {"MODEL": "model"},
    "ResonanceEncodeLine": {"model": "model"},
    "ResonanceGradientGuidance": {"MODEL": "model"},
    "ResonanceFitToLatent": {"image": "image", "mask": "mask"},
    "ResonanceHighresFix": {"latent": "samples"},
    "ResonanceLoRAStack": {"MODEL": "model", "CLIP": "clip"},
    "ResonanceNegativeScale": {"MODEL": "model"},
    "ResonancePerPictureNoise": {"sampler": "sampler"},
    "ResonanceReferencePicture": {"model": "model", "conditioning": "conditioning"},
    "ResonanceRegionFromConditioning": {"regions": "regions"},
    "ResonanceRegionHeat": {"image": "image"},
    "ResonanceRegions": {"model": "model", "positive": "positive", "negative": "negative"},
    "ResonanceRoundOutput": {"images": "images"},
    "ResonanceRoundWords": {"tags": "tags", "caption": "caption"},
    "ResonanceSaveWords": {"words": "words"},
    "ResonanceVary": {"images": "image"},
    "ResonanceXTI": {"model": "model"},
}
"""By node, the input behind each output; all other outputs of all other nodes have none."""

PASSED = """async kinds => {
    const End = class extends LiteGraph.LGraphNode {}
    End.comfyClass = End.prototype.comfyClass = 'End of a link'
    LiteGraph.registerNodeType('End of a link', End)
    const end = () => app.graph.add(LiteGraph.createNode('End of a link')) ?? app.graph.nodes.at(-1)
    const found = {}
    for (const kind of kinds) {
        app.graph.clear()
        const node = app.graph.add(LiteGraph.createNode(kind)) ?? app.graph.nodes.at(-1)
        const sources = {}
        for (const [slot, input] of [...node.inputs].entries()) {
            const source = end()
            source.addOutput('out', String(input.type).split(',')[0])
            source.connect(0, node, slot)
            sources[source.id] = input.name
        }
        const targets = []
        for (const [slot, output] of [...node.outputs].entries()) {
            for (const type of new Set([output.type, '*'])) {
                const target = end()
                target.addInput('in', type)
                node.connect(slot, target, 0)
                targets.push([`${output.name} to ${type}`, target.id])
            }
        }
        node.mode = 4
        const { output } = await app.graphToPrompt()
        const passed = targets.map(([name, id]) => [name, sources[output[id].inputs.in?.[0]]])
        found[kind] = Object.fromEntries(passed.filter(([, source]) => source))
    }
    return found
}"""


def test_a_bypassed_node_hands_on_what_means_the_same(desk: Desk) -> None:
    nodes = {id_: info for id_, info in desk.comfy.get("/object_info").items() if id_.startswith("Resonance")}
    wanted = {
        id_: {
            f"{name} to {kind}": source
            for name, type_ in zip(info["output_name"], info["output"], strict=True)
            for kind in {type_.replace("COMFY_MATCHTYPE_V3", "*"), "*"}
            if (source := HANDED_ON.get(id_, {}).get(name))
        }
        for id_, info in nodes.items()
    }
    found = desk.page.evaluate(PASSED, list(nodes))
    wrong = [
        f"{id_}, {output}: {found[id_].get(output)} instead of {wanted[id_].get(output)}"
        for id_ in nodes
        for output in {**found[id_], **wanted[id_]}
        if found[id_].get(output) != wanted[id_].get(output)
    ]
    assert not wrong, "\n".join(wrong)


def test_a_node_that_is_bypassed_in_a_subgraph_does_so_too(desk: Desk) -> None:
    desk.load_api(
        {
            "1": node("PrimitiveString", value="red"),
            "2": node("PrimitiveString", value="A boat."),
            "3": node("ResonanceRoundWords", tags=["1", 0], caption=["2", 0]),
            "4": node("ResonanceComposePrompt", tags=["3", 0], caption=["3", 1]),
            "5": node("PreviewAny", source=["4", 0]),
        }
    )
    desk.page.evaluate("""() => {
        const { node } = app.graph.convertToSubgraph(new Set([app.graph.getNodeById(3)]))
        node.subgraph.nodes[0].mode = 4
    }""")
    inputs = desk.prompt()["4"]["inputs"]
    assert (inputs["tags"], inputs["caption"]) == (["1", 0], ["2", 0])
