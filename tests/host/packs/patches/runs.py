"""Looks into sampling runs, and acts in them as the features do that will stand on their owner."""

import contextlib
import json
import threading
from types import SimpleNamespace

import comfy.model_management
import comfy.model_patcher
import comfy.sample
import comfy.samplers
import torch
from comfy.conds import CONDNoiseShape
from comfy.k_diffusion.sampling import sample_euler
from comfy.ldm.modules.attention import attention_pytorch
from comfy.multigpu import MultiGPUThreadPool
from comfy.nested_tensor import NestedTensor
from comfy.patcher_extension import WrappersMP
from comfy_api.latest import io

from .looks import digest
from .tints import GREEN

SEEN = {}
"""What was seen, by the name that a node gave it."""


class Seen(io.ComfyNode):
    """What was seen under a name, as JSON, once ``after`` has run; then it is forgotten."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Seen",
            category="probe",
            inputs=[io.String.Input("name"), io.AnyType.Input("after", optional=True)],
            is_output_node=True,
            not_idempotent=True,
        )

    @classmethod
    def fingerprint_inputs(cls, **_):
        return float("nan")

    @classmethod
    def execute(cls, name, after=None):
        return io.NodeOutput(ui={"seen": [json.dumps(SEEN.pop(name, []))]})


def see(name, value):
    SEEN.setdefault(name, []).append(value)


class OnModel(io.ComfyNode):
    """From a MODEL to one that does something more."""

    more = ()
    """Inputs beside the model."""

    @classmethod
    def define_schema(cls):
        inputs = [io.Model.Input("model"), *cls.more]
        return io.Schema(node_id=cls.__name__, category="probe", inputs=inputs, outputs=[io.Model.Output()])


class WatchCalls(io.ComfyNode):
    """Notes, at each call of the model, how many entries it was asked for at once, in which length of text, and where the generator
    of random numbers stands."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="WatchCalls",
            category="probe",
            inputs=[io.Model.Input("model"), io.String.Input("name")],
            outputs=[io.Model.Output()],
        )

    @classmethod
    def execute(cls, model, name):
        def call(executor, x, t, c_concat, c_crossattn, control, transformer_options, **kwargs):
            see(name, [len(transformer_options["uuids"]), c_crossattn.shape[1], digest(torch.get_rng_state())])
            return executor(x, t, c_concat, c_crossattn, control, transformer_options, **kwargs)

        model = model.clone()
        model.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "watch", call)
        return io.NodeOutput(model)


class WatchText(OnModel):
    """Notes the text that the model is given at each call: its shape, and its mean by the last dimension."""

    more = (io.String.Input("name"),)

    @classmethod
    def execute(cls, model, name):
        def call(executor, x, t, c_concat, c_crossattn, *args, **kwargs):
            see(name, {"shape": list(c_crossattn.shape), "mean": c_crossattn.mean((0, 1)).tolist()})
            return executor(x, t, c_concat, c_crossattn, *args, **kwargs)

        model = model.clone()
        model.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "watch text", call)
        return io.NodeOutput(model)


class WatchKeys(OnModel):
    """Notes, at each call of a UNet, what each cross-attention makes keys and values of: the first four numbers of each token."""

    more = (io.String.Input("name"),)

    @classmethod
    def execute(cls, model, name):
        def call(executor, *args, **kwargs):
            read = {"to_k": [], "to_v": []}
            with contextlib.ExitStack() as stack:
                for path, module in executor.class_obj.named_modules():
                    if path.endswith(("attn2.to_k", "attn2.to_v")):

                        def note(module, args, seen=read[path[-4:]]):
                            seen.append(args[0][..., :4].tolist())

                        stack.callback(module.register_forward_pre_hook(note).remove)
                out = executor(*args, **kwargs)
            see(name, read)
            return out

        model = model.clone()
        model.add_wrapper_with_key(WrappersMP.DIFFUSION_MODEL, "watch keys", call)
        return io.NodeOutput(model)


