"""One explainer a file: ``explain(examples, engine, output, options, seed)`` and what it ``cost``s."""

OPTIONS = {
    "unit": {
        "enum": ["word", "token"],
        "default": "word",
        "description": "What gets a value: words, which all models share, or the tokenizer's pieces.",
    },
}
