"""One way to make a finished model smaller a file: ``compress(model, options)``, in place.

A method that changes what the model is built of says so in ``model.config.compressed``,
from which `distillens.models.classifier.load_classifier` builds it again. ``RECOVERS`` says whether
the result can be trained further; ``ENGINE``, what it must run on, and ``NATIVE``, the
backends on which its speed is its own, each if there is such a limit.

Examples
--------
A whole compression: weights are rounded to a few digits.

>>> OPTIONS = {"digits": {"type": "integer", "default": 1, "description": "Digits that stay."}}
>>> RECOVERS = True
>>> def compress(model, options):
...     for weights in model.parameters():
...         weights.data = weights.data.round(decimals=options["digits"])

>>> import torch
>>> layer = torch.nn.Linear(1, 1, bias=False)
>>> layer.weight.data = torch.tensor([[0.23]])
>>> compress(layer, {"digits": 1})
>>> round(layer.weight.item(), 2)
0.2
"""
