"""One module per format: it reads files and yields images, lines and problems with their origins."""
