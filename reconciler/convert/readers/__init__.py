"""One module a format: files in, images or problems with their places out."""
