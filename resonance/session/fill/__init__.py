"""What fills the rounds of a session, one file each."""
