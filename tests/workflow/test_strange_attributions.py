"""Attributions from elsewhere that nobody expects: taken in for what they are, or refused by row."""

import csv
import json
import math
import re
import unicodedata

import pandas as pd
import pytest

import distillens
from distillens import tables
from distillens.attribution.import_explanations import ImportSettings, import_explanations
from distillens.cli import main
from distillens.data.read import DataError
from distillens.data.text import Example
from distillens.provenance import ExplanationId
from tests.workflow.conftest import Study
from tests.workflow.documented import documents, names

TABLE = "attributions"
TEXTS = {
    "1": "A dull film, and a long one.",
    "2": "The plot is witty; the ending was not.",
    "3": "Naïve, but joyful!",
    "4": "It doesn't work at all",
}
NAN = math.nan


def words(name):
    return [word.text for word in Example(name, TEXTS[name]).words]


def rows(model="copy", explainer="shap", **more):
    """A row for each text, values of its words for the class "good"."""
    return [
        {
            "example_id": name,
            "model": model,
            "explainer": explainer,
            "words": words(name),
            "values": [((len(word) * int(name)) % 7 - 3) / 2 for word in words(name)],
            "target": "good",
            **more,
        }
        for name in TEXTS
    ]


def row(number, **cells):
    """All rows, of one of which some cells differ; ``...`` removes them."""
    every = rows()
    changed = {**every[number - 1], **cells}
    every[number - 1] = {key: value for key, value in changed.items() if value is not ...}
    return every


def about(shift):
    """All rows, each with the words and values of another text."""
    every = rows()
    return [
        {**every[(place + shift) % len(every)], "example_id": one["example_id"]}
        for place, one in enumerate(every)
    ]


def mapping(model, **of_two):
    """A word-to-value mapping for text 2, whole ones for the others."""
    every = rows(model)
    for one in every:
        one["values"] = dict(zip(one.pop("words"), one["values"], strict=True))
    every[1]["values"] = of_two
    return every


def columns(every, *keys):
    return [{key: value for key, value in one.items() if key not in keys} for one in every]


def plain(word):
    return unicodedata.normalize("NFKD", word.lower()).encode("ascii", "ignore").decode()


