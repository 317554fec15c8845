"""Chat completions as OpenAI's interface has them, which many servers speak: one text, one token back."""

from typing import Any

PROMPT = "Which of these fits the text: {labels}? Answer with that alone.\n\nText: {text}"

ANSWER = "choices/0/logprobs/content/0/top_logprobs"
"""Where the likeliest first tokens stand."""


def body(model: str, prompt: str) -> dict[str, Any]:
    """The body that asks for the log-probabilities of the first token.

    Parameters
    ----------
    model : str
        As the server calls it.
    prompt : str
        With ``{text}``; see `distillens.models.endpoint.body.fill`.

    Examples
    --------
    >>> body("small", "{labels}? {text}")["messages"]
    [{'role': 'user', 'content': '{labels}? {text}'}]
    """
    return {
        "model": model,
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": 1,
        "temperature": 0,
        "logprobs": True,
        "top_logprobs": 20,
    }
