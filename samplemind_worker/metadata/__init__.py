"""What a file's chunks, tags and name state about the sample, and how that is weighed against the sound.

`tags.read` reads an open file, `names.read` reads a name, `evidence.collect` turns both into statements, without what
`own_tags` knows to be SampleMind's, and `weighing.weigh` combines the statements with the estimates from the sound. The
bytes are untrusted: every read is bounded, and damaged content gives a warning, never an error.
"""
