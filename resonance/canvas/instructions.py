"""What a language model is told about canvases, from the same tables that its answer is read with."""

from collections.abc import Iterable

from .describe import GLOBAL_FIELDS, LOCAL_FIELDS
from .grammar import CHOICES, DETAILS, REGIONS

FORMS = PROGRAM, JSON = "omost program", "json"
"""The forms an answer can have: Omost's program, as Omost's own models write it, or JSON, which any model can."""

AUTOMATIC = "automatic"
"""The program for Omost's own models, JSON for any other."""

_TYPES = {"distance_to_viewer": "float", "detailed_descriptions": "list[str]"}

_MEANINGS = {
    "description": "what it is, in one sentence that can be understood on its own",
    "detailed_descriptions": f"a list of 1 to {DETAILS} more sentences on how it looks, each to be understood on its own",
    "tags": "the same in keywords, separated by commas",
    "HTML_web_color_name": "its main color, by its CSS name",
    "distance_to_viewer": "a number above 0; what is nearer covers what is farther",
    "atmosphere": "the mood there, in a few words",
    "style": "the style of the picture there, in a few words",
    "quality_meta": "words on quality, such as sharp or detailed",
}

_EXAMPLE = """\
{"global": {"description": "A lighthouse on a cliff in a storm", "detailed_descriptions": ["Waves break on the rocks", \
"Dark clouds drift over the sea"], "tags": "lighthouse, cliff, storm, sea", "HTML_web_color_name": "slategray"},
"regions": [
{"location": "on the top-right", "offset": "slightly to the lower-left", "area": "a small vertical area", "distance_to_viewer": 8, \
"description": "A white lighthouse with a lit lamp", "detailed_descriptions": ["Its beam cuts through the rain"], \
"tags": "lighthouse, lamp, beam of light", "atmosphere": "lonely and rough", "style": "oil painting", "quality_meta": "detailed", \
"HTML_web_color_name": "white"},
{"location": "on the bottom-left", "offset": "no offset", "area": "a small horizontal area", "distance_to_viewer": 3, \
"description": "A small red boat on a high wave", "detailed_descriptions": ["Its sail is torn", "Foam runs over its bow"], \
"tags": "boat, red, sail, wave", "atmosphere": "in danger", "style": "oil painting", "quality_meta": "detailed", \
"HTML_web_color_name": "firebrick"}
]}"""


def system_prompt(form: str) -> str:
    """The instruction for answers of that form, one of :data:`FORMS`."""
    return _for_program() if form == FORMS[0] else _for_json()


def _for_program() -> str:
    checks = [f"        assert {name} in [{', '.join(map(repr, CHOICES[name]))}]" for name in LOCAL_FIELDS[:3]]
    return "\n".join(
        [
            "You lay out pictures: answer with a Python program that describes the picture the user wants with this class.",
            "",
            "```python",
            "class Canvas:",
            *_method("set_global_description", GLOBAL_FIELDS),
            "        ...",
            "",
            *_method("add_local_description", LOCAL_FIELDS),
            *checks,
            "        assert distance_to_viewer > 0",
            "        ...",
            "```",
        ]
    )


def _method(name: str, fields: Iterable[str]) -> list[str]:
    arguments = [f"        {field}: {_TYPES.get(field, 'str')}," for field in fields]
    return [f"    def {name}(", "        self,", *arguments, "    ) -> None:"]


def _for_json() -> str:
    one_of = [f"- {name}: one of {', '.join(map(repr, CHOICES[name]))}" for name in LOCAL_FIELDS[:3]]
    return "\n".join(
        [
            "You lay out pictures. Answer with one JSON object and nothing else: what the whole picture shows, and the regions in it.",
            "",
            'Under "global":',
            *(f"- {name}: {_MEANINGS[name]}" for name in GLOBAL_FIELDS),
            "",
            f'Under "regions" a list of 1 to {REGIONS} objects, one for each thing that has a place of its own:',
            *one_of,
            *(f"- {name}: {_MEANINGS[name]}" for name in LOCAL_FIELDS[3:]),
            "",
            "Location, offset and area take exactly these words. Inside texts write ' for quotation marks. If the user asks for a"
            " change, answer with the whole object again.",
            "",
            "For example:",
            _EXAMPLE,
        ]
    )