class WatchMaps(OnModel):
    """Notes, at each call of a UNet, its time step and the height and width that come out of each input block, the middle block, each
    output block and the end."""

    more = (io.String.Input("name"),)

    @classmethod
    def execute(cls, model, name):
        def call(executor, x, timesteps, *args, **kwargs):
            unet, sizes = executor.class_obj, []
            with contextlib.ExitStack() as stack:
                # ComfyUI calls the layers of a block one by one.
                for block in (*unet.input_blocks, unet.middle_block or [], *unet.output_blocks, [unet.out]):
                    for layer in list(block)[-1:]:
                        hook = layer.register_forward_hook(lambda module, args, out: sizes.append(list(out.shape[2:])))
                        stack.callback(hook.remove)
                out = executor(x, timesteps, *args, **kwargs)
            see(name, [round(timesteps[0].item()), sizes])
            return out

        model = model.clone()
        model.add_wrapper_with_key(WrappersMP.DIFFUSION_MODEL, "watch maps", call)
        return io.NodeOutput(model)


class WatchSizes(OnModel):
    """Notes how high and wide the latent is at each call."""

    more = (io.String.Input("name"),)

    @classmethod
    def execute(cls, model, name):
        def call(executor, x, *args, **kwargs):
            see(name, list(x.shape[2:]))
            return executor(x, *args, **kwargs)

        model = model.clone()
        model.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "watch sizes", call)
        return io.NodeOutput(model)


class KeepSteps(OnModel):
    """Keeps what each step makes of the picture, for ``Step``."""

    more = (io.String.Input("name"),)

    @classmethod
    def execute(cls, model, name):
        def keep(args):
            see(name, model.model.process_latent_out(args["denoised"].cpu()))
            return args["denoised"]

        model = model.clone()
        model.set_model_sampler_post_cfg_function(keep)
        return io.NodeOutput(model)


class Step(io.ComfyNode):
    """A step that was kept, once ``after`` has run."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Step",
            category="probe",
            inputs=[io.String.Input("name"), io.Int.Input("number", min=-1000), io.AnyType.Input("after")],
            outputs=[io.Latent.Output()],
        )

    @classmethod
    def execute(cls, name, number, after):
        return io.NodeOutput({"samples": SEEN[name][number]})


class AsForInpainting(OnModel):
    """Has the model be given a picture to fill in, and its mask."""

    @classmethod
    def execute(cls, model):
        made = model.model.extra_conds

        def with_picture(**kwargs):
            return {**made(**kwargs), "c_concat": CONDNoiseShape(torch.zeros_like(kwargs["noise"]))}

        model = model.clone()
        model.add_object_patch("extra_conds", with_picture)
        return io.NodeOutput(model)


class OverrideAttention(OnModel):
    """An ``optimized_attention_override`` that notes its calls (entries, queries, keys, precision), and may tint what it gives."""

    more = (
        io.String.Input("name"),
        io.Float.Input("amount", default=0.0, min=-10, max=10),
    )

    @classmethod
    def execute(cls, model, name, amount):
        def override(func, q, k, v, heads, *args, **kwargs):
            options = kwargs["transformer_options"]
            assert len(q) % len(options["cond_or_uncond"]) == 0
            per_head = kwargs.get("skip_reshape", False)
            counts = [t.shape[2 if per_head else 1] for t in (q, k)]
            see(name, [options["cond_or_uncond"], *counts, str(kwargs["attn_precision"])])
            out = func(q, k, v, heads, *args, **kwargs).clone()
            if kwargs.get("skip_output_reshape", False):
                out[..., GREEN] += amount
            else:
                out[..., GREEN :: out.shape[-1] // heads] += amount
            return out

        model = model.clone()
        model.model_options["transformer_options"]["optimized_attention_override"] = override
        return io.NodeOutput(model)


class WatchControl(io.ComfyNode):
    """Notes the text that a ControlNet reads."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="WatchControl",
            category="probe",
            inputs=[io.ControlNet.Input("control_net"), io.String.Input("name")],
            outputs=[io.ControlNet.Output()],
        )

    @classmethod
    def execute(cls, control_net, name):
        control_net = control_net.copy()
        forward = control_net.control_model.forward

        def watched(*args, **kwargs):
            context = kwargs["context"]
            see(name, [list(context.shape), [digest(row) for row in context[:, :77]]])
            return forward(*args, **kwargs)

        control_net.control_model = SimpleModule(control_net.control_model, watched)
        return io.NodeOutput(control_net)