TEACHER = mapping("theirs", plot=0.5, witty=1.0)
TOKENS, ONE = {"unit": "token"}, {"ending": 0.5, "plot": 1.0}
# What the file says, the settings, the teacher's rows; and what is said, or what comes of it.
REFUSED = {
    "rows rotated by one text": (about(1), {}, None, "1 place further on in the order of the file"),
    "the same, unit: token": (about(1), TOKENS, None, "are the ids shifted?"),
    "the same of mappings, unit: token": (
        [{**one, "example_id": str(int(one["example_id"]) % 4 + 1)} for one in TEACHER],
        {**TOKENS, "name": "theirs"}, None, "1 place further back in the order of the file",
    ),
    "ids that start at 0": (
        [{**one, "example_id": str(int(one["example_id"]) - 1)} for one in rows()], {"numbered": True},
        None, "example '0' is not in the test split of 'films'; ids of data without an id column are the num",
    ),
    "one row about another text": (
        row(3, words=["An", "utterly", "cold", "play"], values=[1, 2, 3, 4]), TOKENS,
        None, "row 3: 4 of 4 words do not stand in the text of example '3', such as 'An'",
    ),
    "spans of another text": (
        row(4, spans=[[n, n + 1] for n in range(len(words("4")))]), TOKENS, None,
        "do not stand at their spans in the text of example '4'",
    ),
    "one value that is NaN": (
        row(2, values=[NAN] + [1.0] * (len(words("2")) - 1)), {}, None,
        "give null for the values of its whole row: it is then undefined, and counted",
    ),
    "a row that is left out": (
        rows()[:3], {}, None, "give null for the values of its whole row: it is then undefined, and counted",
    ),
    "no values anywhere": (
        [{**one, "values": None} for one in rows()], {}, None, "no row of 'copy' by 'shap' has a value",
    ),
    "a target in some rows": (
        row(2, target=...), {}, None, "row 2: its values are for no class, those of row 1 are values of",
    ),
    "no target beside a teacher that has one": (
        columns(rows(), "target"), {}, rows("theirs"), "row 1: its values have no target",
    ),
    "a target beside a teacher that has none": (
        rows(), {}, columns(rows("theirs"), "target"), "row 1: its values have a target",
    ),
    "no target beside attributions that are computed here": (
        columns(rows(), "target"), {"by_class": True}, None, "those that are computed here are for each",
    ),
    "a target by position where labels are numbers": (
        row(1, target=0), {"task_settings": {"type": "classification", "labels": ["1", "2"]}}, None,
        "row 1: target 0 is none of 1, 2",
    ),
    "a target that is a truth value": (row(1, target=True), {}, None, "target True is none of bad, good"),
    "logits in some rows": (
        row(2, logits=[0.0, 1.0]), {}, None, "row 1: it has no logits and others have; give them in all rows",
    ),
    "logits of another number of classes": (
        row(2, logits=[0.0]), {}, None, "row 2: logits [0.0] are not 2 finite numbers",
    ),
    "a word that the student lacks, missing not said": (
        mapping("copy", **ONE), TOKENS, TEACHER, "row 2: 1 words have no value that 'theirs' has a value for",
    ),
    "a word that the teacher lacks, missing not said there": (
        mapping("copy", **ONE), {**TOKENS, "missing": "zero"}, TEACHER,
        "'theirs' has no value for 1 of its words, such as 'ending'; say models.theirs.explanations.missing",
    ),
    "a word twice in a mapping": (
        row(2, words=..., values=[["plot", 1.0], ["plot", 2.0]]), {"missing": "zero"}, None,
        "row 2: a word stands twice in the mapping",
    ),
    "values that are text": (row(2, values=["1"] * len(words("2"))), {}, None, "is '1', not a finite number"),
    "values that are one number": (row(2, values=0.5), {}, None, "row 2: values are 0.5; give a list, or"),
    "a text twice": ([*rows(), rows()[0]], {}, None, "row 5: example '1' is explained twice by 'shap'"),
    "words and tokens": (row(1, tokens=words("1")), {}, None, "row 1: needs either words or tokens"),
    "a misspelt key": (row(1, logit=[0.0, 1.0]), {}, None, "unknown key 'logit'"),
}  # fmt: skip
TAKEN = {
    "a row of which all values are NaN": (
        row(2, values=[NAN] * len(words("2"))), {}, None, "undefined: text 2",
    ),
    "null for the values of a row": (row(2, values=None), TOKENS, None, "undefined: text 2"),
    "only the teacher's words, missing: teacher": (
        mapping("copy", **ONE), {**TOKENS, "missing": "teacher"}, TEACHER, "taken in",
    ),
    "pieces in lower case, without accents": (
        [{**columns([one], "words")[0], "tokens": ["[CLS]", *map(plain, one["words"]), "[SEP]"],
          "values": [0.0, *one["values"], 0.0]} for one in rows()], {}, None, "taken in",
    ),
    "ids that a table holds as 1.0": (
        [{**one, "example_id": float(one["example_id"])} for one in rows()], {}, None, "taken in",
    ),
}  # fmt: skip
FLOWS = (
    "no logits anywhere",
    "a text without values, in a study",
    "words that the student lacks, missing: teacher, in a study",
    "two explainers, one with targets and one without",
)
NAMES = [*REFUSED, *TAKEN, *FLOWS]


def take_in(folder, every, settings, teacher=None, model="copy"):
    """Import a file; the teacher's first."""
    examples = [{"example_id": name, "text_a": text, "label": 0.0} for name, text in TEXTS.items()]
    tables.write(folder / "test.parquet", "examples", examples, {})
    reference = None
    if teacher is not None:
        own = {key: value for key, value in settings.items() if key == "unit"}
        reference = take_in(folder, teacher, own, model="theirs")
    file = folder / f"{model}.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in every))
    usual = {"name": model, "missing": None, "unit": "word", "needed": []}
    usual["task_settings"] = {"type": "classification", "labels": ["bad", "good"]}
    import_explanations(
        ExplanationId("films", model, 0, "shap"),
        ImportSettings(**{**usual, **settings}),
        explained=folder / "test.parquet",
        test=folder / "test.parquet",
        file=file,
        out=folder / f"{model}.parquet",
        reference=reference,
    )
    return folder / f"{model}.parquet"


