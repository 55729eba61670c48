"""Adding up what answers cost."""

from __future__ import annotations

from ima2.kernel.jobs.record import usage_facts
from ima2.kernel.jobs.usage import total
from ima2.models import Usage


def test_numbers_of_the_provider_add_up_and_words_do_not() -> None:
    one = Usage(total_tokens=3, cost_usd=0.1, raw={"ticks": 5, "tier": "a", "flag": True})
    two = Usage(cost_usd=0.2, raw={"ticks": 7, "tier": "b", "flag": True})
    summed = total([one, None, two])
    assert summed is not None
    assert summed.raw == {"ticks": 12, "tier": "b", "flag": True}
    assert summed.total_tokens == 3
    assert summed.cost_usd is not None
    assert round(summed.cost_usd, 6) == 0.3


def test_a_number_that_one_part_lacks_is_the_sum_of_the_others() -> None:
    summed = total([Usage(raw={"ticks": 5}), Usage(raw={"model": "m"})])
    assert summed is not None
    assert summed.raw == {"ticks": 5, "model": "m"}


def test_an_answer_shows_our_numbers_and_theirs() -> None:
    usage = Usage(total_tokens=3, raw={"ticks": 5, "tier": "a", "total_tokens": 99})
    assert usage_facts(usage) == {"ticks": 5, "total_tokens": 3}
    assert usage_facts(Usage(raw={"tier": "a"})) is None
