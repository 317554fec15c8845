"""What the examples of docs/any-model.md name, made tiny."""

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
    """Write a decoder, an adapter, its base, ONNX files, the page's function, texts of several labels."""
    tiny.llama(folder / "llama", labels=2)
    model = AutoModelForSequenceClassification.from_pretrained(tiny.bert(folder / "base", labels=2))
    lora = peft.LoraConfig(task_type="SEQ_CLS", r=2, target_modules=["query"], init_lora_weights=False)
    peft.get_peft_model(model, lora).save_pretrained(folder / "lora")
    exported = tiny.bert(folder / "exported", labels=2)
    classifier.export_onnx(classifier.load_classifier(exported).eval(), exported)
    (exported / "onnx").mkdir()
    shutil.copy(exported / "model.onnx", exported / "onnx" / "model_quantized.onnx")
    (folder / "mine.py").write_text(BLOCKS["mine.py"])
    _with_several_labels(folder)


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
