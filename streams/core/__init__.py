"""Decides: pure functions and state machines of contact-centre trends. No I/O, no clock, no log, no Faust."""
