"""Guides that are simple enough to say what they must do, and looks at what they do."""

import copy
import importlib
import resource
import sys
import time

import comfy.model_management
import comfy.samplers
import torch
from comfy_api.latest import io

from .runs import INPUTS, OnModel, run, see, state

COLOURS = {"red": (1.0, 0.0, 0.0), "green": (0.0, 1.0, 0.0), "blue": (0.0, 0.0, 1.0), "none": (0.0, 0.0, 0.0)}


def ours(name):
    pack = next(known for known in sys.modules if known.endswith(".resonance"))
    return importlib.import_module(f"{pack}.{name}")


class Towards(torch.nn.Module):
    """How far a picture is from a colour."""

    def __init__(self, colour):
        super().__init__()
        self.colour = torch.nn.Parameter(torch.tensor(COLOURS[colour]).view(1, 3, 1, 1))

    def forward(self, picture):
        return (picture - self.colour).square().mean()


def towards(colour, seen=None, when=None):
    module = Towards(colour)

    def loss(picture, number):
        if when:
            when()
        found = module(picture) * (float("nan") if colour == "none" else 1)
        if seen:
            see(seen, [list(picture.shape), found.item()])
        return found

    return ours("guidance.guide").Guide(name=colour, modules=(module,), loss=loss)


MORE = (
    io.Vae.Input("vae"),
    io.Combo.Input("colour", options=[*COLOURS], default="red"),
    io.Float.Input("scale", default=1000.0, max=1e9),
    io.Float.Input("start", default=0.0),
    io.Float.Input("end", default=1.0),
    io.Float.Input("shrink", default=1.0),
    io.Boolean.Input("limit", default=False),
    io.String.Input("seen", default=""),
)


class PullToColour(OnModel):
    """A MODEL whose pictures are pulled towards a colour."""

    more = MORE

    @classmethod
    def execute(cls, model, vae, colour, seen, **more):
        return io.NodeOutput(ours("host.guidance").guided(model, vae, towards(colour, seen), **more))


WAYS = ["failure", "interrupt"]


class PullAndFail(io.ComfyNode):
    """Samples with guidance that fails, or is interrupted, in its third step, between the networks: what is not as it was."""

    @classmethod
    def define_schema(cls):
        how = io.Combo.Input("how", options=WAYS)
        inputs = [*INPUTS, io.Vae.Input("vae"), how]
        return io.Schema(node_id="PullAndFail", category="probe", inputs=inputs, is_output_node=True)

    @classmethod
    def execute(cls, model, positive, negative, vae, how):
        asked = []

        def when():
            asked.append(1)
            if len(asked) == 3:
                asked.append(time.perf_counter())
                if how == "failure":
                    raise ZeroDivisionError
                comfy.model_management.interrupt_current_processing()

        guide = towards("red", when=when)
        expected = run(model, positive, negative, 0)
        settings = {"scale": 1000.0, "start": 0.0, "end": 1.0, "shrink": 1.0, "limit": False}
        guided = ours("host.guidance").guided(model, vae, guide, **settings)
        before = [state(each) for each in (model, vae.patcher)] + tensors(model.model, vae.first_stage_model)
        try:
            run(guided, positive, negative, 0)
        except (ZeroDivisionError, comfy.model_management.InterruptProcessingException):
            took = time.perf_counter() - asked[-1]
            after = [state(each) for each in (model, vae.patcher)] + tensors(model.model, vae.first_stage_model)
            same = torch.equal(run(model, positive, negative, 0), expected)
            return io.NodeOutput(ui={"same": [before == after, same, len(asked) == 4, took < 1]})
        raise AssertionError("it did not fail")


def tensors(*modules):
    return [(id(t), t.is_inference()) for module in modules for t in (*module.parameters(), *module.buffers())]


class PullAgain(io.ComfyNode):
    """Samples without, with, with, without guidance, and then 20 times with: whether the two of a kind are equal, and how much memory the
    process has after each of the 20, in MB."""

    @classmethod
    def define_schema(cls):
        inputs = [*INPUTS, io.Vae.Input("vae"), io.Int.Input("times", default=20)]
        return io.Schema(node_id="PullAgain", category="probe", inputs=inputs, is_output_node=True)

    @classmethod
    def execute(cls, model, positive, negative, vae, times):
        settings = {"scale": 1000.0, "start": 0.0, "end": 1.0, "shrink": 1.0, "limit": False}
        guided = ours("host.guidance").guided(model, vae, towards("red"), **settings)
        made = [run(each, positive, negative, 0) for each in (model, guided, guided, model)]
        same = [torch.equal(made[0], made[3]), torch.equal(made[1], made[2]), not torch.equal(made[0], made[1])]
        sizes = []
        for _ in range(times):
            run(guided, positive, negative, 0)
            with open("/proc/self/statm") as file:
                sizes.append(int(file.read().split()[1]) * resource.getpagesize() / 1e6)
        return io.NodeOutput(ui={"same": same, "sizes": sizes})


