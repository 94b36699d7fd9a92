"""Sources: pure functions from a vendor's payload to canonical events or a named rejection, one module each."""
