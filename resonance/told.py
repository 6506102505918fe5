"""The root of every error that is meant for a person."""


class Told(Exception):
    """A sentence for a person: what is wrong, what is accepted, what to do next.

    Nodes, routes, commands and engines show it as it is. Whatever else is raised is a fault of ours and keeps its traceback.
    """
