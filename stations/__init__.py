"""The station table: how a county's list of stations is read, checked and made a register."""
