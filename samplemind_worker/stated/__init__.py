"""What was stated about a sample by those who made it: in its chunks, its tags and its name; and how that is weighed.

`embedded.read` reads an open file, `names.read` a name, `evidence.collect` turns both into statements, and
`weighing.weigh` holds those against what was heard. The bytes are strangers': everything is bounded, and rubbish is a
warning, never an error.
"""
