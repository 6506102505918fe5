"""From tokens to text while they are drawn, at a cost per token that does not grow with the answer."""

from collections.abc import Callable


class Decoding:
    """The text of the tokens so far: what ``decode`` makes of all of them, without decoding all of them each time.

    What a token says depends on its neighbours: a letter may be several tokens, and decoders strip blanks at the ends. So
    a new token is decoded behind the last piece of text that was whole, whose own text is taken off again. Only a mark,
    a token without text, may change what was said long before it (Gemma 4's end of a thought makes it one). An answer has
    a few of them, and from each to the next piece of text all of it is decoded.

    Attributes:
        ids: all tokens so far.
    """

    def __init__(self, decode: Callable[[list[int]], str]) -> None:
        self._decode, self.ids = decode, list[int]()
        self._piece = self._next = 0  # where the last whole piece begins, and where it ends
        self._before: str = ""  # the text up to its end
        self._own: str = ""  # its own text
        self._window: str = ""  # the same with the tokens behind it
        self._marked = False  # whether one of these is a mark

    def add(self, token: int) -> str:
        """All of the text with one more token. U+FFFD at its end stands for a letter that is not whole yet."""
        self.ids.append(token)
        heard, self._window = self._window, self._decode(self.ids[self._piece :])
        self._marked |= self._next > 0 and self._window == heard and self._is_mark(token)
        said = self._window[len(self._own) :]
        text = self._decode(self.ids) if self._marked else self._before + said
        if said and not said.endswith("\ufffd"):
            own = self._decode(self.ids[self._next :])
            if own:  # the end of a thought says nothing by itself
                self._piece, self._window = self._next, own
            self._before, self._own, self._next, self._marked = text, self._window, len(self.ids), False
        return text

    def _is_mark(self, token: int) -> bool:
        """Whether a token says nothing even between words, where no decoder strips it."""
        words = self.ids[self._piece : self._next]
        return self._decode([*words, token, *words]) == self._decode(words * 2)
