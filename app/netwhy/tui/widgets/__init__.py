"""One file per widget.  Widgets get data as `Content` or strips, never as a string of markup."""
