class _Arguments:
    disable_metadata: bool
    listen: str
    tls_keyfile: str | None
    tls_certfile: str | None

args: _Arguments
