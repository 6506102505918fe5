"""One layout in the forms that a model answers in."""

import json

PROGRAM = """\
A harbour in the morning, as you wish:

```python
# The whole picture
canvas = Canvas()

canvas.set_global_description(
    description='A fishing harbour at dawn',
    detailed_descriptions=[
        "The sailor's boots stand on the quay",
        'Thin fog lies over the "old" basin, and rises',
    ],
    tags='harbour, dawn, fog',
    HTML_web_color_name='lightsteelblue',
)

# The boat (near)
canvas.add_local_description(
    location='on the bottom-left',
    offset='slightly to the right',
    area='a small horizontal area',
    distance_to_viewer=2.5,
    description='A red trawler',
    detailed_descriptions=[
        'Its paint peels off',  # rust below
        'Nets hang '
        'over the rail' + ', still wet',
    ],
    tags='boat, red, nets',
    atmosphere='calm',
    style='photograph',
    quality_meta='sharp',
    HTML_web_color_name='firebrick',
)

# The crane (far)
canvas.add_local_description(
    location='on the right',
    offset='slightly to the upper',
    area='a small vertical area',
    distance_to_viewer=9,
    description='A rusty crane',
    detailed_descriptions=[],
    tags='crane, steel',
    atmosphere='idle',
    style='photograph',
    quality_meta='sharp',
    HTML_web_color_name='navyblue',
)
```
Tell me what to change.
"""

GLOBAL = {
    "description": "A fishing harbour at dawn",
    "detailed_descriptions": [
        "The sailor's boots stand on the quay",
        'Thin fog lies over the "old" basin, and rises',
    ],
    "tags": "harbour, dawn, fog",
    "HTML_web_color_name": "lightsteelblue",
}
BOAT = {
    "location": "on the bottom-left",
    "offset": "slightly to the right",
    "area": "a small horizontal area",
    "distance_to_viewer": 2.5,
    "description": "A red trawler",
    "detailed_descriptions": ["Its paint peels off", "Nets hang over the rail, still wet"],
    "tags": "boat, red, nets",
    "atmosphere": "calm",
    "style": "photograph",
    "quality_meta": "sharp",
    "HTML_web_color_name": "firebrick",
}
CRANE = {
    "location": "on the right",
    "offset": "slightly to the upper",
    "area": "a small vertical area",
    "distance_to_viewer": 9,
    "description": "A rusty crane",
    "detailed_descriptions": [],
    "tags": "crane, steel",
    "atmosphere": "idle",
    "style": "photograph",
    "quality_meta": "sharp",
    "HTML_web_color_name": "navyblue",
}
ANSWER = json.dumps({"global": GLOBAL, "regions": [BOAT, CRANE]}, indent=1)
