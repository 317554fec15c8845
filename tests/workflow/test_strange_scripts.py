"""Scripts, emoji and characters that nobody sees: which words they are, through every stage of a study."""

import re
import sys

import pandas as pd
import pytest

from distillens import tables
from distillens.data.read import DataError, to_examples
from distillens.data.segmentation import spans
from tests.unit.data.test_segmentation import EMOJI, INVISIBLE, WITH_SPACES, WITHOUT_SPACES, visible
from tests.workflow.conftest import Study, small_config
from tests.workflow.documented import documents, names
from tests.workflow.test_hostile_data import shown

EXPECTED = {
    **{name: (text, words.split()) for name, (text, words) in WITHOUT_SPACES.items()},
    "Khmer with zero-width spaces": ("ភាសា\u200bខ្មែរ", ["ភាសា", "ខ្មែរ"]),
    **WITH_SPACES,
    **{f"emoji: {name}": (" ".join(signs), signs) for name, signs in EMOJI.items()},
    **{
        f"invisible: {name}": (f"{sign}dull{sign}est {sign} film{sign}!", [f"dull{sign}est", "film", "!"])
        for name, sign in INVISIBLE.items()
    },
    "punctuation side by side": ('"no!" (yes...)', ['"', "no", "!", '"', "(", "yes", "...", ")"]),
}
REFUSED = {
    "invisible characters only": ("\u200b\ufeff \u00ad", False),
    "New Tai Lue": ("ᦟᦱᧉᦺᦑ", False),
    "Thai without the library": ("ภาพยนตร์เรื่องนี้ดีมาก", True),
    "Chinese without the library": ("A film 电影很好看", True),
}
NAMES = [*EXPECTED, *REFUSED]
LABELS = ["bad", "middling", "good"]


def written(word):
    """A word as it can be read in a table: what nobody sees by its number."""
    return "".join(
        sign if visible(sign) or sign in "\u200d\ufe0f" else f"\\u{ord(sign):04x}" for sign in word
    )


@pytest.mark.parametrize("name", REFUSED)
def test_a_text_that_cannot_be_cut_is_refused_by_row(name, monkeypatch):
    text, without = REFUSED[name]
    if without:
        monkeypatch.setitem(sys.modules, "icu4py.breakers", None)
    task = {"type": "classification", "labels": LABELS, "cut": None}
    task |= {"columns": {"text_a": "text", "label": "mood"}}
    frame = pd.DataFrame({"text": ["A film", text], "mood": ["bad", "good"]})
    with pytest.raises(DataError, match=r"^data.csv, row 2: text: ") as caught:
        to_examples(frame, task, "data.csv")
    documents("scripts", NAMES, name, f"refused: `{caught.value}`")


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    """A study that explains all of these texts, by masks and by gradients."""
    folder = tmp_path_factory.mktemp("scripts")
    config = small_config(folder)
    rows = [
        {"id": str(number), "text": text, "mood": LABELS[number % 3]}
        for number, (text, _) in enumerate(EXPECTED.values())
    ]
    pd.DataFrame(rows).to_json(folder / "test.jsonl", orient="records", lines=True)
    pd.read_csv(folder / "data.csv").to_json(folder / "train.jsonl", orient="records", lines=True)
    block = config["tasks"]["moods"]
    block["source"] = {"local": {"train": "train.jsonl", "test": "test.jsonl"}}
    block["splits"] = {
        "train": {"from": "train"}, "validation": {"from": "train", "examples": 6}, "test": {"from": "test"},
    }  # fmt: skip
    block["explain"] = {"per_class": None}
    config["explainers"] = {"occlusion": None, "integrated_gradients": {"steps": 2}}
    del config["models"]["student-kd"], block["perturb"]
    study = Study(folder, config)
    result = study.snakemake()
    assert result.returncode == 0, result.stdout + result.stderr
    return study


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPECTED)
def test_the_words_of_a_text_are_explained(name, study):
    text, words = EXPECTED[name]
    number, results = str(list(EXPECTED).index(name)), study.folder / "results" / "tiny"
    assert [text[start:end] for start, end in spans(text)] == words
    paths = [path for path in sorted(results.glob("explanations/**/*.parquet")) if "/." not in str(path)]
    assert len(paths) == 4
    for path in paths:
        row = next(r for r in tables.read(path, "explanations").to_pylist() if r["example_id"] == number)
        assert row["words"] == words and row["unseen"] == 0
        assert all(value == value for values in row["values"] for value in values)
        assert re.match(r"\d+\.", tables.provenance(path)["versions"]["icu"])
    assert shown(results / "report" / "index.html")[number] == text
    cell = " · ".join(map(written, words))
    documents("scripts", NAMES, name, f"explained and shown; its words: {cell}")


def test_the_table_of_scripts_has_these_rows():
    assert names("scripts") == NAMES
    assert len(NAMES) >= 30
