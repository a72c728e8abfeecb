"""What both programs' pages share: layout, static files, guards, login, errors, one-time forms."""
