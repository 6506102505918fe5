"""How strongly a picture that stands among other keys is read: a number that is added to its scores."""

import math


def token_bias(strength: float, picture_tokens: int, word_tokens: int) -> float:
    """For a picture whose tokens stand behind the words': 0.5 is an equal say, 1 what core does, whatever the numbers of tokens.

    Args:
        strength: above 0. What has none is not put there.
    """
    outvoted = max(0.0, math.log(picture_tokens / max(word_tokens, 1)))
    if strength < 0.5:
        return math.log(2 * strength) - outvoted
    if strength < 1:
        return -2 * (1 - strength) * outvoted
    return math.log(strength)


def latent_bias(strength: float) -> float:
    """For a latent that stands behind the one that is made. 1 is what core does.

    Args:
        strength: above 0.
    """
    return math.log(strength)
