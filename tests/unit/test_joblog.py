import logging
import sys

import pytest

from distillens import joblog


def test_output_logging_and_the_traceback_reach_the_log(tmp_path):
    log = tmp_path / "logs" / "a.log"
    with pytest.raises(ValueError, match="broken"), joblog.logging_to(log):
        print("to stdout")
        print("to stderr", file=sys.stderr)
        logging.getLogger("any").info("a message")
        raise ValueError("broken")
    text = log.read_text()
    for part in ("to stdout", "to stderr", "any: a message", "Traceback", "ValueError: broken"):
        assert part in text


def test_progress_says_count_rate_and_time_left_every_few_seconds(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(joblog.time, "monotonic", lambda: now[0])
    with joblog.logging_to(tmp_path / "a.log"), joblog.Progress(100, "explain", "text") as progress:
        for _ in range(60):
            now[0] += 0.2
            progress.advance()
    lines = (tmp_path / "a.log").read_text().splitlines()
    assert len(lines) == 3  # after 5 s, after 10 s, at the end
    assert "explain:  25%" in lines[0]
    assert "25/100 [00:05<00:15,  5.00text/s]" in lines[0]


def test_tracked_items_come_as_they_are(tmp_path):
    with joblog.logging_to(tmp_path / "a.log"):
        assert list(joblog.tracked({"a": 1, "b": 2}.items(), "score", "run")) == [("a", 1), ("b", 2)]
    assert "score: 100%" in (tmp_path / "a.log").read_text()
