"""What the examples of docs/any-model.md name, made tiny."""

import re
import shutil
from pathlib import Path

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
    """Write a decoder, an adapter and its base, ONNX files and the page's function."""
    tiny.llama(folder / "llama", labels=2)
    model = AutoModelForSequenceClassification.from_pretrained(tiny.bert(folder / "base", labels=2))
    lora = peft.LoraConfig(task_type="SEQ_CLS", r=2, target_modules=["query"], init_lora_weights=False)
    peft.get_peft_model(model, lora).save_pretrained(folder / "lora")
    exported = tiny.bert(folder / "exported", labels=2)
    classifier.export_onnx(classifier.load_classifier(exported).eval(), exported)
    (exported / "onnx").mkdir()
    shutil.copy(exported / "model.onnx", exported / "onnx" / "model_quantized.onnx")
    (folder / "mine.py").write_text(BLOCKS["mine.py"])