class Frozen:
    """A ControlNet that answers what it has answered first."""

    def __init__(self, control):
        self.control, self.answer = control, None

    def get_control(self, *args):
        if self.answer is None:
            self.answer = self.control.get_control(*args)
        # The model takes what it has used from the lists.
        return {name: list(maps) for name, maps in self.answer.items()}


class CompareGradient(OnModel):
    """Notes the gradient of a loss that guidance takes in the first step, as a difference quotient finds it too: along the gradient, and
    along another direction."""

    more = (io.Vae.Input("vae"), io.String.Input("name"))

    @classmethod
    def execute(cls, model, vae, name):
        guidance = ours("host.guidance")
        guide = towards("red")
        made = guidance.guided(model, vae, guide, scale=1.0, start=0.0, end=1.0, shrink=1.0, limit=False)
        act = made.model_options["sampler_post_cfg_function"][-1]
        steps = []

        def compare(args):
            denoised = act(args)
            steps.append(1)
            if len(steps) > 1:
                return args["denoised"]
            base, x, sigma, options = args["model"], args["input"], args["sigma"], args["model_options"]
            gradient = (args["denoised"] - denoised) / sigma.view(-1, 1, 1, 1) ** 2

            entries = [{**e, "control": Frozen(e["control"])} if "control" in e else e for e in args["cond"]]

            def loss(x):
                [positive] = comfy.samplers.calc_cond_batch(base, [entries], x, sigma, options)
                latent = base.latent_format.process_out(guidance.heading_for(x, positive, sigma[0].item()))
                return sum(
                    guide.loss(each[None], number).item()
                    for number, each in enumerate(vae.decode(latent).movedim(-1, 1))
                )

            loss(x)
            for direction in (gradient, torch.randn(x.shape, generator=torch.Generator().manual_seed(1))):
                along = direction / direction.norm()
                far = 0.002 * x.norm()
                quotient = (loss(x + far * along) - loss(x - far * along)) / (2 * far)
                see(name, [(gradient * along).sum().item(), quotient.item(), gradient.norm().item()])
            return args["denoised"]

        made.model_options["sampler_post_cfg_function"][-1] = compare
        return io.NodeOutput(made)


class ForeignPatch(OnModel):
    """Other packs' patches through which no gradient goes: a weight from inference mode, a change in place."""

    more = (io.Combo.Input("way", options=["weight", "in place"]),)

    @classmethod
    def execute(cls, model, way):
        model = model.clone()
        weight = torch.ones(1)

        def patch(n, context, value, extra):
            return n * (weight * n), context, value

        def block(h, extra):
            made = h.exp()
            made.mul_(2)
            return made.log()

        if way == "weight":
            model.set_model_attn2_patch(patch)
        else:
            model.set_model_input_block_patch_after_skip(block)
        return io.NodeOutput(model)


class Quantised(torch.Tensor):
    pass


class FakePatcher:
    """A model's patcher, as far as gradients look at it."""

    load_device = torch.device("cpu")

    def __init__(self, weight, dynamic=False, split=False, known=True):
        self.model, self.dynamic, self.known = torch.nn.Module(), dynamic, known
        self.model.register_buffer("weight", weight)
        self.model.memory_required = lambda shape: 1e6 * shape[0]
        self.model.get_dtype_inference = lambda: torch.float16
        self.more, self.wrappers = {"multigpu": [self]} if split else {}, {}

    def clone(self):
        made = FakePatcher(self.model.weight, self.dynamic)
        made.more, made.wrappers = dict(self.more), dict(self.wrappers)
        return made

    def is_dynamic(self):
        return self.dynamic

    def get_non_dynamic_delegate(self):
        if not self.known:
            raise RuntimeError("Cannot create non-dynamic delegate: cached_patcher_init is not initialized.")
        return FakePatcher(self.model.weight)

    def model_size(self):
        return int(1e9)

    def loaded_size(self):
        return int(0.4e9)

    def get_additional_models_with_key(self, key):
        return self.more.get(key, [])

    def set_additional_models(self, key, models):
        self.more[key] = models

    def remove_wrappers_with_key(self, kind, key):
        self.wrappers.pop(kind, None)

    def add_wrapper_with_key(self, kind, key, wrapper):
        self.wrappers[kind] = wrapper


