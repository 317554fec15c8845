import numpy as np
import pytest

from distillens.attribution.batching import run_in_batches


def counting(log):
    def answer(requests):
        log.append(sorted(requests))
        return np.array([float(request) ** 2 for request in requests])

    return answer


def task(start, rounds):
    def run(ask):
        total = 0.0
        for number in range(rounds):
            total += ask([start + number, start]).sum()
        return total + np.random.random()

    return run


TASKS = [task(start, rounds) for start, rounds in [(10, 1), (20, 3), (30, 0), (40, 2), (50, 5)]]


def test_results_come_in_order_and_do_not_depend_on_how_many_run_at_once():
    expected = list(run_in_batches(TASKS, counting([]), range(5), at_once=1))
    for at_once in (2, 3, 99):
        assert list(run_in_batches(TASKS, counting([]), range(5), at_once)) == expected


def test_requests_of_waiting_tasks_are_merged():
    log = []
    list(run_in_batches(TASKS, counting(log), range(5), at_once=99))
    assert len(log) == 5  # the longest task's rounds
    assert log[0] == [10, 10, 20, 20, 40, 40, 50, 50]


def test_the_global_generator_is_left_as_it_was():
    np.random.seed(3)
    expected = np.random.random()
    np.random.seed(3)
    list(run_in_batches(TASKS, counting([]), range(5), at_once=2))
    assert np.random.random() == expected


def test_an_error_in_a_task_reaches_the_caller():
    def broken(ask):
        ask([1])
        raise ValueError("broken sentence")

    with pytest.raises(ValueError, match="broken sentence"):
        list(run_in_batches([TASKS[0], broken], counting([]), [0, 1], at_once=2))
