"""Other releases of the programs, made of this one: an older floor, and one that knows more.

`python -m tests.releases RELEASE PROGRAM …` starts a program as that release would run. Constants
and tables are changed before anything reads them, as another build would have them.
"""
