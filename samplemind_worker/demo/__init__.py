"""The demonstration library: short sounds that are synthesized, with known tempo and key.

`sounds` makes single drums and notes, `music` places them on a grid, `plan` says what the library holds, and `library`
writes it.
"""
