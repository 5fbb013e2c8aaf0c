"""One module for each format that entries are written in; `convert.formats` names them all."""
