"""Transforms: named or own programs that vary a picture."""

from comfy_api.v0_0_2 import io

from ..resonance.vary import settings
from ..resonance.vary.choice import OWN, choose
from ..resonance.vary.transform import CHANGED, PRESETS, SCHEDULE
from . import types
from .inputs import Choice, chosen, input_of

CATEGORY = "Resonance/Vary"


class Transform(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        era = input_of(settings.ERA, default=None)
        own = [
            io.String.Input(
                "program",
                default="6@.35 7@.45",
                tooltip="Pairs scale@strength. With blanks between them each starts from the picture; with > each starts from the"
                " result before: 8@.3 > 11@.2 > 15@.1. Without @ the strength is 0.5.",
            ),
            input_of(settings.SAVE_MIDDLE),
            input_of(settings.LOOP_TO_LOOP),
        ]
        return io.Schema(
            node_id="ResonanceTransform",
            display_name="Transform",
            category=CATEGORY,
            description="A program that varies a picture: which guidance and how much is made anew, step by step. The table shows it.",
            search_aliases=["vary", "variation", "img2img program", "denoise schedule", "shake", "beast", "enhance"],
            inputs=[
                io.DynamicCombo.Input(
                    "transform",
                    options=[
                        *(io.DynamicCombo.Option(name, [era] if name in CHANGED else []) for name in PRESETS),
                        io.DynamicCombo.Option(OWN, own),
                    ],
                    tooltip="Far from the target: focus or god. Right layout, many flaws: shake or beast. Close: normal. To finish:"
                    " enhance or finalize.",
                ),
                input_of(settings.ITERATIONS),
            ],
            outputs=[
                types.Transform.Output("transform", tooltip="For Vary."),
                io.Float.Output("scales", is_output_list=True, tooltip="Guidance (cfg) of each pair of one loop."),
                io.Float.Output("strengths", is_output_list=True, tooltip="Strength of each pair, above 0 to 1."),
                io.Int.Output("steps", is_output_list=True, tooltip="How many steps each pair runs."),
                io.Int.Output(
                    "start_steps",
                    is_output_list=True,
                    tooltip="For start_at_step of core's KSampler (Advanced), each pair.",
                ),
                io.Int.Output("total_steps", tooltip="For steps of core's KSampler (Advanced): the whole schedule."),
            ],
        )

    @classmethod
    def execute(cls, iterations: int, transform: Choice | None = None) -> io.NodeOutput:
        program = choose(chosen(transform, "transform", (*PRESETS, OWN)), iterations)
        return io.NodeOutput(
            program,
            [pair.scale for pair in program.pairs],
            [pair.strength for pair in program.pairs],
            [pair.steps for pair in program.pairs],
            [pair.start for pair in program.pairs],
            SCHEDULE,
        )


NODES = [Transform]
