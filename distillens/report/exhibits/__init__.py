"""One kind of exhibit of a published study a file: ``show(number, settings, source)``.

Examples
--------
A whole kind of exhibit: how many rows and columns the paper's table has.

>>> from distillens.report.exhibits.exhibit import Content
>>> OPTIONS = {}
>>> def show(number, settings, source):
...     size = len(settings["rows"]), len(settings["columns"])
...     return Content(("rows", "columns"), [size], notes=[f"{number}: {size[0]} by {size[1]}"])

>>> show("table-1", {"rows": ["teacher", "student"], "columns": []}, source=None).notes
['table-1: 2 by 0']
"""

OPTIONS = {
    "caption": {"type": "string", "default": "", "description": "What it shows."},
    "select": {
        "type": "object",
        "default": {},
        "description": "What all its scores have in common: subject, and values of columns of the scores.",
    },
    "rows": {
        "type": "array",
        "default": [],
        "description": "A role of the paper, a pair of roles, or {title, select} each.",
        "items": {
            "oneOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2},
                {
                    "type": "object",
                    "required": ["title", "select"],
                    "additionalProperties": False,
                    "properties": {"title": {"type": "string"}, "select": {"type": "object"}},
                },
            ]
        },
    },
    "columns": {
        "type": "array",
        "default": [],
        "description": "What is shown of each row; `control` is the same with something else selected.",
        "items": {
            "type": "object",
            "required": ["title", "select"],
            "additionalProperties": False,
            "properties": {
                "title": {"type": "string"},
                "select": {"type": "object"},
                "show": {"enum": ["value", "spread"]},
                "digits": {"type": "integer", "minimum": 0},
                "control": {
                    "type": "object",
                    "required": ["title", "select"],
                    "additionalProperties": False,
                    "properties": {"title": {"type": "string"}, "select": {"type": "object"}},
                },
            },
        },
    },
    "published": {
        "type": ["array", "null"],
        "default": None,
        "description": "The paper's values, row by row: a number, [value, deviation], a text, or null.",
        "items": {"type": "array", "items": {"type": ["number", "array", "string", "null"]}},
    },
}
