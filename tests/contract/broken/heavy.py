"""A plugin that makes every command wait for pydantic."""

from __future__ import annotations

import pydantic
from good import Good


class Heavy(Good):
    id = "heavy"
    library = pydantic.VERSION


plugin = Heavy()
