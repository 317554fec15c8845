"""An endpoint on this machine that fails in every way a real one does."""

import logging
import traceback

import pytest

from distillens.models.endpoint.budget import Budget, SpentBudget
from distillens.models.endpoint.calls import Calls
from distillens.models.endpoint.secrets import check_body, check_url, from_env
from distillens.models.errors import ModelError
from tests.loopback import serving

SECRET = "sk-not-to-be-seen"


@pytest.fixture
def endpoint():
    with serving(lambda body: {"echo": body}) as served:
        yield served


def calls(endpoint, folder, most_calls=50, timeout=5.0, attempts=3, **more):
    budget = Budget(folder, most_calls)
    return Calls(
        endpoint.url, {"Authorization": f"Bearer {SECRET}"}, timeout, budget, attempts, 0.001, **more
    )


@pytest.mark.parametrize("fault", [500, 503, 429, "drop", "cut", (429, 0)])
def test_what_may_pass_is_tried_again_and_every_try_is_counted(endpoint, tmp_path, fault):
    endpoint.faults = [fault, fault]
    asked = calls(endpoint, tmp_path)
    assert asked.post({"a": 1}) == {"echo": {"a": 1}}
    assert len(endpoint) == asked.budget.spent == 3


def test_an_answer_that_does_not_come_is_not_waited_for(endpoint, tmp_path):
    endpoint.faults = ["slow"]
    asked = calls(endpoint, tmp_path, timeout=0.3, attempts=9)
    assert asked.post({}) == {"echo": {}}
    assert len(endpoint) == asked.budget.spent >= 2


def test_the_wait_is_what_the_server_asks_for(endpoint, tmp_path, monkeypatch):
    endpoint.faults = [(429, 7), (503, 9)]
    waits = []
    asked = calls(endpoint, tmp_path)
    monkeypatch.setattr(asked._tries, "sleep", waits.append)
    asked.post({})
    assert waits == [7, 9]


def test_a_wait_of_hours_is_no_wait(endpoint, tmp_path):
    endpoint.faults = [(429, 7200)]
    with pytest.raises(ModelError, match="asks to wait 7200 seconds; .* run again then"):
        calls(endpoint, tmp_path).post({})
    assert len(endpoint) == 1


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (500, r"HTTP 500: .*busy.*, 3 times in a row"),
        ("drop", r"the connection failed \(ConnectionError\), 3 times"),
        ("slow", r"no answer within 0.1 seconds \(timeout\), 3 times"),
    ],
)
def test_what_stays_is_said(endpoint, tmp_path, fault, said):
    endpoint.faults = [fault] * 9
    with pytest.raises(ModelError, match=said):
        calls(endpoint, tmp_path, timeout=0.1 if fault == "slow" else 5.0).post({})
    assert len(endpoint) == 3


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (401, "HTTP 401: .*are the variables of headers_from_env right"),
        (404, "HTTP 404"),
        (302, "has moved .HTTP 302.; name the new url"),
        ("garbage", "its answer is no JSON: '<html>gateway</html>'"),
    ],
)
def test_what_will_not_pass_is_not_tried_again(endpoint, tmp_path, fault, said):
    endpoint.faults = [fault]
    with pytest.raises(ModelError, match=said):
        calls(endpoint, tmp_path).post({})
    assert len(endpoint) == 1


def test_nobody_there(tmp_path):
    asked = Calls("http://127.0.0.1:9/predict", {}, 1.0, Budget(tmp_path, 9), 2, 0.001)
    with pytest.raises(ModelError, match="http://127.0.0.1:9/predict: the connection failed"):
        asked.post({})


def test_no_call_goes_beyond_the_most_whoever_makes_it(endpoint, tmp_path):
    endpoint.faults = [500]
    calls(endpoint, tmp_path, most_calls=3).post({})
    other = calls(endpoint, tmp_path, most_calls=3)
    other.post({})
    with pytest.raises(SpentBudget, match="3 calls have been made, .*raise most_calls"):
        other.post({})
    assert len(endpoint) == 3
    assert calls(endpoint, tmp_path, most_calls=4).post({}) == {"echo": {}}


def test_turns_are_a_rate_apart_for_all_that_share_the_folder(tmp_path):
    now, waits = [100.0], []

    def sleep(seconds):
        waits.append(seconds)
        now[0] += seconds

    both = [Budget(tmp_path, 9, rate=4, clock=lambda: now[0], sleep=sleep) for _ in range(2)]
    for budget in [*both, *both]:
        budget.take()
    assert waits == [0.25, 0.25, 0.25]


def test_a_secret_is_sent_and_never_shown(endpoint, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    endpoint.faults = [429, "drop", "echo"]
    with pytest.raises(ModelError, match=r"HTTP 400: .*Authorization: \*\*\*") as refused:
        calls(endpoint, tmp_path).post({})
    assert {header["Authorization"] for header in endpoint.headers} == {f"Bearer {SECRET}"}
    assert SECRET not in caplog.text + "".join(traceback.format_exception(refused.value))
    assert not any(SECRET in path.read_text() for path in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"Authorization": "Bearer sk-abc"}, "no name of a variable"),
        ({"Authorization": "sk-abc$KEY"}, "no name of a variable"),
        ({"Authorization": "$ABSENT"}, "no environment variable ABSENT"),
        ({"Authorization": "$LINES"}, "has a line break"),
    ],
)
def test_a_header_is_a_variable_that_is_there(headers, said):
    with pytest.raises(ModelError, match=said) as refused:
        from_env(headers, {"LINES": "a\nb", "KEY": "value"})
    assert "sk-abc" not in str(refused.value)


@pytest.mark.parametrize("url", ["ftp://host/x", "predict", "http://me:pw@host/x", "http://host/x?token=abc"])
def test_no_url(url):
    with pytest.raises(ModelError, match="^url: ") as refused:
        check_url(url)
    assert "abc" not in str(refused.value) and "pw" not in str(refused.value)


SECRETS = [
    "subscription-key", "Ocp-Apim-Subscription-Key", "code", "auth_token", "client_secret", "clientSecret",
    "access_key", "sas", "sig", "X-Amz-Signature", "X-Amz-Security-Token", "api_key", "apikey2", "passwd",
]  # fmt: skip
HARMLESS = [
    "api-version", "model", "top_k", "max_tokens", "mask_token", "language_code", "signature_name", "author",
]  # fmt: skip


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_known_by_the_end_of_its_name(name):
    for check in (check_url, check_body):
        given = f"https://host/x?v=1&{name}=abc" if check is check_url else [{"a": {name: "abc"}}]
        with pytest.raises(
            ModelError, match=f"carries a secret .'{name}'.; put it into headers_from_env"
        ) as refused:
            check(given)
        assert "abc" not in str(refused.value)


def test_what_carries_no_secret_is_let_through():
    for name in HARMLESS:
        check_url(f"https://host/x?{name}=abc")
        check_body({name: "abc"})
    # Numbers, and where a text goes: a model of programs is asked about code.
    check_body(
        {"code": "{text}", "inputs": {"code": ["{texts}"]}, "return_token": True, "pass": 2, "auth": None}
    )
    check_body("{texts}")