@pytest.mark.parametrize("name", REFUSED)
def test_attributions_that_cannot_be_used_are_refused(name, tmp_path):
    every, settings, teacher, message = REFUSED[name]
    with pytest.raises(DataError) as caught:
        take_in(tmp_path, every, settings, teacher)
    assert message in str(caught.value)
    assert not (tmp_path / "copy.parquet").exists()
    first, *others = str(caught.value).replace(f"{tmp_path}/", "").splitlines()
    said = f"{first}; {others[0].strip()}" if others else first
    documents(TABLE, NAMES, name, f"refused: `{said}`")


@pytest.mark.parametrize("name", TAKEN)
def test_attributions_that_are_taken_in(name, tmp_path):
    every, settings, teacher, what = TAKEN[name]
    stored = tables.read(take_in(tmp_path, every, settings, teacher), "explanations").to_pylist()
    undefined = [
        one["example_id"] for one in stored if all(v is None for values in one["values"] for v in values)
    ]
    assert [one["example_id"] for one in stored] == list(TEXTS)
    assert undefined == (["2"] if "undefined" in what else [])
    documents(TABLE, NAMES, name, what)


MOODS = {"bad": ("dull", "boring", "messy"), "good": ("joyful", "witty", "fun")}
SENTENCES = [
    (f"A {word} film about {thing}.", mood)
    for mood, all_words in MOODS.items()
    for word in all_words
    for thing in ("ships", "a quiet town", "two brothers")
]
LOST, FEWER = "5", "7"


def of_study(model, drift):
    """Attributions without logits: by shap of every word, by lime of some, by ig for no named class."""
    for number, (text, _) in enumerate(SENTENCES, start=1):
        own = [word.text for word in Example("", text).words]
        values = [((len(word) * 7 + number) % 11 - 5) + drift * (place % 3) for place, word in enumerate(own)]
        one = {"example_id": str(number), "model": model}
        lost = model == "copy" and str(number) == LOST
        yield {**one, "explainer": "shap", "words": own, "values": None if lost else values, "target": "good"}
        kept = values[:2] if model == "copy" and str(number) == FEWER else values
        pairs = dict(zip(own, kept, strict=False)) | ({"film": 1.0} if model == "theirs" else {})
        yield {**one, "explainer": "lime", "values": pairs, "target": "good"}
        yield {**one, "explainer": "ig", "words": own, "values": values}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study of nothing but such attributions, run for real."""
    folder = tmp_path_factory.mktemp("strange")
    pd.DataFrame(SENTENCES, columns=["text", "mood"]).to_csv(folder / "data.csv", index=False)
    for model, drift in (("theirs", 0.0), ("copy", 1.0)):
        (folder / f"{model}.jsonl").write_text(
            "".join(json.dumps(one) + "\n" for one in of_study(model, drift))
        )
    config = {
        "study": "strange",
        "tasks": {
            "films": {
                "source": {"local": "data.csv"},
                "columns": {"text_a": "text", "label": "mood"},
                "labels": list(MOODS),
                "explain": {"per_class": None},
            }
        },
        "models": {
            "theirs": {"explanations": "theirs.jsonl"},
            "copy": {"explanations": {"file": "copy.jsonl", "missing": "teacher"}, "teacher": "theirs"},
        },
        "explainers": {"shap": None, "lime": {"unit": "token"}, "ig": {"method": "elsewhere"}},
    }
    study = Study(folder, config)
    result = study.snakemake()
    assert result.returncode == 0, result.stdout + result.stderr
    return study


@pytest.mark.slow
def test_without_logits_performance_is_not_known_on_the_page_in_the_terminal_and_in_the_csv_file(
    study, capsys
):
    results = study.folder / "results" / "strange"
    page = (results / "report" / "index.html").read_text("utf-8")
    visible = re.sub(r"<script.*?</script>|<style.*?</style>|<dl.*?</dl>", "", page, flags=re.DOTALL)
    assert "performance not known" in visible or "the performance of copy and theirs is not known" in visible
    assert "no better than the majority" not in page
    assert "not shown to beat the majority baseline, so" not in page
    assert "right on no explained text" not in page
    assert "Not known: the attributions of theirs and copy came without logits." in page
    with next((results / "report").rglob("verdict.csv")).open(encoding="utf-8", newline="") as file:
        (line,) = csv.DictReader(file)
    assert (line["value"], line["teacher_value"], line["majority"]) == ("not known", "not known", "")
    assert main(["verdict", str(results)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert (
        "copy on films: gated. Gated: the performance of copy and theirs is not known, "
        "because the attributions came without logits" in said
    )
    assert "majority baseline" not in said
    scores = distillens.load(results).scores
    scores = scores[scores["model"].notna() & scores["explainer"].isna() & scores["subset"].isna()]
    assert set(scores["n"]) == {0}
    assert scores["value"].isna().all()
    documents(
        TABLE, NAMES, FLOWS[0], "the performance is *not known*; agreement and drift are shown, and gated"
    )


def of(study, explainer):
    """The student's agreement with its teacher: by text, and over all."""
    table = tables.read(
        study.folder / "results/strange/metrics/films/agreement.parquet", "scores"
    ).to_pandas()
    table = table[(table["metric"] == "cosine") & (table["explainer"] == explainer)]
    table = table[(table["model"] == "copy") & (table["against"] == "theirs")]
    return table[table["example_id"].isna()].iloc[0], table.set_index("example_id")["value"]


