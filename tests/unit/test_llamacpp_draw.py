"""Drawing first gives what a filtered draw gives: as often, and nothing that the grammar forbids."""

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from scipy.stats import chisquare

from resonance.llm.draw_first import TOKEN, DrawFirst
from resonance.llm.llamacpp import Model, Settings

if os.environ.get("RESONANCE_REQUIRE_LLAMA") != "1":
    pytest.importorskip("llama_cpp")

DRAWS = 20_000
EXACT: dict[str, Any] = {"top_k": 0, "top_p": 1.0, "min_p": 0.0}
GRAMMARS = {
    "few": "root ::= [a-m 0-9]+",
    "half": r"root ::= [\x20-\x5a]+",
    "nearly all": r"root ::= [^e]+",
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    from models import llm

    path = tmp_path_factory.mktemp("llm") / "tiny.gguf"
    llm.build_gguf(path)
    model = Model(Settings(path, context=2048, threads=1))
    yield model
    model.close()


@pytest.fixture
def llama(model: Model) -> Any:
    """The loaded model after a few words, so that there are logits to draw from."""
    llama = model._llama
    llama.reset()
    llama.eval(llama.tokenize(b"a red"))
    return llama


def sampler(llama: Any, grammar: str, seed: int, **how: Any) -> DrawFirst:
    import llama_cpp

    llama.set_seed(seed)
    return llama._init_sampler(grammar=llama_cpp.LlamaGrammar.from_string(grammar, verbose=False), **EXACT | how)


def shares(llama: Any, grammar: str, temp: float, said: tuple[int, ...] = (), penalty: float = 1.0) -> np.ndarray:
    """How likely each token is in a filtered draw: all that the grammar leaves, by their logits."""
    import llama_cpp

    filters = sampler(llama, grammar, 0)._grammar
    for token in said:
        filters.accept(token)
    logits = np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(llama.ctx, -1), (llama.n_vocab(),)).copy()
    for token in said:
        logits[token] *= penalty if logits[token] <= 0 else 1 / penalty
    tokens = np.array([(n, logit, 0) for n, logit in enumerate(logits)], TOKEN)
    data = (llama_cpp.llama_token_data * len(tokens)).from_buffer(tokens)
    array = llama_cpp.llama_token_data_array(data=data, size=len(tokens), selected=-1, sorted=False)
    llama_cpp.llama_sampler_apply(filters.sampler, array)
    weights = np.exp((tokens["logit"] - logits.max()) / temp, dtype=np.float64)
    return weights / weights.sum()


def check(drawn: Counter[int], wanted: np.ndarray) -> None:
    """Chi-squared at one in ten thousand, tokens that are drawn less than five times in one group."""
    assert all(wanted[token] > 0 for token in drawn), "the grammar forbids it"
    expected = wanted * drawn.total()
    often = np.flatnonzero(expected >= 5)
    observed = np.array([drawn[n] for n in often])
    assert len(often) > 5, "nothing to choose from"
    rest = expected.sum() - expected[often].sum()
    groups = [*observed, drawn.total() - observed.sum()], [*expected[often], rest]
    if rest < 5:
        groups = observed, expected[often] * observed.sum() / expected[often].sum()
    assert chisquare(*groups).pvalue > 1e-4


@pytest.mark.parametrize("grammar", GRAMMARS)
def test_the_first_token_is_as_likely_as_in_a_filtered_draw_whatever_the_seed(llama: Any, grammar: str):
    drawn, refused = Counter[int](), 0
    for seed in range(DRAWS):
        draws = sampler(llama, GRAMMARS[grammar], seed, temp=1.5)
        drawn[draws.sample(llama._ctx)] += 1
        refused += draws.refused
    check(drawn, shares(llama, GRAMMARS[grammar], 1.5))
    assert 0 < refused < DRAWS


def test_the_next_token_too_and_only_what_was_said_is_penalised_as_a_repetition(llama: Any):
    grammar, penalty, drawn = GRAMMARS["few"], 3.0, Counter[int]()
    for seed in range(DRAWS):
        draws = sampler(llama, grammar, seed, temp=1.5, repeat_penalty=penalty)
        draws.sample(llama._ctx)
        drawn[draws.sample(llama._ctx)] += 1
    first = shares(llama, grammar, 1.5)
    each = (share * shares(llama, grammar, 1.5, (token,), penalty) for token, share in enumerate(first) if share)
    check(drawn, np.sum(list(each), 0))


@pytest.mark.parametrize("grammar", GRAMMARS)
def test_the_likeliest_that_the_grammar_allows_is_taken_at_temperature_0(llama: Any, grammar: str):
    assert (
        sampler(llama, GRAMMARS[grammar], 0, temp=0.0).sample(llama._ctx)
        == shares(llama, GRAMMARS[grammar], 1.0).argmax()
    )


def test_the_whole_vocabulary_is_looked_at_only_where_a_token_is_refused(llama: Any, monkeypatch: pytest.MonkeyPatch):
    import llama_cpp

    looked, apply = list[int](), llama_cpp.llama_sampler_apply
    draws = sampler(llama, GRAMMARS["nearly all"], 0, temp=1.5)

    def counted(which: Any, array: Any) -> None:
        if which == draws._grammar.sampler:
            looked.append(array.size)
        apply(which, array)

    monkeypatch.setattr(llama_cpp, "llama_sampler_apply", counted)
    for _ in range(200):
        draws.sample(llama._ctx)
    assert looked.count(1) == 200 and looked.count(llama.n_vocab()) == draws.refused < 50
