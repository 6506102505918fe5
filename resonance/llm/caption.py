"""A picture and an instruction to a model, and its answer as a caption."""

from PIL import Image

from .chat import Answer, Message, Request, Sampling, said, whole_sentences

INSTRUCTION = "Describe this picture."
SYSTEM = (
    "You describe pictures for people who cannot see them. Name what is visible, literally and in few words: subject, "
    "action, place, light, colours, style. No guesses, no opinions, no introduction."
)


def caption_request(
    image: Image.Image, instruction: str, system: str, sampling: Sampling, stop: tuple[str, ...], longest_side: int
) -> Request:
    """The question about one picture, which is made smaller so that no side is longer than ``longest_side`` pixels."""
    image = image.convert("RGB")
    image.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    question = Message("user", instruction.strip(), (image,))
    return Request(
        (Message("system", system.strip()), question) if system.strip() else (question,), sampling=sampling, stop=stop
    )


def caption_text(answer: Answer, one_line: bool, sentences: bool) -> str:
    """The caption in an answer: without thoughts, if wanted on one line and without the sentence that was cut off.

    Raises:
        LLMError: there is no caption in it, see :func:`.chat.said`.
    """
    text = said(answer)
    if sentences and not answer.finished:
        text = whole_sentences(text)
    return " ".join(text.split()) if one_line else text


def stop_texts(text: str) -> tuple[str, ...]:
    r"""Stop texts as written in a widget: separated by ``|``, with ``\n`` for a line break."""
    return tuple(s for part in text.split("|") if (s := part.replace("\\n", "\n")))
