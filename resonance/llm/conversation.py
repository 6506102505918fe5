"""What a user and a model have said so far, round after round."""

from dataclasses import dataclass

from .chat import Message


@dataclass(frozen=True)
class Conversation:
    """What travels on a RESONANCE_CONVERSATION link.

    Each round only adds to what was there. A model that still holds the last round then reads just the new words.

    Attributes:
        messages: user and assistant in turn, the assistant's last. The system text is not among them.
    """

    messages: tuple[Message, ...] = ()

    def asking(self, text: str, system: str = "") -> tuple[Message, ...]:
        """The messages of the next question. An empty ``system`` is left out."""
        return (*((Message("system", system),) if system else ()), *self.messages, Message("user", text))

    def answered(self, text: str, answer: str) -> "Conversation":
        """The conversation after ``text`` was answered."""
        return Conversation((*self.messages, Message("user", text), Message("assistant", answer)))
