"""One probe a file; a config names it by its file's name.

A file defines:

- ``OPTIONS``: a literal dict, from each option to its JSON schema with a default; ``{}`` for none;
- ``CUE``: ``"divides"`` where the cue parts a sentence into what comes before and after it ("but"),
  ``"negates"`` where it turns it round ("not");
- ``build(pool, options, seed)``: a list of `distillens.probes.sentences.Sentence`; ``pool`` are the
  examples of the task's test split, ``options`` a dict with all options filled in.

Examples
--------
A whole file, of which one adjective is all the words:

>>> from distillens.probes.sentences import Sentence
>>> OPTIONS = {"adjective": {"type": "string", "default": "good"}}
>>> CUE = "negates"
>>> def build(pool: list, options: dict, seed: int) -> list[Sentence]:
...     word = options["adjective"]
...     plain = Sentence(f"{word}-affirmative", f"It was {word}.", word, "affirmative", 1, None)
...     return [plain, Sentence(f"{word}-negated", f"It was not {word}.", word, "negated", -1, (7, 10))]

And what it gives:

>>> [sentence.text for sentence in build([], {"adjective": "good"}, seed=1)]
['It was good.', 'It was not good.']
"""

OPTIONS = {
    # No default: who explains the sentences decides what the probe costs.
    "explainers": {
        "type": "array",
        "items": {"type": "string"},
        "minItems": 1,
        "uniqueItems": True,
        "description": "Which of the study's explainers explain the probe's sentences.",
    },
}
