"""Pictures into words, and round after round."""

from typing import Any

from host.comfy import node

from .example import CHECKPOINT, Example

FILES = """
**Files**

| file | goes to |
|---|---|
| model.safetensors, config.json and selected_tags.csv of [wd-vit-tagger-v3](https://huggingface.co/SmilingWolf/wd-vit-tagger-v3) | *models/taggers/wd-vit-tagger-v3*, or switch on *download* once |
"""
ENCODER = "| qwen3vl_4b_fp8_scaled.safetensors ([page](https://huggingface.co/Comfy-Org/Krea-2)), or any text encoder that sees | *models/text_encoders* |\n"

START = """## Rounds

Pictures become words, the words become new pictures, and these are the next round's input.

**Change first**

1. Drop your pictures on **Round Input**, or choose a folder there.
2. Choose your checkpoint.
3. Press **Run** once. Results are in *output/my session* and in **Rounds** of the sidebar; after a crash press Run again.
"""


def rounds(caption: bool) -> dict[str, Any]:
    graph = {
        "1": node("ResonanceRoundInput", session="my session", first_folder="pictures", rounds=3, seed=0),
        "2": node("ResonanceLoadTagger", model="wd-vit-tagger-v3"),
        "3": node("ResonanceTagImages", tagger=["2", 0], images=["1", 0]),
        "4": node("ResonanceRoundWords", item=["1", 1], tags=["3", 0]),
        "5": node("ResonanceComposePrompt", tags=["4", 0], negative="worst quality, low quality", duplicates="remove"),
        "6": node("CheckpointLoaderSimple", ckpt_name="sd_xl_base_1.0.safetensors"),
        "7": node("CLIPTextEncode", clip=["6", 1], text=["5", 0]),
        "8": node("CLIPTextEncode", clip=["6", 1], text=["5", 1]),
        "9": node("ResonanceLatentForImage", sizes="SDXL", batch_size=1, image=["1", 0]),
        "10": node(
            "KSampler",
            model=["6", 0],
            positive=["7", 0],
            negative=["8", 0],
            latent_image=["9", 0],
            seed=["1", 5],
            steps=25,
            cfg=7.0,
            sampler_name="euler_ancestral",
            scheduler="normal",
            denoise=1.0,
        ),
        "11": node("VAEDecode", samples=["10", 0], vae=["6", 2]),
        "12": node("ResonanceRoundOutput", images=["11", 0], item=["1", 1], words=["5", 0]),
    }
    if caption:
        graph |= captioned()
        graph["1"]["inputs"]["words_first"] = True
        graph["4"]["inputs"]["caption"] = ["15", 0]
        graph["5"]["inputs"]["caption"] = ["4", 1]
    return graph


def captioned() -> dict[str, Any]:
    return {
        "13": node("CLIPLoader", clip_name="qwen3vl_4b_fp8_scaled.safetensors", type="ideogram4"),
        "14": node("ResonanceCoreLLM", clip=["13", 0]),
        "15": node("ResonanceCaptionImages", llm=["14", 0], images=["1", 0]),
    }


def describe() -> dict[str, Any]:
    return {
        "1": node("LoadImage", image="example.png"),
        "2": node("ResonanceLoadTagger", model="wd-vit-tagger-v3"),
        "3": node("ResonanceTagImages", tagger=["2", 0], images=["1", 0]),
        **captioned(),
        "5": node("ResonanceComposePrompt", tags=["3", 0], caption=["15", 0], duplicates="remove"),
        "16": node("PreviewAny", source=["5", 0]),
    }


EXAMPLES = {
    "Rounds": Example(
        rounds(caption=True),
        [["note", "6", "13", "14"], ["1", "2", "4"], ["3", "15"], ["5", "7", "8"], ["10", "11", "12", "9"]],
        START + FILES + CHECKPOINT + ENCODER,
    ),
    "Rounds, tags only": Example(
        rounds(caption=False),
        [["note", "6"], ["1", "2"], ["3", "4"], ["5", "7", "8"], ["10", "11", "12", "9"]],
        START + FILES + CHECKPOINT,
    ),
    "Describe one picture": Example(
        describe(),
        [["note"], ["1", "2", "13", "14"], ["3"], ["15"], ["5", "16"]],
        "## Describe one picture\n\nTags and a caption of one picture, put together to a prompt.\n\n**Change first**: the"
        " picture in **Load Image**.\n" + FILES + ENCODER,
    ),
}
