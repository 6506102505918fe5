class _Arguments:
    disable_metadata: bool
    tls_keyfile: str | None
    tls_certfile: str | None

args: _Arguments
