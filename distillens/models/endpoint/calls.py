"""Posts JSON to an endpoint: waits and tries again where that may help, says why where it does not."""

import logging
from collections.abc import Mapping
from typing import Any

import requests
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_random_exponential
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

from distillens.models.endpoint.budget import Budget
from distillens.models.endpoint.secrets import check_url
from distillens.models.errors import ModelError

log = logging.getLogger("distillens")

_BUSY = (408, 425, 429, 500, 502, 503, 504)
_SHOWN = 200


class _Again(Exception):
    """What may be cured by asking again, perhaps after so many seconds."""

    def __init__(self, said: str, after: float | None = None) -> None:
        super().__init__(said)
        self.after = after


class Calls:
    """An endpoint that JSON is posted to.

    Parameters
    ----------
    url : str
    headers : mapping
        Their values, which may be secret: no message shows them.
    timeout : float
        Seconds that an answer may keep one waiting.
    budget : Budget
        Asked before every attempt.
    attempts : int
        How often one question is asked.
    first_wait, longest_wait : float
        Seconds; waits grow from one to the other, unless the server says how long.

    Raises
    ------
    ModelError
        If the url carries a secret.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        timeout: float,
        budget: Budget,
        attempts: int = 6,
        first_wait: float = 1.0,
        longest_wait: float = 300.0,
    ) -> None:
        check_url(url)
        self._url, self._headers, self._timeout = url, dict(headers), timeout
        self.budget, self._longest = budget, longest_wait
        self._growing = wait_random_exponential(multiplier=first_wait, max=longest_wait)
        self._tries = Retrying(
            retry=retry_if_exception_type(_Again),
            wait=self._wait,
            stop=stop_after_attempt(attempts),
            before_sleep=self._note,
            reraise=True,
        )
        self._session = requests.Session()
        # A key from the user's .netrc would go unseen; proxies are named by the environment.
        self._session.auth = _unchanged

    def post(self, body: Any) -> Any:
        """The answer to a body, both as JSON has them.

        Raises
        ------
        SpentBudget
            If no call is left.
        ModelError
            If it does not answer, or with anything but JSON; with what it says.
        """
        try:
            return self._tries(self._once, body)
        except _Again as error:
            raise ModelError(
                f"{self._url}: {error}, {self._tries.statistics['attempt_number']} times in a row; what it "
                "has answered is kept: run again once it answers"
            ) from None

    def _once(self, body: Any) -> Any:
        self.budget.take()
        try:
            answer = self._session.post(
                self._url, json=body, headers=self._headers, timeout=self._timeout, allow_redirects=False
            )
        except requests.Timeout:
            raise _Again(f"no answer within {self._timeout:g} seconds (timeout)") from None
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
            raise _Again(f"the connection failed ({type(error).__name__})") from None
        except requests.RequestException as error:
            raise ModelError(f"{self._url}: {self._shown(str(error))}; mend the url") from None
        if answer.status_code in _BUSY:
            raise _Again(
                f"HTTP {answer.status_code}: {self._shown(answer.text)}", self._asked_to_wait(answer)
            )
        return self._read(answer)

    def _read(self, answer: requests.Response) -> Any:
        if 300 <= answer.status_code < 400:
            raise ModelError(f"{self._url}: has moved (HTTP {answer.status_code}); name the new url")
        if not answer.ok:
            hint = (
                "; are the variables of headers_from_env right?" if answer.status_code in (401, 403) else ""
            )
            raise ModelError(
                f"{self._url}: refuses the request, HTTP {answer.status_code}: "
                f"{self._shown(answer.text)}{hint}"
            )
        try:
            return answer.json()
        except ValueError:
            raise ModelError(f"{self._url}: its answer is no JSON: {self._shown(answer.text)!r}") from None

    def _asked_to_wait(self, answer: requests.Response) -> float | None:
        said = answer.headers.get("Retry-After")
        try:
            after = None if said is None else Retry().parse_retry_after(said)
        except (InvalidHeader, OverflowError, ValueError):
            return None  # no time that one could wait for: the growing waits hold
        if after is not None and after > self._longest:
            raise ModelError(
                f"{self._url}: HTTP {answer.status_code}, asks to wait {after:.0f} seconds; what it has "
                "answered is kept: run again then"
            )
        return after

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception()
        return self._growing(state) if error.after is None else error.after

    def _note(self, state: RetryCallState) -> None:
        wait = state.next_action.sleep
        log.info("%s: %s; again in %.1f seconds", self._url, state.outcome.exception(), wait)

    def _shown(self, text: str) -> str:
        """The beginning of what a server says, without what was sent to it in secret."""
        for value in self._headers.values():
            for secret in (value, value.partition(" ")[2]):
                text = text.replace(secret, "***") if secret else text
        text = " ".join(text.split())
        return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def _unchanged(request: Any) -> Any:
    return request
