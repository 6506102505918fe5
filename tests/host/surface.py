"""What the pack relies on in ComfyUI, one row an attribute, as its source says it. Neither ComfyUI nor torch is imported.

A row is one line in a list below: a kind of check, a file, a class or function in it, names.
"""

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from textwrap import indent
from typing import NamedTuple

from places import find_comfyui


class Row(NamedTuple):
    """One attribute.

    Attributes:
        where: class or function, a dot between one and what is somewhere in it; empty: the file.
        place: of a name that must come at a certain one.
    """

    kind: "Kind"
    file: str
    where: str
    name: str
    place: int | None = None

    def __str__(self) -> str:
        return f"{self.file}: {self.where}{' ' if self.where else ''}{self.kind.__name__} {self.name}"


Kind = Callable[[ast.AST, Row], bool]
Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


# Kinds: each is given the class or function


def has(node: ast.AST, row: Row) -> bool:
    """A class or a file defines a name."""
    assert isinstance(node, ast.Module | ast.ClassDef)
    inside = [each for part in node.body if isinstance(part, ast.If | ast.Try) for each in part.body]
    for each in (*node.body, *inside):
        match each:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names = [name]
            case ast.Assign(targets=targets):
                names = [target.id for target in targets if isinstance(target, ast.Name)]
            case ast.AnnAssign(target=ast.Name(id=name)):
                names = [name]
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                names = [alias.asname or alias.name for alias in aliases]
            case _:
                names = []
        if row.name in names:
            return True
    return False


def takes(node: ast.AST, row: Row) -> bool:
    """A function has a parameter, at its place where one is given, ``self`` not counted."""
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    names = [arg.arg for arg in (*node.args.posonlyargs, *node.args.args)]
    names = [name for name in names if name not in ("self", "cls")]
    if row.place is not None:
        return names[row.place : row.place + 1] == [row.name]
    return row.name in (*names, *(arg.arg for arg in node.args.kwonlyargs))


def sets(node: ast.AST, row: Row) -> bool:
    """A function sets an attribute of something."""
    return any(
        isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store) and n.attr == row.name for n in ast.walk(node)
    )


def uses(node: ast.AST, row: Row) -> bool:
    """A function names something, be it its own or another's."""
    return any(row.name in (getattr(n, "attr", None), getattr(n, "id", None)) for n in ast.walk(node))


def says(node: ast.AST, row: Row) -> bool:
    """A function holds a text, such as a key."""
    return any(isinstance(n, ast.Constant) and n.value == row.name for n in ast.walk(node))


def tuples(node: ast.AST, row: Row) -> bool:
    """A function makes a tuple in which a name stands at its place."""
    assert row.place is not None
    made = [n.elts for n in ast.walk(node) if isinstance(n, ast.Tuple) and len(n.elts) > row.place]
    return any(isinstance(n, ast.Name) and n.id == row.name for elts in made for n in ast.walk(elts[row.place]))


def each(kind: Kind, file: str, where: str, names: str) -> list[Row]:
    return [Row(kind, file, where, name) for name in names.split()]


def ordered(kind: Kind, file: str, where: str, names: str, first: int = 0) -> list[Row]:
    """Names in this order, the first one at a place."""
    return [Row(kind, file, where, name, place) for place, name in enumerate(names.split(), first)]


PRIVATE = set(
    re.findall(
        r"\w+",
        """
        prompt_queue get_current_queue_volatile get_history delete_history_item get_flags map_function create_time
        execution_interrupted execution_error exception_type exception_message node_type
        add_on_prompt_handler get_executing_context client_id listen tls_keyfile tls_certfile app
        NODE_CLASS_MAPPINGS NODE_DISPLAY_NAME_MAPPINGS RELATIVE_PYTHON_MODULE GET_SCHEMA get_node all_node_ids is_changed
        return_word_ids SD1Tokenizer token_weights escape_important unescape_important encode_from_tokens return_dict clip_layer embedding_size
        combine_all_hooks create_hook_lora set_hooks_for_conditioning
        model_lora_keys_unet model_lora_keys_clip load_lora convert_lora log_missing WeightAdapterBase calculate_weight
        downscale_ratio_spacial latent_dimensions spacial_downscale_ratio
        spacial_compression_encode get_previewer decode_latent_to_preview_image
        conds inner_model latent_shapes encode_model_conds extra_conds multigpu_clones model_sampling model_conds cross_attn
        c_crossattn CONDCrossAttn crossattn_controlnet SAMPLER_SAMPLE PREDICT_NOISE OUTER_SAMPLE CALC_COND_BATCH prompt_type
        DIFFUSION_MODEL set_model_input_block_patch_after_skip set_model_output_block_patch
        reference_latents reference_latents_method reference_image_num_tokens block_index default_ref_method siglip_embedder
        patches_replace attn2_patch attn1 n_heads activations_shape optimized_attention optimized_attention_override
        get_attn_precision cond_or_uncond
        input_blocks middle_block output_blocks SpatialTransformer transformer_blocks model_config
        KSAMPLER sampler_function extra_options inpaint_options noise_sampler default_noise_sampler BrownianTreeNoiseSampler
        cat_nested is_nested batch_index
        trange get_ancestral_step ModelSamplingDiscrete c_concat gligen
        get_non_dynamic_delegate is_dynamic get_additional_models_with_key set_additional_models PREPARE_SAMPLING memory_required
        vae_dtype process_output memory_used_decode process_out loaded_size
        attention_pytorch calc_cond_batch set_model_sampler_post_cfg_function cond_denoised uncond_denoised
        input_block_patch_after_skip model_function_wrapper current_patcher prepare_hook_patches_current_keyframe apply_hooks
        current_hooks _copy_with set_cond_hint control_apply_to_uncond sample_sigmas
        CLIPLayer layer_norm1 layer_norm2 image_mean image_std get_sd manual_cast
        sample_token cond_stage_model stop_tokens preprocess_embed clip_name llama_template skip_template
        """,
    )
)
"""What may move without a word: only resonance/host/core.py and its like (core_lora.py, ...) touch it, each at one place. Names that are
used for other things too cannot be searched for, and are not among them."""

