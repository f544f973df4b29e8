"""How the models of the analysis are learned: material that is made here, and what is learned from it."""
