"""Several studies side by side: the same student before and after, or over the releases of a model."""

from collections.abc import Mapping
from typing import Any

from distillens.provenance import release
from distillens.report import html
from distillens.report.baseline import difference, resampling_of, same_teachers
from distillens.report.formatting import NOTHING, Cell, Head, Table, interval, metric_name, number
from distillens.report.outcome import NOTHING as NOTHING_MEASURED
from distillens.report.tables import VERDICTS

Outcome = Mapping[str, Any]
Key = tuple[str, str]

_LEVEL = 0.95


def page(records: Mapping[str, Outcome]) -> str:
    """The page of several studies, the oldest first.

    Parameters
    ----------
    records : mapping
        Of each study, by the name that it is shown with, what `distillens.report.outcome.of` returns.

    Examples
    --------
    >>> about = {"texts": {}, "explainers": {}, "explained_output": "margin", "teachers": {}}
    >>> nothing = {"about": about, "students": []}
    >>> "What changed from v1 to v2?" in page({"v1": nothing, "v2": nothing})
    True
    """
    names = list(records)
    return html.render(
        "compare.html.j2",
        names=names,
        changes=changes(records),
        differing=differing(records),
        other_teacher=teacher_changed(records),
        release=release(),
        tables=[_verdicts(records), _agreement(records)],
    ).lstrip()


def changes(records: Mapping[str, Outcome]) -> list[tuple[str, str, list[Cell], str]]:
    """What became of each student from the last study but one to the last.

    Returns
    -------
    list of tuple
        Task, student, its verdicts in all studies, and by how much it agrees more or less with its teacher.

    Examples
    --------
    >>> def record(verdict, level):
    ...     texts = {str(n): level + n / 100 for n in range(20)}
    ...     row = {"explainer": "shap", "verdict": verdict, "agreement": level, "by_text": texts}
    ...     row |= {"agreement_low": None, "agreement_high": None}
    ...     one = {"task": "films", "student": "tiny", "verdict": verdict, "explainers": [row]}
    ...     about = {"texts": {"films": {"sha256": "aa"}}, "explainers": {"shap": {}}}
    ...     return {"about": about | {"explained_output": "margin"}, "students": [one]}
    >>> ((_, student, words, said),) = changes(
    ...     {"v1": record("no drift found", 0.7), "v2": record("drift found", 0.5)}
    ... )
    >>> [word.text for word in words], said.split(" [")[0]
    (['no drift found', 'drift found'], 'agreement by shap −0.20')
    """
    result = []
    for key in _keys(records):
        students = [_student(record, key) for record in records.values()]
        words = [_word(one["verdict"]) if one else NOTHING for one in students]
        result.append((*key, words, _said(records, key)))
    return result


def differing(records: Mapping[str, Outcome]) -> list[str]:
    """Why intervals of a difference are missing: what is not the same in the last two studies.

    Examples
    --------
    >>> about = {"texts": {"films": {"n": 4}}, "explainers": {}, "explained_output": "margin"}
    >>> other = about | {"texts": {"films": {"n": 5}}}
    >>> differing({"v1": {"about": about}, "v2": {"about": other}})
    ['films: other texts']
    """
    (_, before), (_, now) = list(records.items())[-2:]
    one, two = before["about"], now["about"]
    said = [
        f"{task}: other texts"
        for task in one["texts"]
        if task in two["texts"] and one["texts"][task] != two["texts"][task]
    ]
    said += [
        f"{name}: other settings"
        for name in one["explainers"]
        if name in two["explainers"] and one["explainers"][name] != two["explainers"][name]
    ]
    if one["explained_output"] != two["explained_output"]:
        said.append("another explained output")
    return said


def teacher_changed(records: Mapping[str, Outcome]) -> bool:
    """Whether the last two studies are about other teachers, as far as both know theirs.

    Examples
    --------
    >>> about = {"teachers": {"bert": "aa"}}
    >>> teacher_changed({"v1": {"about": about}, "v2": {"about": {"teachers": {"bert": "bb"}}}})
    True
    """
    before, now = (record["about"] for record in list(records.values())[-2:])
    return same_teachers(before, now) is False


def _keys(records: Mapping[str, Outcome]) -> list[Key]:
    return list(dict.fromkeys((s["task"], s["student"]) for r in records.values() for s in r["students"]))


def _student(record: Outcome, key: Key) -> Mapping[str, Any] | None:
    return next((one for one in record["students"] if (one["task"], one["student"]) == key), None)


