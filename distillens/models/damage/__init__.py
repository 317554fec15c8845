"""One way to damage a finished model by a dose: ``damage(model, dose, seed)``, in place.

Damaged copies of a teacher are the rungs of a ladder (`distillens.metrics.ladder`). More of a dose is more
damage, zero would be none. ``OPTIONS`` are the ``doses`` (above zero) and, for damage that is drawn, how many
``draws`` a dose has; ``WORDS`` says what a dose is, as in "as far from the teacher as ... would put it", and
``NUMBER`` how the dose in it is written.

Examples
--------
A whole kind of damage: all weights shrink.

>>> OPTIONS = {"doses": {"type": "array", "default": [0.1, 0.5], "description": "Share that is lost."}}
>>> WORDS, NUMBER = "shrinking all weights by {}", "{:.0%}"
>>> def damage(model, dose, seed):
...     for weights in model.parameters():
...         weights.data *= 1 - dose

>>> import torch
>>> layer = torch.nn.Linear(1, 1, bias=False)
>>> layer.weight.data = torch.tensor([[0.5]])
>>> damage(layer, 0.5, seed=0)
>>> layer.weight.item(), WORDS.format(NUMBER.format(0.5))
(0.25, 'shrinking all weights by 50%')
"""
