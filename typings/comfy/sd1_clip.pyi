from typing import Any

class SD1Tokenizer:
    def __init__(self, embedding_directory: list[str] | None = None) -> None: ...
    def tokenize_with_weights(
        self, text: str, return_word_ids: bool = False
    ) -> dict[str, list[list[tuple[Any, ...]]]]: ...
