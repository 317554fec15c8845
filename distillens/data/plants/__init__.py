"""One way to change texts on purpose: ``plant(example, options, draw) -> example``.

A student that is trained on changed texts (``training.plant``) has learnt something that its teacher has
not; a test split that is changed (``splits.test.plant``) shows it. So a drift is planted whose kind and size
are known (`distillens.data.plant`). ``OPTIONS`` are the method's; what it draws, it draws from ``draw``,
which is the example's own.

Examples
--------
A whole method: every text is in capitals.

>>> from dataclasses import replace
>>> OPTIONS = {}
>>> def plant(example, options, draw):
...     return replace(example, text_a=example.text_a.upper())

>>> from distillens.data.text import Example
>>> plant(Example("1", "A film"), {}, None).text_a
'A FILM'
"""
