"""One probe a file: ``build(pool, options, seed)`` gives its sentences, ``CUE`` says what their cue does.

A cue ``divides`` a sentence into what comes before and after it ("but"), or ``negates`` it ("not").
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
