"""One explainer a file: ``explain(examples, engine, output, options, seed)`` and what it ``cost``s.

``CONTROL = True`` marks one that knows nothing of the model's output.

Examples
--------
A whole explainer: the longer the word, the larger its value, for every output.

>>> import numpy as np
>>> from distillens.attribution.types import Attribution
>>> from distillens.metrics.explained_output import explained
>>> OPTIONS = {"scale": {"type": "number", "default": 1.0, "description": "Value of a letter."}}
>>> CONTROL = True
>>> def cost(words, outputs, options):  # forward passes of a text
...     return 1
>>> def explain(examples, engine, output, options, seed):
...     wholes = explained(engine.logits([example.texts for example in examples]), output)
...     for example, whole in zip(examples, wholes, strict=True):
...         lengths = [[options["scale"] * len(word.text)] * len(whole) for word in example.words]
...         yield Attribution(example, np.array(lengths), np.full(len(whole), np.nan), whole)

>>> from types import SimpleNamespace as Fake
>>> from distillens.data.text import Example
>>> engine = Fake(logits=lambda texts: np.zeros((len(texts), 2)))
>>> (attribution,) = explain([Example("a", "never dull")], engine, "margin", {"scale": 1.0}, seed=0)
>>> attribution.values.tolist()
[[5.0, 5.0], [4.0, 4.0]]
"""

OPTIONS = {
    "unit": {
        "enum": ["word", "token"],
        "default": "word",
        "description": "What gets a value: words, or what the study's unit says, which all models share; "
        "or the tokenizer's pieces (token).",
    },
    "examples": {
        "type": ["integer", "null"],
        "minimum": 2,
        "default": None,
        "description": "Texts at most, the first of those chosen (as many of each class); null for all.",
    },
}