class FakeVae:
    def __init__(self, weight):
        self.patcher = FakePatcher(weight)
        self.vae_dtype = torch.float32

    def memory_used_decode(self, shape, dtype):
        return 10e6


class CheckStorage(io.ComfyNode):
    """What gradients say of a model that is stored in some way, before sampling: the error, for how many pictures ComfyUI was asked, and
    what was loaded whole."""

    @classmethod
    def define_schema(cls):
        ways = ["plain", "quantised", "quantised VAE", "away", "away, with room", "split", "dynamic", "unknown"]
        return io.Schema(
            node_id="CheckStorage", category="probe", inputs=[io.Combo.Input("way", options=ways)], is_output_node=True
        )

    @classmethod
    def execute(cls, way):
        plain = torch.ones(1)
        quantised = plain.as_subclass(Quantised)
        away = torch.ones(1, device="meta")
        weight = {"quantised": quantised, "away": away, "away, with room": away}.get(way, plain)
        patcher = FakePatcher(weight, way in ("dynamic", "unknown"), way == "split", way != "unknown")
        vae = FakeVae(quantised if way == "quantised VAE" else plain)
        memory, asked, loaded = comfy.model_management, [], []
        real = memory.get_free_memory, memory.load_models_gpu

        def load(models, required, force_full_load):
            loaded.append(force_full_load)
            for model in models:
                model.model.weight = plain

        try:
            memory.get_free_memory = lambda device: 2e9 if way == "away, with room" else 0.5e9
            memory.load_models_gpu = load
            model, _ = ours("host.sampling.gradient").with_gradients(patcher, vae, [])
            [around] = model.wrappers.values()
            around(lambda model, shape, *_: asked.append(shape[0]), model, torch.Size([1, 4, 8, 8]), {})
            error = ""
        except ours("told").Told as found:
            error = str(found)
        finally:
            memory.get_free_memory, memory.load_models_gpu = real
        return io.NodeOutput(ui={"found": [error, asked, loaded, model.dynamic if not error else None]})


class CheckVision(io.ComfyNode):
    """Whether a CLIP_VISION sees the same with a gradient and without, in a second copy, too, as under dynamic VRAM; and whether its layers are
    as they were afterwards, also when one of them fails."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="CheckVision", category="probe", inputs=[io.ClipVision.Input("clip_vision")], is_output_node=True
        )

    @classmethod
    def execute(cls, clip_vision):
        core = ours("host.core_vision")
        pictures = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(1))
        comfy.model_management.load_model_gpu(clip_vision.patcher)
        expected = clip_vision.model(pictures, intermediate_output=-2)[2]
        layers = clip_vision.model.vision_model.encoder.layers

        def same(network):
            return torch.allclose(core.embeds(network, pictures), expected, atol=1e-5)

        found = [same(core.tower(clip_vision).network)]
        real = clip_vision.patcher.is_dynamic
        try:
            clip_vision.patcher.is_dynamic = lambda: True
            second = core.tower(clip_vision)
        finally:
            clip_vision.patcher.is_dynamic = real
        found.append(
            second.network is not clip_vision.model and same(second.network) and not second.patcher.is_dynamic()
        )
        mlp = layers[-1].mlp
        try:
            layers[-1].mlp = None
            core.embeds(clip_vision.model, pictures)
        except TypeError:
            found.append(True)
        finally:
            layers[-1].mlp = mlp
        found.append(not any("forward" in vars(layer) for layer in layers))
        return io.NodeOutput(ui={"same": found})


class OtherVision(io.ComfyNode):
    """A CLIP_VISION that says it is SigLIP."""

    @classmethod
    def define_schema(cls):
        inputs = [io.ClipVision.Input("clip_vision")]
        return io.Schema(node_id="OtherVision", category="probe", inputs=inputs, outputs=[io.ClipVision.Output()])

    @classmethod
    def execute(cls, clip_vision):
        other = copy.copy(clip_vision)
        other.model_type = "siglip_vision_model"
        return io.NodeOutput(other)


NODES = [PullToColour, PullAndFail, PullAgain, CompareGradient, ForeignPatch, CheckStorage, CheckVision, OtherVision]
