"""The contract on every broken provider; run by ``test_contract_catches.py`` in a process of its own."""

from __future__ import annotations

from ima2_kit.contract import ProviderContract
from points import NAMES

for _class_name, _provider in NAMES.items():
    _facts = {"provider": _provider, "credentials": {"api_key": "sk-contract-1234567890"}, "__module__": __name__}
    globals()[f"Test{_class_name}"] = type(f"Test{_class_name}", (ProviderContract,), _facts)
