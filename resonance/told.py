"""The root of every error that is meant for a person."""


class Told(Exception):
    """A sentence for a person: what is wrong, what is accepted, what to do next.

    Nodes, routes, commands and engines show it as it is. Whatever else is raised is a fault of ours and keeps its traceback.
    """

    def __str__(self) -> str:
        """The sentence, without halves of characters that were quoted: nothing could print them."""
        return super().__str__().encode(errors="replace").decode()


class NotThere(Told):
    """What was asked for by its name or number does not exist."""


class NotNow(Told):
    """It cannot be done as things stand: another program or node has what it takes."""


class NoLibrary(Told):
    """A library is missing or does not load; the text says how to install it."""


class NoSpace(Told):
    """A disk has no room."""
