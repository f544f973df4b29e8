"""How a request shows who sent it: sessions of browsers, tokens of programs, and limits on trying."""
