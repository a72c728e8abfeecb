"""The roads a round travels: HTTP for now, files come with their issue. Bytes in, bytes out."""
