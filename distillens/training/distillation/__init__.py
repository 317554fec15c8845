"""Ways to distil, one per file; `+` between their names combines them.

All start from the teacher's soft logits, whose options are common to them.
"""

from distillens import registry

OPTIONS = {
    "alpha": {"type": "number", "minimum": 0, "default": 0.5, "description": "Weight of the gold labels."},
    "beta": {
        "type": "number",
        "minimum": 0,
        "default": 0.5,
        "description": "Weight of the teacher's logits.",
    },
    "temperature": {"type": "number", "exclusiveMinimum": 0, "default": 2.0, "description": "Softens both."},
}


def trainer(method: str) -> type:
    """The trainer of a method, or of a combination: each adds its terms to the loss."""
    classes = [registry.load("distillation", name).Distillation for name in registry.parts(method)]
    return classes[0] if len(classes) == 1 else type("Distillation", tuple(classes), {})