class SimpleModule(torch.nn.Module):
    """A module with another ``forward``."""

    def __init__(self, module, forward):
        super().__init__()
        self.module, self.forward = module, forward
        self.dtype = module.dtype


class GreenProcessor:
    order = 20

    def __init__(self, name):
        self.name = name

    def kinds(self):
        return frozenset({"cross"})

    def __call__(self, site, q, k, v, inner):
        rows = [row.entry and row.entry.kind for row in site.call.rows]
        see(self.name, [site.kind, site.place, site.number, site.grid, rows, round(site.call.timestep, 3)])
        out = inner(q, k, v).clone()
        for row in site.call.rows:
            if row.entry and self in row.entry.acts.processors:
                out[row.at][..., GREEN] += 1
        return out


class GreenLayer:
    def __init__(self, name):
        self.name = name

    def layers(self, model):
        return {"last": model.out[-1]}

    def __call__(self, call, name, module, x, out):
        see(self.name, [name, len(call.rows), list(out.shape)])
        out = out.clone()
        for row in call.rows:
            if row.entry and self in row.entry.acts.layers:
                out[row.at, GREEN] -= 0.2
        return out


class GreenStage:
    def __init__(self, name):
        self.name = name

    def before_step(self, x, sigma, i):
        see(self.name, ["before", i, round(sigma, 3)])
        return x

    def after_step(self, denoised, x, sigma, i):
        see(self.name, ["after", i, round(sigma, 3)])
        denoised = denoised.clone()
        denoised[:, GREEN] += 5
        return denoised


class Act(io.ComfyNode):
    """Lets a conditioning carry a processor, a layer or a stage; each makes the picture greener and notes its calls."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Act",
            category="probe",
            inputs=[
                io.Conditioning.Input("conditioning"),
                io.Combo.Input("what", options=["processors", "layers", "stages"]),
                io.String.Input("name"),
            ],
            outputs=[io.Conditioning.Output()],
        )

    @classmethod
    def execute(cls, conditioning, what, name):
        acting = {"processors": GreenProcessor, "layers": GreenLayer, "stages": GreenStage}[what](name)
        acts = SimpleNamespace(**{"processors": (), "layers": (), "stages": (), what: (acting,)})
        return io.NodeOutput([[tokens, {**values, "resonance_acts": acts}] for tokens, values in conditioning])


class AskNegative(io.ComfyNode):
    """Asks the model for the negative alone after each step, as some guidances do, and notes how far it is from the answer that
    it gave beside the positive."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="AskNegative",
            category="probe",
            inputs=[io.Model.Input("model"), io.String.Input("name")],
            outputs=[io.Model.Output()],
        )

    @classmethod
    def execute(cls, model, name):
        def ask(args):
            [alone] = comfy.samplers.calc_cond_batch(
                args["model"], [args["uncond"]], args["input"], args["sigma"], args["model_options"]
            )
            see(name, (alone - args["uncond_denoised"]).abs().max().item())
            return args["denoised"]

        model = model.clone()
        model.set_model_sampler_post_cfg_function(ask)
        return io.NodeOutput(model)


