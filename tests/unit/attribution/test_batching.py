import numpy as np
import pytest

from distillens.attribution.batching import run_in_batches


def counting(log):
    def answer(requests):
        log.append(sorted(sum(requests, [])))
        return np.concatenate([np.array(request, dtype=float) ** 2 for request in requests])

    return answer


def task(start, rounds):
    total = 0.0
    for number in range(rounds):
        total += (yield [start + number, start]).sum()
    return total


def tasks():
    return [task(start, rounds) for start, rounds in [(10, 1), (20, 3), (30, 0), (40, 2), (50, 5)]]


def test_results_come_in_order_and_do_not_depend_on_how_many_run_at_once():
    expected = list(run_in_batches(tasks(), counting([]), at_once=1))
    assert expected[0] == 200 and expected[2] == 0
    for at_once in (2, 3, 99):
        assert list(run_in_batches(tasks(), counting([]), at_once)) == expected


def test_requests_of_waiting_tasks_are_merged():
    log = []
    list(run_in_batches(tasks(), counting(log), at_once=99))
    assert len(log) == 5  # the longest task's rounds
    assert log[0] == [10, 10, 20, 20, 40, 40, 50, 50]


def test_no_more_than_so_many_are_under_way():
    sizes = []
    answer = counting([])
    list(run_in_batches(tasks(), lambda asked: sizes.append(len(asked)) or answer(asked), at_once=2))
    assert max(sizes) == 2


def test_an_error_in_a_task_reaches_the_caller():
    def broken():
        yield [1]
        raise ValueError("broken sentence")

    with pytest.raises(ValueError, match="broken sentence"):
        list(run_in_batches([tasks()[0], broken()], counting([]), at_once=2))
