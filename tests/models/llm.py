"""Tiny language models: random ones for llama.cpp (what they say is printable noise, but it follows seed, picture and
grammar), and a wired one for ComfyUI's own generation (it names the colour of the picture)."""

from pathlib import Path
from typing import Any

import numpy as np

from . import wired_text

WIDTH = 64
STEADY = 4.0
"""Value of the first hidden dimension, which nothing changes: what is never to be said is weighed down by it."""
WORDS = "a red green blue picture of the with and in on is it rect color prefixes suffixes canvas region light dark"
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}"
    "{{ m.content if m.content is string else m.content | map(attribute='text') | join('\n') }}"
    "{{ '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def build(folder: Path) -> None:
    """``llm/tiny.gguf``, ``llm/tiny-mmproj.gguf`` and ``text_encoders/tiny-qwen3vl.safetensors``."""
    (folder / "llm").mkdir(parents=True, exist_ok=True)
    build_gguf(folder / "llm" / "tiny.gguf")
    build_mmproj(folder / "llm" / "tiny-mmproj.gguf")
    wired_text.build(folder / "text_encoders" / "tiny-qwen3vl.safetensors")


def build_gguf(
    path: Path, layers: int = 2, heads: int = 4, inner: int = 128, seed: int = 0, template: str = TEMPLATE
) -> None:
    """A chat model of llama architecture with a byte-level vocabulary, by default with ChatML's template; half a megabyte."""
    import gguf

    tokens, merges = vocabulary()
    w = gguf.GGUFWriter(path, "llama")
    w.add_name("tiny")
    w.add_context_length(8192)
    w.add_embedding_length(WIDTH)
    w.add_block_count(layers)
    w.add_feed_forward_length(inner)
    w.add_head_count(heads)
    w.add_head_count_kv(heads)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_rope_dimension_count(WIDTH // heads)
    w.add_vocab_size(len(tokens))
    w.add_file_type(gguf.LlamaFileType.ALL_F32)
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("gpt-2")
    w.add_token_list(tokens)
    w.add_token_merges(merges)
    w.add_token_types([gguf.TokenType.CONTROL if t in SPECIAL else gguf.TokenType.NORMAL for t in tokens])
    w.add_bos_token_id(tokens.index("<|endoftext|>"))
    w.add_eos_token_id(tokens.index("<|im_end|>"))
    w.add_pad_token_id(tokens.index("<|endoftext|>"))
    w.add_add_bos_token(False)
    w.add_chat_template(template)

    draw = np.random.default_rng(seed)

    def weights(*shape: int) -> np.ndarray[Any, np.dtype[np.float32]]:
        # Loud enough that one token can outweigh the rest: with small weights every answer is the same mush.
        return (draw.standard_normal(shape) * 1.6 / np.sqrt(shape[-1])).astype(np.float32)

    letters, never = byte_letters(), SPECIAL[:2]
    said, heard = weights(len(tokens), WIDTH), weights(len(tokens), WIDTH)
    heard[:, 0] = STEADY
    # llama.cpp holds a byte that is no character back until it becomes one: noise of bytes would not stream.
    said[:, 0] = [-30 if t in never or t in letters and not 32 <= letters.index(t) < 127 else 0 for t in tokens]
    w.add_tensor("token_embd.weight", heard)
    w.add_tensor("output_norm.weight", np.ones(WIDTH, np.float32))
    w.add_tensor("output.weight", said)
    for block in (f"blk.{i}." for i in range(layers)):
        for norm in ("attn_norm", "ffn_norm"):
            w.add_tensor(f"{block}{norm}.weight", np.ones(WIDTH, np.float32))
        for part in ("attn_q", "attn_k", "attn_v"):
            w.add_tensor(f"{block}{part}.weight", weights(WIDTH, WIDTH))
        for part in ("ffn_gate", "ffn_up"):
            w.add_tensor(f"{block}{part}.weight", weights(inner, WIDTH))
        for part, shape in {"attn_output": (WIDTH, WIDTH), "ffn_down": (WIDTH, inner)}.items():
            added = weights(*shape)
            added[0] = 0
            w.add_tensor(f"{block}{part}.weight", added)
    write(w)


def build_mmproj(path: Path, width: int = 32, layers: int = 3, inner: int = 64, patch: int = 14, seed: int = 1) -> None:
    """A projector of LLaVA 1.5's kind for the model above: 16 tokens for a picture."""
    import gguf

    size = 4 * patch
    w = gguf.GGUFWriter(path, "clip")
    w.add_name("tiny-mmproj")
    w.add_type("mmproj")
    w.add_file_type(gguf.LlamaFileType.ALL_F32)
    w.add_clip_has_vision_encoder(True)
    w.add_clip_projector_type("mlp")
    w.add_bool("clip.has_text_encoder", False)
    w.add_bool("clip.has_llava_projector", True)
    w.add_vision_use_gelu(False)
    w.add_vision_image_size(size)
    w.add_vision_patch_size(patch)
    w.add_vision_embedding_length(width)
    w.add_vision_feed_forward_length(inner)
    w.add_vision_block_count(layers)
    w.add_vision_head_count(4)
    w.add_vision_projection_dim(WIDTH)
    w.add_vision_attention_layernorm_eps(1e-5)
    w.add_vision_image_mean([0.5, 0.5, 0.5])
    w.add_vision_image_std([0.25, 0.25, 0.25])

    draw = np.random.default_rng(seed)

    def layer(name: str, *shape: int) -> None:
        w.add_tensor(f"{name}.weight", (draw.standard_normal(shape) * 0.3).astype(np.float32))
        w.add_tensor(f"{name}.bias", np.zeros(shape[0], np.float32))

    def norm(name: str) -> None:
        w.add_tensor(f"{name}.weight", np.ones(width, np.float32))
        w.add_tensor(f"{name}.bias", np.zeros(width, np.float32))

    w.add_tensor("v.class_embd", draw.standard_normal(width).astype(np.float32))
    w.add_tensor("v.patch_embd.weight", (draw.standard_normal((width, 3, patch, patch)) * 0.05).astype(np.float32))
    positions = (size // patch) ** 2 + 1
    w.add_tensor("v.position_embd.weight", (draw.standard_normal((positions, width)) * 0.3).astype(np.float32))
    norm("v.pre_ln")
    norm("v.post_ln")
    for block in (f"v.blk.{i}." for i in range(layers)):
        for part in ("attn_q", "attn_k", "attn_v", "attn_out"):
            layer(block + part, width, width)
        norm(block + "ln1")
        norm(block + "ln2")
        layer(block + "ffn_up", inner, width)
        layer(block + "ffn_down", width, inner)
    layer("mm.0", WIDTH, width)
    last, steady = (draw.standard_normal((WIDTH, WIDTH)) * 0.3).astype(np.float32), np.zeros(WIDTH, np.float32)
    last[0], steady[0] = 0, STEADY
    w.add_tensor("mm.2.weight", last)
    w.add_tensor("mm.2.bias", steady)
    write(w)


def write(writer: Any) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def vocabulary() -> tuple[list[str], list[str]]:
    """All bytes, whole words by merging from the left, and the special tokens, in GPT-2's writing."""
    letters = byte_letters()
    tokens, merges = list(letters), list[str]()
    for word in ((b" " + w.encode()) for w in WORDS.split()):
        done = letters[word[0]]
        for byte in word[1:]:
            if (longer := done + letters[byte]) not in tokens:
                merges.append(f"{done} {letters[byte]}")
                tokens.append(longer)
            done = longer
    return [*tokens, *SPECIAL], merges


def byte_letters() -> list[str]:
    """GPT-2's printable letter for each byte: its own where it has one, the next free one from 256 on elsewhere."""
    own = {*range(33, 127), *range(161, 173), *range(174, 256)}
    free = iter(range(256, 512))
    return [chr(b if b in own else next(free)) for b in range(256)]