class SwapBlock(OnModel):
    """After each step, asks for the positive with self-attention of the middle block replaced for that time only, as perturbed
    attention guidance does, and notes how often the replacement was asked."""

    more = (io.String.Input("name"),)

    @classmethod
    def execute(cls, model, name):
        def replace(q, k, v, extra):
            see(name, list(q.shape))
            return v

        def ask(args):
            options = args["model_options"].copy()
            options = comfy.model_patcher.set_model_options_patch_replace(options, replace, "attn1", "middle", 0)
            comfy.samplers.calc_cond_batch(args["model"], [args["cond"]], args["input"], args["sigma"], options)
            return args["denoised"]

        model = model.clone()
        model.set_model_sampler_post_cfg_function(ask)
        return io.NodeOutput(model)


@contextlib.contextmanager
def ordinary(module):
    """Parameters and buffers as ordinary tensors on the same memory: those that were loaded in inference mode have no gradient."""
    swapped = []
    with torch.inference_mode(False):
        for part in module.modules():
            for table in (part._parameters, part._buffers):
                for name, tensor in table.items():
                    if tensor is not None and tensor.is_inference():
                        same = torch.empty(0, dtype=tensor.dtype, device=tensor.device).set_(
                            tensor.untyped_storage(), tensor.storage_offset(), tensor.size(), tensor.stride()
                        )
                        swapped.append((table, name, tensor))
                        table[name] = same if table is part._buffers else torch.nn.Parameter(same, False)
    try:
        yield
    finally:
        for table, name, tensor in swapped:
            table[name] = tensor


class WatchTurns(io.ComfyNode):
    """Notes which of the ControlNets that take turns is asked."""

    @classmethod
    def define_schema(cls):
        inputs = [io.Conditioning.Input("positive"), io.String.Input("name")]
        return io.Schema(node_id="WatchTurns", category="probe", inputs=inputs, outputs=[io.Conditioning.Output()])

    @classmethod
    def execute(cls, positive, name):
        made = []
        for tokens, values in positive:
            turns = values["control"].copy()
            for number, net in enumerate(turns.nets):
                ask = net.get_control
                net.get_control = lambda *args, number=number, ask=ask: (see(name, number), ask(*args))[1]
            made.append([tokens, {**values, "control": turns}])
        return io.NodeOutput(made)


class TakeGradient(OnModel):
    """From the second step on, takes a gradient through the model, and notes its size."""

    more = (io.String.Input("name"),)

    @classmethod
    def execute(cls, model, name):
        steps = []

        def predict(executor, x, timestep, model_options, seed):
            steps.append(1)
            if len(steps) == 1:
                return executor(x, timestep, model_options, seed)
            with torch.inference_mode(False), torch.enable_grad(), ordinary(executor.class_obj.inner_model):
                leaf = x.clone().requires_grad_()
                denoised = executor(leaf, timestep.clone(), model_options, seed)
                [gradient] = torch.autograd.grad(denoised.square().sum(), leaf)
            see(name, gradient.abs().max().item())
            return denoised.detach()

        model = model.clone()
        options = model.model_options["transformer_options"]
        options["optimized_attention_override"] = lambda _, *args, **kwargs: attention_pytorch(*args, **kwargs)
        model.add_wrapper_with_key(WrappersMP.PREDICT_NOISE, "gradient", predict)
        return io.NodeOutput(model)


def run(model, positive, negative, seed, callback=None, cfg=3.0, noise=None):
    latent = torch.zeros(1, 4, 8, 8)
    return comfy.sample.sample(
        model,
        comfy.sample.prepare_noise(latent, seed) if noise is None else noise,
        4,
        cfg,
        "euler",
        "normal",
        positive,
        negative,
        latent,
        callback=callback,
        disable_pbar=True,
    )


INPUTS = [io.Model.Input("model"), io.Conditioning.Input("positive"), io.Conditioning.Input("negative")]


