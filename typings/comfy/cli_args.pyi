class _Arguments:
    disable_metadata: bool
    tls_keyfile: str | None

args: _Arguments
