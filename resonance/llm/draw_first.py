"""Draws under a grammar at nearly the speed of draws without one.

llama-cpp-python has the grammar look at every token of the vocabulary before each draw, which for a large one takes longer than
the model. This goes the way of llama.cpp's own tools: it draws first, asks the grammar about that one token, and only where it
is refused has the grammar look at all of them and draws again. A refused draw leaves no trace but the number that was drawn,
so with nothing cut off before the grammar (top_k 0, top_p 1, min_p 0) a token is as likely as in a filtered draw; else top_k,
top_p and min_p cut off by the shares that tokens have before the grammar.
"""

from typing import Any

import numpy as np

TOKEN = np.dtype([("id", np.intc), ("logit", np.single), ("p", np.single)])
"""llama.cpp's ``llama_token_data``."""


def drawing_first(lib: Any) -> Any:
    """The class ``Llama`` of llama-cpp-python, but one that draws first. Forks that draw otherwise keep their way."""

    class Llama(lib.Llama):
        def _init_sampler(self, *, grammar: Any = None, **how: Any) -> Any:
            chain: Any = lib.Llama._init_sampler(self, **how)
            return chain if grammar is None else DrawFirst(lib, self, chain, grammar)

    return Llama


class DrawFirst:
    """Stands for a ``LlamaSampler`` during one answer.

    Attributes:
        chain: draws without the grammar. Both draws of a token take their random numbers from it: a second one that began
            with the same seed would repeat the number that was just refused.
        drawn, refused: how many tokens were drawn, and for how many of them the first draw was refused.
    """

    def __init__(self, lib: Any, llama: Any, chain: Any, grammar: Any) -> None:
        self.chain = chain
        self.drawn = self.refused = 0
        self._lib = lib
        self._grammar: Any = type(chain)()
        self._grammar.add_grammar(llama._model, grammar)
        self._ids = np.arange(llama.n_vocab(), dtype=np.intc)
        self._tokens = np.zeros(len(self._ids), TOKEN)

    def sample(self, context: Any, at: int = -1) -> int:
        """The next token, which counts as said. ``at`` is the place of its logits in the last batch."""
        self.drawn += 1
        token = self._draw(context, at, filtered=False)
        if not self._allows(token):
            self.refused += 1
            token = self._draw(context, at, filtered=True)
        self._grammar.accept(token)
        self.chain.accept(token)
        return token

    def _allows(self, token: int) -> bool:
        one = np.array([(token, 0, 0)], TOKEN)
        self._apply(self._grammar, one)
        return bool(one["logit"][0] == 0)

    def _draw(self, context: Any, at: int, filtered: bool) -> int:
        logits = self._lib.llama_get_logits_ith(context.ctx, at)
        self._tokens["id"] = self._ids  # the draw before has sorted them
        self._tokens["logit"] = np.ctypeslib.as_array(logits, self._ids.shape)
        if filtered:
            self._apply(self._grammar, self._tokens)
        drawn = self._apply(self.chain, self._tokens)
        return drawn.data[drawn.selected].id

    def _apply(self, sampler: Any, tokens: "np.ndarray[Any, Any]") -> Any:
        data = (self._lib.llama_token_data * len(tokens)).from_buffer(tokens)
        array = self._lib.llama_token_data_array(data=data, size=len(tokens), selected=-1, sorted=False)
        self._lib.llama_sampler_apply(sampler.sampler, array)
        return array
