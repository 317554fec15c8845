"""Ways to distil, one per file; `+` between their names combines them.

All start from the teacher's soft logits, whose options are common to them. ``TRAINS_ON`` names
the explainers that ask what a method trains.

Examples
--------
A whole distillation: soft logits, and a term that keeps the student's own logits small.

>>> from distillens.training.distillation import soft_logits
>>> OPTIONS = {"small_weight": {"type": "number", "default": 0.1, "description": "Of the new term."}}
>>> class Distillation(soft_logits.Distillation):
...     def hints(self, model, inputs, batch, answer):
...         terms = super().hints(model, inputs, batch, answer)
...         loss = answer["logits"].square().mean()
...         return {**terms, "small": self.options["small_weight"] * loss}

>>> import torch
>>> new = Distillation.__new__(Distillation)  # a Trainer, whose constructor wants a model and data
>>> new.options = {"small_weight": 0.5}
>>> new.hints(None, {}, {}, {"logits": torch.tensor([[2.0, 0.0]])})["small"].item()
1.0
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
    "soft_labels": {
        "type": ["object", "null"],
        "additionalProperties": False,
        "required": ["file", "text_a", "probabilities"],
        "properties": {
            "file": {"type": "string"},
            "text_a": {"type": "string"},
            "text_b": {"type": ["string", "null"]},
            "probabilities": {"type": "object", "additionalProperties": {"type": "string"}},
        },
        "default": None,
        "description": "With soft_logits: a file of the teacher's answers, in place of asking it. Columns of "
        "the text (text_a, text_b) and of each label's probability; all texts of train and validation.",
    },
}


def trainer(method: str) -> type:
    """The trainer of a method, or of a combination: each adds its terms to the loss.

    Examples
    --------
    >>> both = trainer("saliency+masked_consistency")
    >>> [of.__module__.rpartition(".")[2] for of in both.__bases__]
    ['saliency', 'masked_consistency']
    """
    classes = [registry.load("distillation", name).Distillation for name in registry.parts(method)]
    return classes[0] if len(classes) == 1 else type("Distillation", tuple(classes), {})
