"""One perturbation a file; a config names it by its file's name.

A file defines:

- ``OPTIONS``: a literal dict, from each option to its JSON schema with a default; ``{}`` for none;
- ``perturb(text, seed, **options)``: a list of `distillens.perturbations.edits.Edit`, empty where
  nothing can be edited. The same arguments must always give the same edits.

Examples
--------
A whole file, which repeats the last letter of a word:

>>> from distillens.perturbations.edits import Edit, apply, replace_one, words
>>> OPTIONS = {"min_letters": {"type": "integer", "minimum": 1, "default": 4}}
>>> def perturb(text: str, seed: int, min_letters: int = 4) -> list[Edit]:
...     return replace_one(words(text, min_letters), seed, lambda token: token.text + token.text[-1])

And what it does:

>>> apply("It was GOOD!", perturb("It was GOOD!", seed=1))
'It was GOODD!'
"""