@pytest.mark.slow
def test_a_text_without_values_is_undefined_for_its_explainer_and_counted(study):
    mean, single = of(study, "shap")
    assert (mean["n"], mean["n_undefined"]) == (len(SENTENCES) - 1, 1)
    assert math.isnan(single[LOST]) and not math.isnan(of(study, "ig")[1][LOST])
    frame = distillens.load(study.folder / "results/strange").attributions
    lost = frame.query(f"model == 'copy' and explainer == 'shap' and example_id == '{LOST}'")
    assert len(lost) > 0 and lost["value"].isna().all()
    assert frame.loc[frame["explainer"] == "ig", "label"].isna().all()
    documents(
        TABLE,
        NAMES,
        FLOWS[1],
        f"undefined for that explainer, and counted: n_undefined is 1 of {len(SENTENCES)}",
    )


@pytest.mark.slow
def test_only_the_teacher_s_words_count_in_a_study(study):
    mean, single = of(study, "lime")
    assert (mean["n"], mean["n_undefined"]) == (len(SENTENCES), 0)
    every = {model: {r["example_id"]: r["values"] for r in of_study(model, d) if r["explainer"] == "lime"}
             for model, d in (("theirs", 0.0), ("copy", 1.0))}  # fmt: skip
    teacher, student = every["theirs"][FEWER], every["copy"][FEWER]
    assert len(student) == 2
    pairs = [(value, student.get(word, 0.0)) for word, value in teacher.items()]
    lengths = math.sqrt(sum(a * a for a, _ in pairs)) * math.sqrt(sum(b * b for _, b in pairs))
    assert single[FEWER] == pytest.approx(sum(a * b for a, b in pairs) / lengths, abs=1e-6)
    documents(
        TABLE,
        NAMES,
        FLOWS[2],
        "the student's absent words count as 0: the cosine is the one computed by hand",
    )


@pytest.mark.slow
def test_two_explainers_of_which_one_has_targets_are_undefined_and_counted(study):
    path = study.folder / "results/strange/metrics/films/agreement.parquet"
    table = tables.read(path, "scores").to_pandas()
    between = table[(table["metric"] == "cosine") & table["against_explainer"].notna()]
    for row_ in between.itertuples():
        comparable = "ig" not in (row_.explainer, row_.against_explainer)
        assert (row_.n > 0) == comparable
        assert row_.n + row_.n_undefined == len(SENTENCES)
    assert len(between) == 6
    documents(
        TABLE, NAMES, FLOWS[3], "undefined between the two, and counted; each is compared with its teacher's"
    )


def test_the_table_of_attributions_has_these_rows():
    assert names(TABLE) == NAMES
    assert len(NAMES) >= 30