LLAMA, QWEN = "comfy/text_encoders/llama.py", "comfy/text_encoders/qwen3vl.py"
ATTENTION = "comfy/ldm/modules/attention.py"
SAMPLERS = "comfy/k_diffusion/sampling.py"
UNET = "comfy/ldm/modules/diffusionmodules/openaimodel.py"
ADAPTERS = {
    "LoRA": "lora lora alpha mid dora_scale reshape",
    "LoHa": "lora lora alpha lora lora hada_t1 hada_t2 dora_scale",
    "LoKr": "lokr_w1 lokr_w2 alpha lokr_w1_a lokr_w1_b lokr_w2_a lokr_w2_b lokr_t2 dora_scale",
}
"""What stands where in the ``weights`` of adapters."""

ROWS = [
    # resonance/host/core.py: the queue
    *each(has, "execution.py", "PromptQueue", "get_current_queue_volatile get_history delete_history_item"),
    *each(has, "execution.py", "PromptQueue", "set_flag get_flags"),
    *ordered(tuples, "execution.py", "PromptQueue.get_current_queue_volatile", "running queued"),
    *ordered(takes, "execution.py", "PromptQueue.get_history", "prompt_id"),
    *each(takes, "execution.py", "PromptQueue.get_history", "map_function"),
    *ordered(takes, "execution.py", "PromptQueue.delete_history_item", "id_to_delete"),
    *ordered(takes, "execution.py", "PromptQueue.set_flag", "name data"),
    *each(takes, "execution.py", "PromptQueue.get_flags", "reset"),
    *each(says, "execution.py", "PromptQueue.task_done", "status"),
    *each(has, "execution.py", "PromptQueue.ExecutionStatus", "messages"),
    *ordered(tuples, "execution.py", "PromptExecutor.add_message", "event data"),
    *each(says, "execution.py", "PromptExecutor.handle_execution_error", "execution_interrupted execution_error"),
    *each(
        says,
        "execution.py",
        "PromptExecutor.handle_execution_error",
        "exception_type exception_message node_type node_id",
    ),
    *each(uses, "main.py", "prompt_worker", "get_flags"),
    *ordered(
        tuples, "server.py", "PromptServer.post_prompt", "prompt_id prompt extra_data outputs_to_execute", first=1
    ),
    *each(says, "server.py", "PromptServer.post_prompt", "prompt prompt_id extra_data partial_execution_targets"),
    *each(says, "server.py", "PromptServer.post_prompt", "create_time"),
    *each(has, "server.py", "PromptServer", "add_on_prompt_handler"),
    *ordered(takes, "server.py", "PromptServer.add_on_prompt_handler", "handler"),
    *each(uses, "server.py", "PromptServer.post_prompt", "trigger_on_prompt validate_prompt"),
    *each(says, "server.py", "PromptServer.post_free", "unload_models free_memory"),
    *each(has, "comfy_execution/utils.py", "", "get_executing_context ExecutionContext"),
    *each(has, "comfy_execution/utils.py", "ExecutionContext", "prompt_id node_id"),
    # the server
    *each(sets, "server.py", "PromptServer.__init__", "instance prompt_queue client_id app routes"),
    *each(sets, "server.py", "PromptServer.start_multi_address", "address port"),
    *each(uses, "server.py", "PromptServer.start_multi_address", "tls_keyfile tls_certfile"),
    *ordered(takes, "server.py", "PromptServer.send_sync", "event data sid"),
    *each(uses, "main.py", "start_comfyui", "listen"),
    *each(says, "comfy/cli_args.py", "", "--listen --tls-keyfile --tls-certfile --disable-metadata"),
    # nodes and the graph as it runs
    *each(has, "nodes.py", "", "NODE_CLASS_MAPPINGS NODE_DISPLAY_NAME_MAPPINGS"),
    *each(sets, "nodes.py", "load_custom_node", "RELATIVE_PYTHON_MODULE"),
    *each(has, "comfy_api/latest/_io.py", "_ComfyNodeBaseInternal", "RELATIVE_PYTHON_MODULE GET_SCHEMA"),
    *each(has, "comfy_execution/graph.py", "DynamicPrompt", "get_node all_node_ids"),
    *each(says, "execution.py", "IsChangedCache", "is_changed"),
    # text encoders
    *ordered(takes, "comfy/sd.py", "CLIP.tokenize", "text return_word_ids"),
    *ordered(takes, "comfy/sd1_clip.py", "SD1Tokenizer.tokenize_with_weights", "text return_word_ids"),
    *ordered(tuples, "comfy/sd1_clip.py", "SDTokenizer.tokenize_with_weights", "t w i"),
    *each(has, "comfy/sd1_clip.py", "", "SD1Tokenizer token_weights escape_important unescape_important"),
    *ordered(takes, "comfy/sd1_clip.py", "token_weights", "string current_weight"),
    *each(takes, "comfy/sd1_clip.py", "escape_important", "text"),
    *each(takes, "comfy/sd1_clip.py", "unescape_important", "text"),
    *each(takes, "comfy/sd1_clip.py", "SD1Tokenizer.__init__", "embedding_directory"),
    *each(says, "comfy/sd1_clip.py", "SD1Tokenizer.__init__", "l"),
    *each(says, "comfy/sdxl_clip.py", "SDXLTokenizer.tokenize_with_weights", "l g"),
    *each(says, "comfy/text_encoders/sd2_clip.py", "SD2Tokenizer.__init__", "h"),
    *each(has, "comfy/sd.py", "CLIP", "encode_from_tokens encode_from_tokens_scheduled"),
    *ordered(takes, "comfy/sd.py", "CLIP.encode_from_tokens", "tokens return_pooled return_dict"),
    *each(says, "comfy/sd.py", "CLIP.encode_from_tokens", "cond pooled_output"),
    *ordered(takes, "comfy/sd.py", "CLIP.encode_from_tokens_scheduled", "tokens"),
    *ordered(takes, "comfy/sd.py", "CLIP.clip_layer", "layer_idx"),
    *each(has, "comfy/sd.py", "CLIP", "clone"),
    *each(uses, "nodes.py", "CLIPSetLastLayer.set_last_layer", "clone clip_layer"),
    *ordered(takes, "comfy/sd1_clip.py", "SDTokenizer.decode", "token_ids"),
    *each(sets, "comfy/sd1_clip.py", "SDTokenizer.__init__", "embedding_size"),
    *each(says, "comfy/sd1_clip.py", "SD1Tokenizer.__init__", "clip_{}"),
    *each(sets, "comfy/sdxl_clip.py", "SDXLTokenizer.__init__", "clip_l clip_g"),
    *each(
        says, "comfy_extras/nodes_clip_sdxl.py", "CLIPTextEncodeSDXL.execute", "width height crop_w crop_h target_width"
    ),
    *each(says, "comfy_extras/nodes_clip_sdxl.py", "CLIPTextEncodeSDXL.execute", "target_height"),
    *each(uses, "comfy/conds.py", "CONDRegular.process_cond", "repeat_to_batch_size"),
    # latents and sampling
    *each(says, "nodes.py", "EmptyLatentImage.generate", "samples downscale_ratio_spacial"),
    *each(says, "nodes.py", "common_ksampler", "downscale_ratio_spacial"),
    *each(has, "comfy/latent_formats.py", "LatentFormat", "latent_channels latent_dimensions spacial_downscale_ratio"),
    *each(has, "comfy/sd.py", "VAE", "spacial_compression_encode"),
    *each(says, "comfy_extras/nodes_flux.py", "FluxGuidance.execute", "guidance"),
    *ordered(
        takes, "comfy/samplers.py", "KSampler.__init__", "model steps device sampler scheduler denoise model_options"
    ),
    *each(sets, "comfy/samplers.py", "KSampler.set_steps", "sigmas"),
    *each(sets, "comfy/model_patcher.py", "ModelPatcher.__init__", "model_options load_device"),
    *each(sets, "comfy/model_base.py", "BaseModel.__init__", "latent_format"),
    *ordered(takes, "comfy/model_patcher.py", "ModelPatcher.get_model_object", "name"),
    *each(has, "latent_preview.py", "", "get_previewer"),
    *each(has, "latent_preview.py", "LatentPreviewer", "decode_latent_to_preview_image"),
    *ordered(takes, "latent_preview.py", "get_previewer", "device latent_format"),
    *ordered(takes, "latent_preview.py", "LatentPreviewer.decode_latent_to_preview_image", "preview_format x0"),
    # resonance/host/core_text.py
    *ordered(takes, "comfy/sd.py", "CLIP.generate", "tokens do_sample max_length temperature top_k top_p min_p"),
    *each(takes, "comfy/sd.py", "CLIP.generate", "repetition_penalty seed"),
    *ordered(takes, "comfy/sd.py", "CLIP.decode", "token_ids"),
    *each(sets, "comfy/sd.py", "CLIP.__init__", "cond_stage_model tokenizer"),
    *each(has, LLAMA, "BaseGenerate", "sample_token"),
    *each(uses, LLAMA, "BaseGenerate.generate", "sample_token model config stop_tokens"),
    *each(has, LLAMA, "Qwen3_4BConfig", "stop_tokens"),
    *each(has, LLAMA, "Gemma3_4B_Vision", "preprocess_embed"),
    *each(has, QWEN, "Qwen3VL", "preprocess_embed"),
    *each(uses, "comfy/sd1_clip.py", "SDClipModel.process_tokens", "preprocess_embed"),
    *each(sets, "comfy/sd1_clip.py", "SD1Tokenizer.__init__", "clip_name clip"),
    *each(says, "comfy/sd1_clip.py", "SDTokenizer.tokenize_with_weights", "min_length"),
    *each(sets, QWEN, "Qwen3VLTokenizer.__init__", "llama_template"),
    *each(takes, QWEN, "Qwen3VLTokenizer.tokenize_with_weights", "llama_template images"),
    *each(sets, "comfy/text_encoders/z_image.py", "ZImageTokenizer.__init__", "llama_template"),
    *each(takes, "comfy/text_encoders/z_image.py", "ZImageTokenizer.tokenize_with_weights", "llama_template"),
    *each(
        takes, "comfy/text_encoders/qwen35.py", "Qwen35ImageTokenizer.tokenize_with_weights", "llama_template images"
    ),
    *each(takes, "comfy/text_encoders/lt.py", "Gemma3_Tokenizer.tokenize_with_weights", "image skip_template"),
    *each(
        takes, "comfy/text_encoders/gemma4.py", "Gemma4_Tokenizer.tokenize_with_weights", "image skip_template thinking"
    ),
    # resonance/host/core_gradient.py
    *each(has, "comfy/model_patcher.py", "ModelPatcher", "is_dynamic model_size loaded_size get_model_object"),
    *each(
        has,
        "comfy/model_patcher.py",
        "ModelPatcher",
        "get_additional_models_with_key set_additional_models set_model_sampler_post_cfg_function"
        " prepare_hook_patches_current_keyframe apply_hooks",
    ),
    *each(has, "comfy/controlnet.py", "ControlNet", "get_control"),
    # resonance/host/core_control.py
    *each(
        has,
        "comfy/controlnet.py",
        "ControlBase",
        "pre_run cleanup get_models get_extra_hooks set_previous_controlnet inference_memory_requirements deepclone_multigpu"
        " set_cond_hint",
    ),
    *ordered(
        takes, "comfy/controlnet.py", "ControlBase.set_cond_hint", "cond_hint strength timestep_percent_range vae"
    ),
    *ordered(takes, "comfy/controlnet.py", "ControlBase.pre_run", "model percent_to_timestep_function"),
    *each(says, "nodes.py", "ControlNetApplyAdvanced.apply_controlnet", "control control_apply_to_uncond"),
    *each(says, "comfy/samplers.py", "CFGGuider.inner_sample", "sample_sigmas"),
    *each(says, ATTENTION, "BasicTransformerBlock.forward", "attn1_patch attn2_patch"),
    *each(uses, "comfy/model_patcher.py", "ModelPatcher.cleanup", "model_patches_call_function"),
    *each(sets, ATTENTION, "BasicTransformerBlock.__init__", "attn1"),
    *each(has, "comfy/model_patcher.py", "ModelPatcherDynamic", "get_non_dynamic_delegate"),
    *ordered(takes, "comfy/model_patcher.py", "ModelPatcher.get_additional_models_with_key", "key"),
    *ordered(takes, "comfy/model_patcher.py", "ModelPatcher.set_additional_models", "key models"),
    *ordered(takes, "comfy/model_patcher.py", "ModelPatcher.set_model_sampler_post_cfg_function", "post_cfg_function"),
    *ordered(takes, "comfy/model_patcher.py", "ModelPatcher.prepare_hook_patches_current_keyframe", "t hook_group"),
    *ordered(takes, "comfy/model_patcher.py", "ModelPatcher.apply_hooks", "hooks"),
    *each(sets, "comfy/model_patcher.py", "ModelPatcher.__init__", "current_hooks"),
    *each(sets, "comfy/model_base.py", "BaseModel.__init__", "current_patcher"),
    *ordered(takes, "comfy/model_base.py", "BaseModel.memory_required", "input_shape"),
    *each(has, "comfy/model_base.py", "BaseModel", "get_dtype_inference"),
    *each(has, "comfy/patcher_extension.py", "WrappersMP", "PREPARE_SAMPLING"),
    *ordered(takes, "comfy/sampler_helpers.py", "_prepare_sampling", "model noise_shape conds model_options"),
    *each(uses, "comfy/sampler_helpers.py", "prepare_sampling", "PREPARE_SAMPLING"),
    *each(uses, "comfy/sampler_helpers.py", "_prepare_sampling", "get_nested_additional_models load_models_gpu"),
    *each(says, "comfy/sampler_helpers.py", "preprocess_multigpu_conds", "multigpu"),
    *ordered(takes, "comfy/model_management.py", "load_models_gpu", "models memory_required"),
    *each(takes, "comfy/model_management.py", "load_models_gpu", "force_full_load"),
    *each(has, "comfy/model_management.py", "", "get_free_memory"),
    *each(sets, "comfy/sd.py", "VAE.__init__", "patcher vae_dtype device process_output memory_used_decode latent_dim"),
    *each(has, "comfy/latent_formats.py", "LatentFormat", "process_out"),
    *ordered(takes, "comfy/samplers.py", "calc_cond_batch", "model conds x_in timestep model_options"),
    *each(says, "comfy/samplers.py", "_calc_cond_batch", "model_function_wrapper control input c"),
    *each(says, "comfy/samplers.py", "get_area_and_mult", "hooks control"),
    *each(
        says,
        "comfy/samplers.py",
        "cfg_function",
        "input sigma denoised cond_denoised uncond_denoised uncond model cond",
    ),
    *each(says, "comfy/samplers.py", "cfg_function", "model_options sampler_post_cfg_function"),
    *each(has, "comfy/conds.py", "CONDRegular", "_copy_with"),
    *ordered(
        takes, "comfy/controlnet.py", "ControlNet.get_control", "x_noisy t cond batched_number transformer_options"
    ),
    *each(has, ATTENTION, "", "attention_pytorch"),
    # resonance/host/core_lora.py
    *each(has, "comfy/lora.py", "", "load_lora model_lora_keys_unet model_lora_keys_clip"),
    *each(has, "comfy/lora_convert.py", "", "convert_lora"),
    *each(has, "comfy/hooks.py", "", "create_hook_lora set_hooks_for_conditioning"),
    *each(has, "comfy/hooks.py", "HookGroup", "combine_all_hooks"),
    *ordered(takes, "comfy/lora.py", "load_lora", "lora to_load log_missing"),
    *ordered(takes, "comfy/lora.py", "model_lora_keys_unet", "model key_map"),
    *ordered(takes, "comfy/lora.py", "model_lora_keys_clip", "model key_map"),
    *each(says, "comfy/lora.py", "load_lora", "diff set"),
    *each(says, "comfy/lora.py", "model_lora_keys_unet", "diffusion_model. .weight lora_unet_{} lycoris_{} unet."),
    *ordered(takes, "comfy/lora_convert.py", "convert_lora", "sd"),
    *each(has, "comfy/weight_adapter/base.py", "", "WeightAdapterBase"),
    *each(has, "comfy/weight_adapter/base.py", "WeightAdapterBase", "name weights calculate_weight"),
    *(
        row
        for kind, weights in ADAPTERS.items()
        for row in (
            *ordered(tuples, f"comfy/weight_adapter/{kind.lower()}.py", f"{kind}Adapter.load", weights),
            *ordered(
                takes, f"comfy/weight_adapter/{kind.lower()}.py", f"{kind}Adapter.__init__", "loaded_keys weights"
            ),
            *ordered(
                takes,
                f"comfy/weight_adapter/{kind.lower()}.py",
                f"{kind}Adapter.calculate_weight",
                "weight key strength strength_model offset function",
            ),
        )
    ),
    *ordered(takes, "comfy/sd.py", "CLIP.add_patches", "patches strength_patch"),
    *ordered(takes, "comfy/model_patcher.py", "ModelPatcher.add_patches", "patches strength_patch"),
    *each(sets, "comfy/model_patcher.py", "ModelPatcher.clone", "parent"),
    *each(sets, "comfy/sd.py", "CLIP.clone", "patcher"),
    *each(sets, "comfy/sd.py", "CLIP.__init__", "cond_stage_model"),
    *ordered(takes, "comfy/hooks.py", "HookGroup.combine_all_hooks", "hooks_list"),
    *ordered(takes, "comfy/hooks.py", "create_hook_lora", "lora strength_model strength_clip"),
    *ordered(takes, "comfy/hooks.py", "set_hooks_for_conditioning", "cond hooks"),
    *each(sets, ATTENTION, "SpatialTransformer.__init__", "norm proj_in proj_out"),
    *each(sets, UNET, "ResBlock.__init__", "in_layers emb_layers"),
    *each(uses, UNET, "ResBlock._forward", "in_layers emb_layers"),
    *each(sets, UNET, "UNetModel.__init__", "time_embed label_emb"),
    # resonance/host/core_sampling.py: conditionings
    *each(sets, "comfy/samplers.py", "CFGGuider.__init__", "model_patcher model_options"),
    *each(sets, "comfy/samplers.py", "CFGGuider.sample", "conds"),
    *each(sets, "comfy/samplers.py", "CFGGuider.outer_sample", "inner_model"),
    *each(sets, "comfy/samplers.py", "CFGGuider.inner_sample", "latent_shapes"),
    *each(uses, "comfy/samplers.py", "CFGGuider.inner_sample", "process_conds SAMPLER_SAMPLE"),
    *each(says, "comfy/samplers.py", "CFGGuider.inner_sample", "model_options transformer_options seed"),
    *ordered(
        takes,
        "comfy/samplers.py",
        "KSAMPLER.sample",
        "model_wrap sigmas extra_args callback noise latent_image denoise_mask",
    ),
    *each(uses, "comfy/samplers.py", "process_conds", "encode_model_conds extra_conds"),
    *ordered(takes, "comfy/samplers.py", "encode_model_conds", "model_function conds noise device prompt_type"),
    *each(says, "comfy/samplers.py", "encode_model_conds", "model_conds"),
    *each(takes, "comfy/samplers.py", "process_conds", "latent_image denoise_mask seed latent_shapes"),
    *each(says, "comfy/samplers.py", "get_area_and_mult", "area mask mask_strength uuid model_conds"),
    *each(says, "comfy/samplers.py", "resolve_areas_and_cond_masks_multidim", "set_area_to_bounds"),
    *each(
        says,
        "comfy/samplers.py",
        "calculate_start_end_timesteps",
        "start_percent end_percent timestep_start timestep_end",
    ),
    *each(says, "comfy/samplers.py", "pre_run_control", "control"),
    *each(says, "comfy/sampler_helpers.py", "convert_cond", "cross_attn uuid model_conds"),
    *each(says, "comfy/model_base.py", "BaseModel.extra_conds", "cross_attn c_crossattn crossattn_controlnet"),
    *each(uses, "comfy/model_base.py", "BaseModel.extra_conds", "CONDCrossAttn"),
    *each(sets, "comfy/conds.py", "CONDRegular.__init__", "cond"),
    *each(uses, "comfy/conds.py", "CONDCrossAttn.can_concat", "lcm"),
    *each(uses, "comfy/conds.py", "CONDCrossAttn.concat", "lcm repeat"),
    *each(says, "comfy/controlnet.py", "ControlNet.get_control", "crossattn_controlnet"),
    *each(sets, "comfy/model_base.py", "BaseModel.__init__", "model_config model_sampling diffusion_model"),
    *ordered(takes, "comfy/model_sampling.py", "ModelSamplingDiscrete.percent_to_sigma", "percent"),
    # pictures
    *each(has, "comfy/model_base.py", "", "SD21UNCLIP SDXL SDXLRefiner Flux"),
    *each(sets, "comfy/model_base.py", "SD21UNCLIP.__init__", "noise_augmentor"),
    *each(sets, "comfy/model_base.py", "SDXL.__init__", "noise_augmentor"),
    *each(sets, "comfy/model_base.py", "SDXLRefiner.__init__", "noise_augmentor"),
    *each(uses, "comfy/model_base.py", "unclip_adm", "time_embed dim image_embeds"),
    *each(says, "comfy/model_base.py", "unclip_adm", "clip_vision_output strength noise_augmentation"),
    *each(says, "comfy/model_base.py", "SD21UNCLIP.encode_adm", "unclip_conditioning"),
    *each(says, "comfy/model_base.py", "sdxl_pooled", "unclip_conditioning"),
    *ordered(takes, "comfy/clip_vision.py", "ClipVisionModel.encode_image", "image crop"),
    *each(
        says,
        "comfy/clip_vision.py",
        "ClipVisionModel.encode_image",
        "last_hidden_state penultimate_hidden_states image_embeds",
    ),
    *each(uses, "comfy/sd.py", "StyleModel.get_cond", "last_hidden_state"),
    *each(sets, "comfy/sd.py", "StyleModel.__init__", "model"),
    *each(sets, "comfy/t2i_adapter/adapter.py", "StyleAdapter.__init__", "style_embedding proj"),
    *each(sets, "comfy/ldm/flux/redux.py", "ReduxImageEncoder.__init__", "redux_up redux_down"),
    # what the function of a sampler is given
    *each(uses, "comfy/samplers.py", "KSAMPLER.sample", "KSamplerX0Inpaint disable_pbar"),
    *each(says, "comfy/samplers.py", "KSAMPLER.sample", "denoise_mask"),
    *each(sets, "comfy/samplers.py", "KSamplerX0Inpaint.__init__", "inner_model"),
    *each(sets, "comfy/samplers.py", "CFGGuider.__init__", "model_patcher"),
    *each(uses, "comfy/samplers.py", "CFGGuider.predict_noise", "conds"),
    *each(says, "comfy/samplers.py", "get_area_and_mult", "gligen"),
    *each(says, "comfy/model_base.py", "BaseModel.extra_conds", "c_concat"),
    *each(has, "comfy/model_sampling.py", "", "ModelSamplingDiscrete"),
    *ordered(takes, "comfy/model_sampling.py", "ModelSamplingDiscrete.timestep", "sigma"),
    *ordered(takes, "comfy/model_patcher.py", "ModelPatcher.get_model_object", "name"),
    *each(has, SAMPLERS, "", "trange get_ancestral_step"),
    *ordered(takes, SAMPLERS, "get_ancestral_step", "sigma_from sigma_to"),
    *each(says, SAMPLERS, "sample_euler_ancestral", "x i sigma sigma_hat denoised"),
    *ordered(takes, "comfy/samplers.py", "ksampler", "sampler_name"),
    # runs, steps and calls
    *each(has, "comfy/patcher_extension.py", "WrappersMP", "SAMPLER_SAMPLE PREDICT_NOISE APPLY_MODEL"),
    *ordered(takes, "comfy/model_patcher.py", "ModelPatcher.add_wrapper_with_key", "wrapper_type key wrapper"),
    *ordered(takes, "comfy/model_patcher.py", "ModelPatcher.remove_wrappers_with_key", "wrapper_type key"),
    *ordered(takes, "comfy/model_patcher.py", "ModelPatcher.set_attachments", "key attachment"),
    *ordered(takes, "comfy/model_patcher.py", "ModelPatcher.get_attachment", "key"),
    *ordered(takes, "comfy/samplers.py", "CFGGuider.outer_predict_noise", "x timestep model_options seed"),
    *each(uses, "comfy/samplers.py", "CFGGuider.outer_predict_noise", "PREDICT_NOISE"),
    *ordered(
        takes,
        "comfy/model_base.py",
        "BaseModel._apply_model",
        "x t c_concat c_crossattn control transformer_options",
    ),
    *each(uses, "comfy/model_base.py", "BaseModel.apply_model", "APPLY_MODEL"),
    *each(says, "comfy/samplers.py", "_calc_cond_batch", "transformer_options cond_or_uncond uuids sigmas"),
    *each(says, "comfy/sampler_helpers.py", "prepare_model_patcher", "wrappers transformer_options"),
    *each(says, "comfy/sampler_helpers.py", "prepare_model_patcher_multigpu_clones", "multigpu_clones"),
    *each(says, "comfy_api/torch_helpers/torch_compile.py", "", "torch.compile"),
    *each(uses, "comfy_api/torch_helpers/torch_compile.py", "set_torch_compile_wrapper", "APPLY_MODEL"),
    # guidance
    *each(has, "comfy/patcher_extension.py", "WrappersMP", "OUTER_SAMPLE CALC_COND_BATCH"),
    *ordered(
        takes,
        "comfy/patcher_extension.py",
        "add_wrapper_with_key",
        "wrapper_type key wrapper transformer_options is_model_options",
    ),
    *each(uses, "comfy/samplers.py", "CFGGuider.sample", "OUTER_SAMPLE conds model_options create_model_options_clone"),
    *each(uses, "comfy/samplers.py", "_calc_cond_batch_outer", "CALC_COND_BATCH"),
    *ordered(takes, "comfy/samplers.py", "_calc_cond_batch", "model conds x_in timestep model_options"),
    *each(uses, "comfy/samplers.py", "sampling_function", "calc_cond_batch"),
    *each(sets, "comfy/samplers.py", "CFGGuider.__init__", "cfg"),
    *each(says, "comfy/samplers.py", "CFGGuider.set_conds", "positive negative"),
    *each(says, "comfy/samplers.py", "encode_model_conds", "prompt_type"),
    # resonance/host/core_unet.py
    *each(has, "comfy/patcher_extension.py", "WrappersMP", "DIFFUSION_MODEL"),
    *each(uses, UNET, "UNetModel.forward", "DIFFUSION_MODEL"),
    *ordered(takes, UNET, "UNetModel._forward", "x timesteps context y control transformer_options"),
    *each(says, UNET, "UNetModel._forward", "block input output input_block_patch_after_skip output_block_patch"),
    *each(sets, UNET, "UNetModel.__init__", "out"),
    *each(uses, UNET, "UNetModel._forward", "out apply_control"),
    *each(uses, UNET, "apply_control", "pop"),
    *each(
        has,
        "comfy/model_patcher.py",
        "ModelPatcher",
        "set_model_input_block_patch_after_skip set_model_output_block_patch",
    ),
    *ordered(takes, "comfy/model_patcher.py", "ModelPatcher.set_model_input_block_patch_after_skip", "patch"),
    *ordered(takes, "comfy/model_patcher.py", "ModelPatcher.set_model_output_block_patch", "patch"),
    *each(says, "comfy/controlnet.py", "ControlBase.control_merge", "input middle output"),
    # resonance/host/core_joint.py
    *each(says, "comfy_extras/nodes_edit_model.py", "ReferenceLatent.execute", "reference_latents"),
    *each(
        says, "comfy_extras/nodes_flux.py", "FluxKontextMultiReferenceLatentMethod.execute", "reference_latents_method"
    ),
    *(
        row
        for file, model, blocks in (
            ("flux", "Flux", "Flux.forward_orig"),
            ("qwen_image", "QwenImageTransformer2DModel", "QwenImageTransformer2DModel._forward"),
            ("mage_flow", "MageFlowTransformer2DModel", "MageFlowTransformer2DModel._forward"),
            ("krea2", "SingleStreamDiT", "SingleStreamDiT._forward"),
        )
        for row in (
            *each(says, f"comfy/ldm/{file}/model.py", f"{model}._forward", "reference_image_num_tokens"),
            *each(says, f"comfy/ldm/{file}/model.py", blocks, "block_index"),
        )
    ),
    *each(
        has,
        "comfy/model_base.py",
        "",
        "Flux Flux2 LongCatImage QwenImage MageFlow Krea2 Omnigen2 Boogu JoyImage Lumina2",
    ),
    *each(says, "comfy/model_base.py", "Flux.extra_conds", "reference_latents reference_latents_method"),
    *each(sets, "comfy/ldm/flux/model.py", "Flux.__init__", "in_channels out_channels"),
    *each(has, "comfy/latent_formats.py", "LatentFormat", "latent_channels"),
    *each(sets, "comfy/sd.py", "VAE.__init__", "latent_channels"),
    *each(sets, "comfy/ldm/krea2/model.py", "SingleStreamDiT.__init__", "default_ref_method"),
    *each(sets, "comfy/ldm/lumina/model.py", "NextDiT.__init__", "siglip_embedder"),
    *each(has, "comfy_extras/nodes_qwen.py", "", "TextEncodeQwenImageEditPlus"),
    *each(has, "comfy_extras/nodes_mage.py", "", "TextEncodeMageFlowEdit"),
    *each(has, "comfy_extras/nodes_boogu.py", "", "TextEncodeBooguEdit"),
    *each(has, "comfy_extras/nodes_joyimage.py", "", "TextEncodeJoyImageEdit"),
    *each(has, "comfy_extras/nodes_zimage.py", "", "TextEncodeZImageOmni"),
    *each(says, "nodes.py", "StyleModelApply.apply_stylemodel", "attention_mask"),
    # resonance/host/core_noise.py
    *each(has, "comfy/samplers.py", "", "KSAMPLER"),
    *each(sets, "comfy/samplers.py", "KSAMPLER.__init__", "sampler_function extra_options inpaint_options"),
    *each(uses, "comfy/samplers.py", "KSAMPLER.sample", "sampler_function extra_options extra_args"),
    *each(sets, "comfy/samplers.py", "KSAMPLER.sample", "noise"),
    *each(says, "comfy/samplers.py", "KSAMPLER.sample", "random seed"),
    *each(says, "comfy/samplers.py", "sampler_object", "random"),
    *each(has, SAMPLERS, "", "default_noise_sampler BrownianTreeNoiseSampler"),
    *ordered(takes, SAMPLERS, "default_noise_sampler", "x seed"),
    *ordered(takes, SAMPLERS, "BrownianTreeNoiseSampler.__init__", "x sigma_min sigma_max seed"),
    *each(takes, SAMPLERS, "BrownianTreeNoiseSampler.__init__", "cpu"),
    *ordered(takes, SAMPLERS, "sample_euler_ancestral", "model x sigmas extra_args"),
    *each(takes, SAMPLERS, "sample_euler_ancestral", "noise_sampler"),
    *each(uses, SAMPLERS, "sample_euler_ancestral", "default_noise_sampler"),
    *each(takes, SAMPLERS, "sample_dpmpp_2m_sde", "noise_sampler"),
    *each(uses, SAMPLERS, "sample_dpmpp_2m_sde", "BrownianTreeNoiseSampler"),
    *each(has, "comfy/nested_tensor.py", "", "cat_nested"),
    *each(sets, "comfy/nested_tensor.py", "NestedTensor.__init__", "is_nested"),
    *each(says, "comfy_extras/nodes_custom_sampler.py", "Noise_RandomNoise.generate_noise", "samples batch_index"),
    *each(uses, "comfy_extras/nodes_custom_sampler.py", "SamplerCustomAdvanced.execute", "generate_noise seed"),
    # resonance/host/core_attention.py
    *each(has, ATTENTION, "", "optimized_attention get_attn_precision SpatialTransformer"),
    *ordered(takes, ATTENTION, "get_attn_precision", "attn_precision current_dtype"),
    *ordered(takes, ATTENTION, "attention_pytorch", "q k v heads mask attn_precision skip_reshape"),
    *each(says, ATTENTION, "wrap_attn", "transformer_options optimized_attention_override"),
    *each(says, ATTENTION, "BasicTransformerBlock.forward", "patches_replace attn1 attn2 block n_heads attn_precision"),
    *each(says, ATTENTION, "BasicTransformerBlock.forward", "patches attn2_patch"),
    *ordered(tuples, ATTENTION, "BasicTransformerBlock.forward", "block"),
    *ordered(tuples, ATTENTION, "BasicTransformerBlock.forward", "block_index", first=2),
    *each(sets, ATTENTION, "BasicTransformerBlock.__init__", "attn2"),
    *each(sets, ATTENTION, "CrossAttention.__init__", "to_k to_v"),
    *each(says, ATTENTION, "SpatialTransformer.forward", "activations_shape"),
    *each(sets, ATTENTION, "SpatialTransformer.__init__", "transformer_blocks"),
    *each(
        sets,
        "comfy/ldm/modules/diffusionmodules/openaimodel.py",
        "UNetModel.__init__",
        "input_blocks middle_block output_blocks",
    ),
    # resonance/host/core_vision.py
    *each(
        sets, "comfy/clip_vision.py", "ClipVisionModel.__init__", "model patcher config dtype load_device model_type"
    ),
    *each(sets, "comfy/clip_vision.py", "ClipVisionModel.__init__", "image_size image_mean image_std"),
    *each(says, "comfy/clip_vision.py", "", "clip_vision_model"),
    *each(has, "comfy/clip_vision.py", "ClipVisionModel", "get_sd"),
    *each(has, "comfy/ops.py", "", "manual_cast"),
    *each(sets, "comfy/model_patcher.py", "ModelPatcher.__init__", "offload_device"),
    *each(has, "comfy/model_patcher.py", "ModelPatcher", "is_dynamic"),
    *each(has, "comfy/clip_model.py", "", "CLIPLayer CLIPVisionModelProjection"),
    *ordered(takes, "comfy/clip_model.py", "CLIPVisionModelProjection.__init__", "config_dict dtype device operations"),
    *each(sets, "comfy/clip_model.py", "CLIPVisionModelProjection.__init__", "vision_model visual_projection"),
    *ordered(takes, "comfy/clip_model.py", "CLIPVision.forward", "pixel_values"),
    *ordered(tuples, "comfy/clip_model.py", "CLIPVision.forward", "x i pooled_output"),
    *ordered(takes, "comfy/clip_model.py", "CLIPLayer.forward", "x mask optimized_attention"),
    *each(sets, "comfy/clip_model.py", "CLIPLayer.__init__", "layer_norm1 self_attn layer_norm2 mlp"),
    *ordered(takes, "comfy/clip_model.py", "CLIPAttention.forward", "x mask optimized_attention"),
    # resonance/host/families
    *each(has, "comfy/supported_models.py", "", "SD15 SD20 SDXL"),
    # What core's own nodes and most packs use, wherever it is needed
    *each(has, "folder_paths.py", "", "models_dir folder_names_and_paths add_model_folder_path get_folder_paths"),
    *each(has, "folder_paths.py", "", "get_filename_list get_full_path get_system_user_directory"),
    *each(has, "folder_paths.py", "", "get_input_directory get_output_directory get_temp_directory"),
    *ordered(
        takes,
        "comfy/sample.py",
        "sample",
        "model noise steps cfg sampler_name scheduler positive negative latent_image",
    ),
    *each(takes, "comfy/sample.py", "sample", "noise_mask sigmas callback disable_pbar seed"),
    *ordered(takes, "comfy/sample.py", "prepare_noise", "latent_image seed noise_inds"),
    *ordered(takes, "comfy/sample.py", "fix_empty_latent_channels", "model latent_image"),
    *each(uses, "comfy_extras/nodes_custom_sampler.py", "SamplerCustomAdvanced.execute", "generate_noise seed"),
    *each(has, "comfy/samplers.py", "KSampler", "SAMPLERS SCHEDULERS"),
    *each(has, "comfy/model_management.py", "", "InterruptProcessingException processing_interrupted"),
    *each(has, "comfy/model_management.py", "", "throw_exception_if_processing_interrupted"),
    *each(has, "comfy/model_management.py", "", "intermediate_device intermediate_dtype get_torch_device"),
    *each(has, "comfy/model_management.py", "", "unet_offload_device get_free_memory"),
    *ordered(takes, "comfy/model_management.py", "load_models_gpu", "models memory_required"),
    *each(takes, "comfy/model_management.py", "load_models_gpu", "force_full_load"),
    *ordered(takes, "comfy/model_management.py", "free_memory", "memory_required device"),
    *ordered(takes, "comfy/model_patcher.py", "ModelPatcher.__init__", "model load_device offload_device"),
    *each(has, "comfy/utils.py", "", "PROGRESS_BAR_ENABLED"),
    *ordered(takes, "comfy/utils.py", "ProgressBar.__init__", "total node_id"),
    *ordered(takes, "comfy/utils.py", "ProgressBar.update_absolute", "value total preview"),
    *ordered(takes, "comfy/utils.py", "ProgressBar.update", "value"),
    *ordered(takes, "comfy/utils.py", "load_torch_file", "ckpt safe_load"),
    *each(takes, "comfy/utils.py", "load_torch_file", "return_metadata"),
    *ordered(takes, "comfy/utils.py", "common_upscale", "samples width height upscale_method crop"),
    *each(uses, "comfy/utils.py", "common_upscale", "interpolate"),
    *each(says, "nodes.py", "SetLatentNoiseMask.set_mask", "noise_mask"),
    *each(says, "folder_paths.py", "", "latent_upscale_models"),
    *each(has, "comfy/latent_formats.py", "", "SD15"),
    *each(uses, "comfy/supported_models.py", "SD15", "SD15"),
    *ordered(takes, "comfy/sd.py", "load_checkpoint_guess_config", "ckpt_path"),
    *each(takes, "comfy/sd.py", "load_checkpoint_guess_config", "embedding_directory"),
    *ordered(tuples, "comfy/sd.py", "load_state_dict_guess_config", "model_patcher clip vae"),
    *ordered(
        takes, "comfy/sd.py", "load_lora_for_models", "model clip lora strength_model strength_clip lora_metadata"
    ),
    *each(takes, "comfy/sd.py", "VAE.__init__", "sd metadata"),
    *each(has, "comfy/sd.py", "VAE", "throw_exception_if_invalid encode decode"),
    *ordered(takes, "comfy_execution/graph_utils.py", "ExecutionBlocker.__init__", "message"),
    # comfy_api.v0_0_2, which nodes are written against
    *each(has, "comfy_api/v0_0_2/__init__.py", "", "io ui ComfyExtension"),
    *each(has, "comfy_api/latest/__init__.py", "ComfyExtension", "on_load get_node_list"),
    *each(has, "comfy_api/latest/_io.py", "Hidden", "unique_id prompt dynprompt extra_pnginfo"),
    *each(has, "comfy_api/latest/_io.py", "Schema", "node_id display_name category description search_aliases"),
    *each(has, "comfy_api/latest/_io.py", "Schema", "inputs outputs hidden is_input_list is_output_node is_deprecated"),
    *each(has, "comfy_api/latest/_io.py", "Schema", "not_idempotent has_intermediate_output"),
    *each(takes, "comfy_api/latest/_io.py", "NodeOutput.__init__", "ui"),
]


