"""One module per format: it reads files and yields images and problems with their places."""
