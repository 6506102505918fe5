"""What flows where prompt lines are encoded."""

import base64
import importlib
import json
import sys

from comfy_api.latest import io


def library(name):
    """A module of Resonance."""
    known = next(each for each in sys.modules if each.endswith(".resonance.session.item"))
    return importlib.import_module(known.replace("session.item", name))


class ProbeItems(io.ComfyNode):
    """An item of prompt lines with all that are beside it, from JSON: what their payloads have beside a size of 64 x 64."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="ProbeItems",
            category="probe",
            inputs=[io.String.Input("text")],
            outputs=[io.Custom("RESONANCE_ITEM").Output()],
        )

    @classmethod
    def execute(cls, text):
        session, payloads = library("session.item"), library("session.payloads")
        shot = {"key": "k", "line": "a line", "width": 64, "height": 64, "steps": 4, "scale": 2, "seed": 1}
        first, *beside = [
            {
                **{"session": "probe", "round": 1, "index": number, "lineage": f"X{number:04}", "seed": 1},
                "payload": payloads.PromptLine(**shot | known),
            }
            for number, known in enumerate(json.loads(text), 1)
        ]
        return io.NodeOutput(session.Item(**first, beside=tuple(session.Item(**each) for each in beside)))


class ProbeConditioning(io.ComfyNode):
    """Everything that a conditioning holds: tensors as their shape and float32 in base64."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="ProbeConditioning",
            category="probe",
            inputs=[io.Conditioning.Input("conditioning")],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, conditioning):
        entries = [{"vectors": vectors, **values} for vectors, values in conditioning]
        return io.NodeOutput(ui={"entries": [json.dumps(entry, default=bits) for entry in entries]})


class ProbeChunks(io.ComfyNode):
    """How many chunks whoever puts together a batch counts."""

    @classmethod
    def define_schema(cls):
        texts = [io.String.Input(name) for name in ("positive", "negative", "embeddings")]
        return io.Schema(
            node_id="ProbeChunks", category="probe", inputs=[*texts, io.Int.Input("most")], is_output_node=True
        )

    @classmethod
    def execute(cls, positive, negative, embeddings, most):
        both = library("paint.encoding").Prompts(positive, negative)
        return io.NodeOutput(ui={"count": [library("host.weighted").chunks_of(both, most, embeddings)]})


def bits(value):
    if hasattr(value, "numpy"):
        return {"shape": list(value.shape), "bits": base64.b64encode(value.float().cpu().numpy().tobytes()).decode()}
    return str(value)


NODES = [ProbeItems, ProbeConditioning, ProbeChunks]
