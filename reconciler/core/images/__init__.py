"""Images in S3: what a file is by its first bytes, how it is looked up, and what Custom Labels would refuse."""
