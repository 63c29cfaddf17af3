"""Who may do what: credentials outside the log, roles from the log, one table of permissions. Deny by default."""

from services.access.sender import Grant, Sender

__all__ = ["Grant", "Sender"]
