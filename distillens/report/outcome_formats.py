"""The record of a study's verdicts (`distillens.report.outcome`) as JUnit XML and as Markdown."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from distillens.metrics.verdict import KEEPS, UNKNOWN
from distillens.report.formatting import damage_in_words, interval, metric_name, number
from distillens.report.outcome import NOTHING

Outcome = Mapping[str, Any]


def junit(outcome: Outcome, failing: Mapping[tuple[str, str], Sequence[str]]) -> str:
    """A test suite with a case per task and student.

    Parameters
    ----------
    outcome : mapping
    failing : mapping
        By (task, student) why it fails. What is not decided and does not fail is skipped.

    Examples
    --------
    >>> one = {"task": "films", "student": "tiny", "teacher": "bert", "verdict": "drift found"}
    >>> one |= {"reference": "prune 0.3", "explainers": []}
    >>> print(junit({"study": "audit", "students": [one]}, {("films", "tiny"): ["drift found"]}))
    <?xml version='1.0' encoding='utf-8'?>
    <testsuites>
      <testsuite name="distillens audit" tests="1" failures="1" errors="0" skipped="0">
        <testcase classname="audit.films" name="tiny">
          <failure message="drift found">against bert, by prune 0.3</failure>
        </testcase>
      </testsuite>
    </testsuites>
    """
    suites = ET.Element("testsuites")
    suite = ET.SubElement(suites, "testsuite", name=f"distillens {outcome['study']}")
    counts = {"tests": len(outcome["students"]), "failures": 0, "errors": 0, "skipped": 0}
    for one in outcome["students"]:
        case = ET.SubElement(
            suite, "testcase", classname=f"{outcome['study']}.{one['task']}", name=one["student"]
        )
        why = failing.get((one["task"], one["student"]), ())
        kind = ("failure", "failures") if why else ("skipped", "skipped")
        if why or one["verdict"] in (UNKNOWN, NOTHING):
            counts[kind[1]] += 1
            message = "; ".join(why) or one["verdict"]
            ET.SubElement(case, kind[0], message=message).text = "\n".join(_grounds(one))
    for name, count in counts.items():
        suite.set(name, str(count))
    ET.indent(suites)
    return ET.tostring(suites, encoding="utf-8", xml_declaration=True).decode()


def markdown(outcome: Outcome, failing: Collection[tuple[str, str]] = ()) -> str:
    """A summary in a table, and a section for the model card of each student.

    Examples
    --------
    >>> row = {"explainer": "occlusion", "verdict": "no drift found", "n": 80, "n_undefined": 0}
    >>> row |= {"agreement": 0.9, "agreement_low": 0.85, "agreement_high": 0.94}
    >>> one = {"task": "films", "student": "tiny", "teacher": "bert", "verdict": "no drift found"}
    >>> one |= {"reference": "prune 0.3", "explainers": [row], "doses": [], "performance": None}
    >>> about = {"texts": {"films": {"n": 80}}, "confidence_level": 0.95}
    >>> print(markdown({"study": "audit", "about": about, "students": [one], "remarks": []}))
    # audit: do the students still reason like their teacher?
    <BLANKLINE>
    | task | student | verdict | by | agreement with the teacher’s reasons | answers |
    |---|---|---|---|---|---|
    | films | tiny | no drift found | prune 0.3 | occlusion 0.90 [0.85, 0.94] | not known |
    <BLANKLINE>
    ## For the model card of tiny
    <BLANKLINE>
    ### Agreement with its teacher’s reasons
    <BLANKLINE>
    No drift found on films, against bert, by prune 0.3. On 80 texts the attributions agree with the
    teacher’s (Spearman, mean and 95 % interval): occlusion 0.90 [0.85, 0.94]. Performance is not known.
    This is about these models, texts and explainers, and does not say that its reasons are good.
    <BLANKLINE>
    """
    lines = [
        f"# {_escaped(outcome['study'])}: do the students still reason like their teacher?",
        "",
        "| task | student | verdict | by | agreement with the teacher’s reasons | answers |",
        "|---|---|---|---|---|---|",
    ]
    for one in outcome["students"]:
        mark = " (fails)" if (one["task"], one["student"]) in failing else ""
        cells = (one["task"], one["student"], f"{one['verdict']}{mark}", one["reference"] or "nothing")
        agreed = "<br>".join(map(_agreement, one["explainers"])) or "not measured"
        lines.append(f"| {' | '.join(map(_escaped, cells))} | {agreed} | {_answers(one)} |")
    if outcome["remarks"]:
        lines += ["", *(f"- {_escaped(remark)}" for remark in outcome["remarks"])]
    for one in outcome["students"]:
        lines += ["", *_card(outcome, one)]
    return "\n".join(lines) + "\n"


def _card(outcome: Outcome, one: Mapping[str, Any]) -> list[str]:
    texts = f"{outcome['about']['texts'][one['task']]['n']} texts"
    counted = [row["n"] + row["n_undefined"] for row in one["explainers"]]
    if one["task"] in outcome["about"].get("labels", {}):
        texts = f"the {max(counted, default=0)} of {texts} to which teacher or student gives the label"
    agreed = [
        _agreement(row) + _of_texts(n, max(counted), row["n_undefined"])
        for row, n in zip(one["explainers"], counted, strict=True)
    ]
    level = outcome["about"].get("confidence_level")
    level = f"{100 * level:g} % " if level else ""
    word = {KEEPS: "No drift found"}.get(one["verdict"], str(one["verdict"]).capitalize())
    by = f"by {_escaped(one['reference'])}" if one["reference"] else "with nothing to judge by"
    compared = (
        f"On {texts} the attributions agree with the",
        f"teacher’s (Spearman, mean and {level}interval): {'; '.join(agreed)}.",
    )
    if not agreed:
        compared = ("No explainer that counts", "explains it.")
    performance, student = one["performance"], _escaped(one["student"])
    scores = (
        "Performance is not known."
        if performance is None
        else f"{metric_name(performance['metric']).capitalize()} is {number(performance['student'], 3)} "
        f"(teacher {number(performance['teacher'], 3)})."
    )
    doses = "".join(f" {_as_far_as(dose)}" for dose in one["doses"])
    return [
        f"## For the model card of {student}",
        "",
        "### Agreement with its teacher’s reasons",
        "",
        f"{word} on {_escaped(one['task'])}, against {_escaped(one['teacher'])}, {by}. {compared[0]}",
        f"{compared[1]}{doses} {scores}",
        "This is about these models, texts and explainers, and does not say that its reasons are good.",
    ]


def _of_texts(n: int, most: int, undefined: int) -> str:
    """Of how many texts an agreement is, where that is not all of them, and on how many it is undefined."""
    said = [f"of {n} texts"] if n < most else []
    said += [f"undefined on {undefined}"] if undefined else []
    return f" ({', '.join(said)})" if said else ""


def _as_far_as(dose: Mapping[str, Any]) -> str:
    if dose["beyond"] or dose["dose"] is None:
        return f"By {dose['explainer']} its reasons are further off than any {dose['kind']} that was tried."
    return f"By {dose['explainer']} its reasons are as far off as {damage_in_words(dose)} would put them."


def agreement(row: Mapping[str, Any]) -> str:
    """The agreement by one explainer with its interval.

    Examples
    --------
    >>> agreement({"explainer": "shap", "agreement": None})
    'shap undefined'
    """
    if row["agreement"] is None:
        return f"{row['explainer']} undefined"
    bounds = [row[f"agreement_{end}"] for end in ("low", "high")]
    shown = "" if None in bounds else f" {interval(*bounds)}"
    return f"{row['explainer']} {number(row['agreement'])}{shown}"


def _answers(one: Mapping[str, Any]) -> str:
    performance = one["performance"]
    if performance is None:
        return "not known"
    return (
        f"{performance['metric']} {number(performance['student'], 3)}, "
        f"teacher {number(performance['teacher'], 3)}"
    )


def _grounds(one: Mapping[str, Any]) -> list[str]:
    by = f"by {one['reference']}" if one["reference"] else "without a reference"
    return [f"against {one['teacher']}, {by}", *map(agreement, one["explainers"])]


def _agreement(row: Mapping[str, Any]) -> str:
    return agreement({**row, "explainer": _escaped(row["explainer"])})


def _escaped(text: str) -> str:
    """Text that Markdown shows as it is, in one line; an underscore within a word means nothing there."""
    return re.sub(r"([\\`*\[\]<>|~&$#]|(?<!\w)_|_(?!\w))", r"\\\1", " ".join(text.split()))