def lost(row: Row, node: ast.AST | None) -> str:
    """What is to be told if that class, function or file lacks the attribute; empty: it has it."""
    if node and row.kind(node, row):
        return ""
    return f"ComfyUI has moved {row.name!r}, on which Resonance relies. No more so in {row}"


def found(row: Row) -> ast.AST | None:
    """Where a row is to be looked up in ComfyUI."""
    node: ast.AST | None = _read(row.file)
    for name in filter(None, row.where.split(".")):
        node = next((each for each in _definitions(node) if each.name == name), None) if node else None
    return node


def renamed(row: Row) -> ast.AST | None:
    """The same in a copy of the file in which the name is another one everywhere. Parsed is no more than that needs."""
    original = found(row)
    if isinstance(original, ast.Module):
        parts = [part for line in original.body for part in _again(row, line)]
        return ast.Module(parts, [])
    assert isinstance(original, Definition)
    [copy] = _again(row, original)
    return copy if isinstance(copy, Definition) and copy.name == original.name else None


def _again(row: Row, part: ast.stmt) -> list[ast.stmt]:
    word, lines = re.compile(rf"(?<!\w){re.escape(row.name)}(?!\w)"), _lines(row.file)
    text = "\n".join(lines[part.lineno - 1 : part.end_lineno])
    if not word.search(text):
        return [part]
    [block] = ast.parse(
        "if True:\n" + word.sub(f"{row.name}_renamed", text if part.col_offset else indent(text, " "))
    ).body
    assert isinstance(block, ast.If)
    return block.body


def _definitions(node: ast.AST) -> Iterator[Definition]:
    """Classes and functions in another, those of no depth first."""
    return (each for each in ast.walk(node) if each is not node and isinstance(each, Definition))


@cache
def _lines(file: str) -> list[str]:
    comfyui = find_comfyui()
    assert comfyui, "no ComfyUI"
    return (comfyui / file).read_text(encoding="utf-8").split("\n")


@cache
def _read(file: str) -> ast.Module:
    return ast.parse("\n".join(_lines(file)))