def _row(record: Outcome, key: Key, explainer: str) -> Mapping[str, Any] | None:
    one = _student(record, key)
    return next((row for row in one["explainers"] if row["explainer"] == explainer), None) if one else None


def _explainers(records: Mapping[str, Outcome], key: Key) -> list[str]:
    students = [one for record in records.values() if (one := _student(record, key)) is not None]
    return list(dict.fromkeys(row["explainer"] for one in students for row in one["explainers"]))


def _word(verdict: str | None) -> Cell:
    style = "gated" if verdict == NOTHING_MEASURED else VERDICTS.get(verdict or "", "undecided")
    return Cell(verdict, style=f"verdict {style}") if verdict else NOTHING


def _difference(records: Mapping[str, Outcome], key: Key, explainer: str) -> dict[str, Any] | None:
    """Of the last two studies; without an interval where they are not about the same texts."""
    before, now = list(records.values())[-2:]
    rows = [_row(record, key, explainer) for record in (before, now)]
    if rows[0] is None or rows[1] is None or None in (rows[0]["agreement"], rows[1]["agreement"]):
        return None
    same = before["about"]["texts"][key[0]] == now["about"]["texts"][key[0]]
    same = same and before["about"]["explainers"][explainer] == now["about"]["explainers"][explainer]
    if same and before["about"]["explained_output"] == now["about"]["explained_output"]:
        resampling = resampling_of(now["about"], _LEVEL).at(*key, explainer)
        groups = now["about"].get("groups", {}).get(key[0])
        return difference(rows[1]["by_text"], rows[0]["by_text"], resampling, groups)
    return {"difference": rows[1]["agreement"] - rows[0]["agreement"], "low": None, "high": None, "n": 0}


def _said(records: Mapping[str, Outcome], key: Key) -> str:
    differences = [(name, _difference(records, key, name)) for name in _explainers(records, key)]
    moved = [
        f"{name} {number(one['difference'], signed=True)} {interval(one['low'], one['high'])}".strip()
        for name, one in differences
        if one and one["difference"] is not None
    ]
    if moved:
        return f"agreement by {', '.join(moved)}"
    both = all(_student(record, key) for record in list(records.values())[-2:])
    return "no agreement to compare" if both else "not in both of the last two studies"


def _verdicts(records: Mapping[str, Outcome]) -> Table:
    head = [Head("task", numeric=False), Head("student", numeric=False)]
    head += [Head(name, numeric=False) for name in records]
    rows = []
    for key in _keys(records):
        cells = []
        for record in records.values():
            one = _student(record, key)
            cells.append(_with_score(one) if one else NOTHING)
        rows.append([Cell(key[0]), Cell(key[1]), *cells])
    return Table("verdicts", "Verdict of each study", head, rows, 2)


def _with_score(one: Mapping[str, Any]) -> Cell:
    word, performance = _word(one["verdict"]), one["performance"]
    if performance is None:
        return word
    note = f"{metric_name(performance['metric'])} {number(performance['student'], 3)}"
    return Cell(word.text, note=f"{note}, teacher {number(performance['teacher'], 3)}", style=word.style)


def _agreement(records: Mapping[str, Outcome]) -> Table:
    head = [Head(name, numeric=False) for name in ("task", "student", "explainer")]
    head += [Head(name, "agreement with the teacher (Spearman)") for name in records]
    head.append(Head("change", "of the last study from the one before, text by text, and its 95 % interval"))
    rows = []
    for key in _keys(records):
        for explainer in _explainers(records, key):
            cells = [_agreed(_row(record, key, explainer)) for record in records.values()]
            rows.append(
                [Cell(key[0]), Cell(key[1]), Cell(explainer), *cells, _moved(records, key, explainer)]
            )
    return Table("agreement", "Agreement with the teacher, by explainer", head, rows, 3)


def _agreed(row: Mapping[str, Any] | None) -> Cell:
    if row is None or row["agreement"] is None:
        return NOTHING
    note = interval(row["agreement_low"], row["agreement_high"])
    return Cell(number(row["agreement"]), row["agreement"], note, unit=row["verdict"] or "")


def _moved(records: Mapping[str, Outcome], key: Key, explainer: str) -> Cell:
    change = _difference(records, key, explainer)
    if change is None or change["difference"] is None:
        return NOTHING
    low, high = change["low"], change["high"]
    told = low is not None and (low > 0 or high < 0)
    note = f"{interval(low, high)}\n{change['n']} texts" if change["n"] else "other texts or settings"
    text = number(change["difference"], signed=True)
    return Cell(text, change["difference"], note, "told" if told else "")
