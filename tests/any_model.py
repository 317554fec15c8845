"""What the examples of docs/any-model.md name, made tiny."""

import itertools
import re
import shutil
from pathlib import Path

import pandas as pd
import peft
from transformers import AutoModelForSequenceClassification

from distillens.models import classifier
from distillens.provenance import ROOT
from tests import tiny

BLOCKS = {
    name: block
    for name, block in re.findall(
        r"```\w+\n# ([\w.]+)\n(.*?)```", (ROOT / "docs" / "any-model.md").read_text("utf-8"), re.DOTALL
    )
}
"""Code and configs of the page, by the name in their first line."""


def lay_out(folder: Path) -> None:
    """Write what the page's examples name: models of each kind, texts, rankings and functions."""
    tiny.llama(folder / "llama", labels=2)
    model = AutoModelForSequenceClassification.from_pretrained(tiny.bert(folder / "base", labels=2))
    lora = peft.LoraConfig(task_type="SEQ_CLS", r=2, target_modules=["query"], init_lora_weights=False)
    peft.get_peft_model(model, lora).save_pretrained(folder / "lora")
    exported = tiny.bert(folder / "exported", labels=2)
    classifier.export_onnx(classifier.load_classifier(exported).eval(), exported)
    (exported / "onnx").mkdir()
    shutil.copy(exported / "model.onnx", exported / "onnx" / "model_quantized.onnx")
    for name in ("mine.py", "few_shots.py"):
        (folder / name).write_text(BLOCKS[name])
    passages(folder / "passages.csv")
    for seed, name in enumerate(("cross-encoder", "small-cross-encoder")):
        tiny.bert(folder / name, labels=1, layers=2 - seed)
    _with_several_labels(folder)


def passages(file: Path) -> pd.DataFrame:
    """Five documents for each of some queries, and how many words of the query each has; two say nothing."""
    words = ("film", "plot", "ending", "joyful", "dull", "bad")
    rows = [
        {"query": f"a {one} and {other}", "passage": f"The {first} was {second}, number {number}",
         "relevance": len({one, other} & {first, second})}
        for one, other in itertools.combinations(words, 2)
        for number, (first, second) in enumerate(
            [(one, other), (other, "not bad"), (one, "all of it"), ("movie", "bad"), ("movie", other)]
        )
    ]  # fmt: skip
    rows.append({"query": "is it alone", "passage": "It is all alone", "relevance": 1})
    rows += [{"query": "the same", "passage": f"all the same {n}", "relevance": 0} for n in range(3)]
    frame = pd.DataFrame(rows)
    frame.to_csv(file, index=False)
    return frame


def made_for_mini(folder: Path) -> None:
    """What resources/studies/any-model-mini.yaml names, in the place of what `bench.any_model` makes."""
    made = folder / "results" / "any-model-mini" / "made"
    graph = tiny.bert(made / "int8", labels=5)
    classifier.export_onnx(classifier.load_classifier(graph).eval(), graph)
    tiny.bert(made / "teacher", labels=5)
    pd.DataFrame({"text": ["A film", "A play"], "label": [0, 4]}).to_csv(made / "train.csv", index=False)
    probabilities = {f"p{number}": [0.2, 0.2] for number in range(5)}
    pd.DataFrame({"text": ["A film", "A play"], **probabilities}).to_csv(made / "answers.csv", index=False)


def few_shots(folder: Path) -> None:
    """A SetFit model of a tiny body, saved with its labels in another order than the task's."""
    from sentence_transformers import SentenceTransformer, models
    from setfit import SetFitModel
    from sklearn.linear_model import LogisticRegression

    body = models.Transformer(str(tiny.bert(folder / "body")), max_seq_length=32)
    whole = SentenceTransformer(modules=[body, models.Pooling(16)], device="cpu")
    model = SetFitModel(whole, LogisticRegression(), labels=["positive", "negative"])
    texts = ["a good film", "a joyful ending", "a dull film", "a bad ending"]
    model.model_head.fit(model.encode(texts), [0, 0, 1, 1])
    model.save_pretrained(folder / "few-shots")


def _with_several_labels(folder: Path) -> None:
    """A finished model with a sigmoid for each of three labels, as a folder and a file, and texts."""
    names = ["toxic", "insult", "threat"]
    model = AutoModelForSequenceClassification.from_pretrained(tiny.bert(folder / "tagger"))
    model.config.problem_type = "multi_label_classification"
    model.config.id2label = dict(enumerate(names))
    model.config.label2id = {name: number for number, name in enumerate(names)}
    model.save_pretrained(folder / "tagger")
    shutil.copytree(folder / "tagger", folder / "tagged")
    classifier.export_onnx(model.eval(), folder / "tagged")
    rows = [
        {"text": f"Film, number {n}", "is_toxic": n & 1, "insult": n >> 1 & 1, "threat": n >> 2 & 1}
        for n in range(80)
    ]
    pd.DataFrame(rows).to_csv(folder / "comments.csv", index=False)
