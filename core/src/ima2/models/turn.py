"""What is said to a model that answers in words."""

from __future__ import annotations

from typing import Literal

from ima2.models.frozen import Frozen
from ima2.models.request import Reference


class Message(Frozen):
    """One message, with the images that belong to it, in order."""

    role: Literal["user", "assistant"] = "user"
    text: str
    references: tuple[Reference, ...] = ()


class Turn(Frozen):
    """A turn of a conversation: ``instructions`` stand above ``messages``, the last of which wants an answer."""

    model: str
    instructions: str = ""
    messages: tuple[Message, ...]
