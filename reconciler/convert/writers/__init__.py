"""One module for each format that entries are written in; `registry` names them all."""
