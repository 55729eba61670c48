from __future__ import annotations

import time
from email.utils import formatdate

import pytest
from ima2.upstream.waiting import duration, retry_after

NOW = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"Retry-After": " 0.5 "}, 0.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "6m0s"}, 360.0),
        ({"retry-after": "120ms"}, 0.12),
        ({"retry-after": "1h2m3.5s"}, 3723.5),
        ({"retry-after": "1d"}, 86400.0),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:29:30 GMT", "date": NOW}, 90.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:00:00 GMT", "date": NOW}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2000 07:00:00 GMT"}, 0.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "6m0s!"}, None),
        ({"retry-after": "9" * 400}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == (seconds if seconds is None else pytest.approx(seconds))


def test_a_date_without_the_replys_own_date_counts_from_now() -> None:
    waiting = retry_after({"retry-after": formatdate(time.time() + 5000, usegmt=True)})
    assert waiting is not None
    assert 1000 < waiting <= 5000


def test_duration_alone() -> None:
    assert duration("6m0s") == 360.0
    assert duration("m") is None