class SampleInThreads(io.ComfyNode):
    """Samples with each of two pairs of conditionings, one after the other and in two threads: whether they are equal."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="SampleInThreads",
            category="probe",
            inputs=[*INPUTS, io.Conditioning.Input("positive_2"), io.Conditioning.Input("negative_2")],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, model, positive, negative, positive_2, negative_2):
        pairs = [(positive, negative), (positive_2, negative_2)]
        alone = [run(model, *pair, seed) for seed, pair in enumerate(pairs)]
        # It is drawn from the generator that all threads share.
        noises = [comfy.sample.prepare_noise(torch.zeros(1, 4, 8, 8), seed) for seed in range(2)]
        found, together = [None, None], threading.Barrier(2)

        def sample(number):
            with torch.inference_mode():
                wait = lambda *_: together.wait(60)  # noqa: E731
                found[number] = run(model, *pairs[number], number, wait, noise=noises[number])

        threads = [threading.Thread(target=sample, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        same = [torch.equal(one, other) for one, other in zip(alone, found, strict=True)]
        return io.NodeOutput(ui={"same": same, "different": [not torch.equal(*alone)]})


class SampleAndFail(io.ComfyNode):
    """Samples, fails behind the second step or is interrupted in the third, and says whether the model is as it was, object by object,
    its weights bit by bit, and what it samples."""

    @classmethod
    def define_schema(cls):
        how = io.Combo.Input("how", options=["failure", "interrupt"], optional=True)
        return io.Schema(node_id="SampleAndFail", category="probe", inputs=[*INPUTS, how], is_output_node=True)

    @classmethod
    def execute(cls, model, positive, negative, how="failure"):
        expected = run(model, positive, negative, 0)  # what ComfyUI keeps of a loaded model is there afterwards
        before, weights = state(model), digest(dict(model.model.state_dict()))

        def callback(step, *_):
            if step == 1 and how == "interrupt":
                comfy.model_management.interrupt_current_processing()
            elif step == 1:
                raise ZeroDivisionError

        try:
            run(model, positive, negative, 0, callback)
        except (ZeroDivisionError, comfy.model_management.InterruptProcessingException):
            after = state(model)
            changed = [name for name in before if before[name] != after.get(name)] + [*(after.keys() - before.keys())]
            changed += [] if digest(dict(model.model.state_dict())) == weights else ["weights"]
            changed += [] if torch.equal(run(model, positive, negative, 0), expected) else ["picture"]
            return io.NodeOutput(ui={"changed": [json.dumps(changed)]})
        raise AssertionError("it did not fail")


def state(patcher):
    """The identity of all that hangs on a model and its patcher."""
    found = {}
    for name, module in patcher.model.named_modules():
        for hooks in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks"):
            found[f"{name}.{hooks}"] = list(map(id, getattr(module, hooks).values()))
        found[f"{name}.__dict__"] = sorted(key for key in vars(module) if not key.startswith("_"))
        found[f"{name}.forward"] = id(type(module).forward) if "forward" not in vars(module) else id(module.forward)
    for name in ("model_options", "object_patches", "object_patches_backup", "callbacks", "wrappers", "attachments"):
        walk(getattr(patcher, name), name, found)
    return found


def walk(value, name, found):
    if isinstance(value, dict):
        found[name] = sorted(map(repr, value))
        for key, item in value.items():
            walk(item, f"{name}.{key}", found)
    elif isinstance(value, (list, tuple)):
        found[name] = len(value)
        for number, item in enumerate(value):
            walk(item, f"{name}.{number}", found)
    else:
        found[name] = id(value)


class CompileModel(io.ComfyNode):
    """core's Torch Compile, with a backend that compiles nothing but notes what it is given."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="CompileModel",
            category="probe",
            inputs=[
                io.Model.Input("model"),
                io.String.Input("name"),
                io.Combo.Input("way", options=["wrapper", "object patch"]),
            ],
            outputs=[io.Model.Output()],
        )

    @classmethod
    def execute(cls, model, name, way="wrapper"):
        from comfy_api.torch_helpers import set_torch_compile_wrapper
        from comfy_extras.nodes_torch_compile import skip_torch_compile_dict

        model = model.clone(disable_dynamic=True)

        def backend(graph, _):
            see(name, len(graph.graph.nodes))
            return graph.forward

        if way == "object patch":
            compiled = torch.compile(model.get_model_object("diffusion_model"), backend=backend)
            model.add_object_patch("diffusion_model", compiled)
            return io.NodeOutput(model)
        set_torch_compile_wrapper(model=model, backend=backend, options={"guard_filter_fn": skip_torch_compile_dict})
        return io.NodeOutput(model)


