"""Who may do what: writes, HTTP, pages, commands."""
