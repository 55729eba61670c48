"""What ima2 relies on in a provider, as one test class.

Subclass it, name your provider, run pytest::

    from ima2_kit.contract import ProviderContract

    class TestContract(ProviderContract):
        provider = "acme"

A provider that talks to a service brings a stand-in for it::

        credentials = {"api_key": "sk-not-a-real-key"}

        @asynccontextmanager
        async def service(self):
            async with ScriptedUpstream({"POST /v1/images": Answer(…)}) as upstream:
                yield {"base_url": upstream.url}

What a provider can't do by its own description (no video, no mask) is skipped. A test that doesn't fit can't be
replaced quietly: override it and mark it ``@pytest.mark.xfail(reason="…")``.
"""

from __future__ import annotations

from ima2_kit.contract.checking import Checking
from ima2_kit.contract.conversing import Conversing
from ima2_kit.contract.describing import Describing
from ima2_kit.contract.generating import Generating
from ima2_kit.contract.living import Living

__all__ = ["ProviderContract"]


class ProviderContract(Describing, Checking, Generating, Conversing, Living):
    """All of the contract. ``provider`` is the entry-point name and the provider's id."""

    def __init_subclass__(cls) -> None:
        """Refuse a subclass that replaces a test without saying why."""
        for name, own in vars(cls).items():
            if name.startswith("test_") and hasattr(ProviderContract, name) and not _excused(own):
                raise TypeError(
                    f"{cls.__name__}.{name} replaces a test of the contract. "
                    f'Say why: @pytest.mark.xfail(reason="…") before it.'
                )


def _excused(test: object) -> bool:
    marks = getattr(test, "pytestmark", [])
    return any(mark.name == "xfail" and mark.kwargs.get("reason") for mark in marks)
