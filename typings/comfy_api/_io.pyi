"""The inputs and outputs that our nodes have, with the parameters that we set."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar, TypeAlias

from comfy.model_patcher import ModelPatcher
from comfy.samplers import KSAMPLER
from comfy.sd import CLIP, VAE
from comfy_execution.graph import DynamicPrompt

class ControlAfterGenerate(str, Enum):
    fixed = "fixed"
    increment = "increment"
    decrement = "decrement"
    randomize = "randomize"

class Hidden(str, Enum):
    unique_id = "UNIQUE_ID"
    prompt = "PROMPT"
    extra_pnginfo = "EXTRA_PNGINFO"
    dynprompt = "DYNPROMPT"

class HiddenHolder:
    """What a node has asked for; all else is None."""

    unique_id: str
    prompt: dict[str, Any]
    extra_pnginfo: dict[str, Any] | None
    dynprompt: DynamicPrompt

class Input:
    id: str
    optional: bool

    def __init__(
        self,
        id: str,
        display_name: str | None = None,
        optional: bool = False,
        tooltip: str | None = None,
        lazy: bool | None = None,
        extra_dict: dict[str, Any] | None = None,
        raw_link: bool | None = None,
        advanced: bool | None = None,
    ) -> None: ...
    def get_io_type(self) -> str: ...

class Output:
    def __init__(
        self,
        id: str | None = None,
        display_name: str | None = None,
        tooltip: str | None = None,
        is_output_list: bool = False,
    ) -> None: ...

_Input: TypeAlias = Input
_Output: TypeAlias = Output

class _ComfyType:
    class Output(_Output): ...

class ComfyTypeIO(_ComfyType):
    class Input(_Input): ...

def Custom(io_type: str) -> type[ComfyTypeIO]: ...

class Boolean(_ComfyType):
    class Input(_Input):
        def __init__(
            self,
            id: str,
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
            lazy: bool | None = None,
            default: bool | None = None,
            *,
            force_input: bool | None = None,
            advanced: bool | None = None,
        ) -> None: ...

class Int(_ComfyType):
    class Input(_Input):
        def __init__(
            self,
            id: str,
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
            lazy: bool | None = None,
            default: int | None = None,
            min: int | None = None,
            max: int | None = None,
            step: int | None = None,
            control_after_generate: bool | ControlAfterGenerate | None = None,
            *,
            force_input: bool | None = None,
            advanced: bool | None = None,
        ) -> None: ...

class Float(_ComfyType):
    class Input(_Input):
        def __init__(
            self,
            id: str,
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
            lazy: bool | None = None,
            default: float | None = None,
            min: float | None = None,
            max: float | None = None,
            step: float | None = None,
            *,
            force_input: bool | None = None,
            advanced: bool | None = None,
        ) -> None: ...

class String(_ComfyType):
    class Input(_Input):
        def __init__(
            self,
            id: str,
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
            lazy: bool | None = None,
            multiline: bool = False,
            placeholder: str | None = None,
            default: str | None = None,
            *,
            force_input: bool | None = None,
            extra_dict: dict[str, Any] | None = None,
            advanced: bool | None = None,
        ) -> None: ...

class Combo(_ComfyType):
    class Input(_Input):
        def __init__(
            self,
            id: str,
            options: list[str] | None = None,
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
            lazy: bool | None = None,
            default: str | None = None,
            *,
            advanced: bool | None = None,
        ) -> None: ...

class DynamicCombo(_ComfyType):
    class Option:
        key: str
        inputs: Sequence[Input]

        def __init__(self, key: str, inputs: Sequence[_Input]) -> None: ...

    class Input(_Input):
        options: Sequence[DynamicCombo.Option]

        def __init__(
            self,
            id: str,
            options: list[DynamicCombo.Option],
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
        ) -> None: ...

class MultiType:
    class Input(_Input):
        def __init__(
            self,
            id: str,
            types: Sequence[type[_ComfyType]],
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
        ) -> None: ...

class MatchType:
    class Template:
        def __init__(self, template_id: str) -> None: ...

    class Input(_Input):
        def __init__(
            self,
            id: str,
            template: MatchType.Template,
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
        ) -> None: ...

    class Output(_Output):
        def __init__(
            self,
            template: MatchType.Template,
            id: str | None = None,
            display_name: str | None = None,
            tooltip: str | None = None,
            is_output_list: bool = False,
        ) -> None: ...

class Model(ComfyTypeIO):
    Type: TypeAlias = ModelPatcher

class Clip(ComfyTypeIO):
    Type: TypeAlias = CLIP

class Vae(ComfyTypeIO):
    Type: TypeAlias = VAE

class Sampler(ComfyTypeIO):
    Type: TypeAlias = KSAMPLER

class ClipVision(ComfyTypeIO): ...
class ControlNet(ComfyTypeIO): ...
class StyleModel(ComfyTypeIO): ...
class Noise(ComfyTypeIO): ...
class Conditioning(ComfyTypeIO): ...
class Image(ComfyTypeIO): ...
class Mask(ComfyTypeIO): ...
class Latent(ComfyTypeIO): ...
class AnyType(ComfyTypeIO): ...
class Dict(ComfyTypeIO): ...
class Array(ComfyTypeIO): ...
class BoundingBox(ComfyTypeIO): ...

@dataclass
class Schema:
    node_id: str
    display_name: str | None = None
    category: str = "sd"
    inputs: Sequence[Input] = ...
    outputs: Sequence[Output] = ...
    hidden: list[Hidden] = ...
    description: str = ""
    search_aliases: list[str] = ...
    is_input_list: bool = False
    is_output_node: bool = False
    is_deprecated: bool = False
    not_idempotent: bool = False
    has_intermediate_output: bool = False

class NodeOutput:
    def __init__(self, *args: Any, ui: dict[str, Any] | None = None) -> None: ...

class ComfyNode:
    RELATIVE_PYTHON_MODULE: ClassVar[str]
    hidden: ClassVar[HiddenHolder]

    @classmethod
    def define_schema(cls) -> Schema: ...
    @classmethod
    def GET_SCHEMA(cls) -> Schema: ...
    @classmethod
    def execute(cls, *args: Any, **kwargs: Any) -> NodeOutput: ...
    @classmethod
    def validate_inputs(cls, *args: Any, **kwargs: Any) -> bool | str: ...
    @classmethod
    def fingerprint_inputs(cls, *args: Any, **kwargs: Any) -> Any: ...
    @classmethod
    def check_lazy_status(cls, *args: Any, **kwargs: Any) -> list[str]: ...