class SplitDevices(OnModel):
    """Splits the entries of each step over two devices in threads of their own, as ComfyUI does with several graphics cards. Here
    both are the processor."""

    @classmethod
    def execute(cls, model):
        def sample(executor, *args, **kwargs):
            guider = executor.class_obj
            devices = [torch.device("cpu", 0), torch.device("cpu", 1)]
            guider.model_options["multigpu_clones"] = dict.fromkeys(devices, guider.model_patcher)
            guider.model_options["multigpu_thread_pool"] = MultiGPUThreadPool(devices)
            return executor(*args, **kwargs)

        model = model.clone()
        model.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, "split", sample)
        return io.NodeOutput(model)


class UnclipTwice(io.ComfyNode):
    """Two pictures as core's unCLIP conditioning has them; a model that reads several draws random numbers for it."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="UnclipTwice",
            category="probe",
            inputs=[io.Conditioning.Input("conditioning")],
            outputs=[io.Conditioning.Output()],
        )

    @classmethod
    def execute(cls, conditioning):
        picture = SimpleNamespace(image_embeds=torch.ones(1, 1, 1280))
        one = {"clip_vision_output": picture, "strength": 1.0, "noise_augmentation": 0.5}
        return io.NodeOutput(
            [[tokens, {**values, "unclip_conditioning": [one, one]}] for tokens, values in conditioning]
        )


class OddSampler(io.ComfyNode):
    """Samplers as other packs make them."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="OddSampler",
            category="probe",
            inputs=[io.Combo.Input("kind", options=["churned", "another's", "no sampler"])],
            outputs=[io.Sampler.Output()],
        )

    @classmethod
    def execute(cls, kind):
        def euler(*args, **options):
            return sample_euler(*args, **options)

        match kind:
            case "churned":
                sampler = comfy.samplers.ksampler("euler", {"s_churn": 1.0})
            case "another's":
                sampler = comfy.samplers.KSAMPLER(euler)
            case _:
                sampler = type("Odd", (), {})()
        return io.NodeOutput(sampler)


class DrawNoise(io.ComfyNode):
    """Digests of what a NOISE draws for a latent of several kinds, as those of video with sound are: a list for each picture."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="DrawNoise",
            category="probe",
            inputs=[io.Noise.Input("noise"), io.Int.Input("kinds"), io.Int.Input("count")],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, noise, kinds, count):
        latent = NestedTensor([torch.zeros(count, 4, 8, 8 + kind) for kind in range(kinds)])
        drawn = noise.generate_noise({"samples": latent}).unbind()
        return io.NodeOutput(ui={"drawn": [[digest(each[i : i + 1]) for each in drawn] for i in range(count)]})


NODES = [
    OddSampler,
    DrawNoise,
    UnclipTwice,
    SplitDevices,
    Seen,
    WatchCalls,
    WatchText,
    WatchKeys,
    WatchMaps,
    WatchSizes,
    KeepSteps,
    Step,
    AsForInpainting,
    OverrideAttention,
    WatchControl,
    Act,
    AskNegative,
    SwapBlock,
    WatchTurns,
    TakeGradient,
    SampleInThreads,
    SampleAndFail,
    CompileModel,
]
