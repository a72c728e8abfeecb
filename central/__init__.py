"""The root program: authority, stations register, console, supervision."""
