"""Images in S3, as one dataset needs them: looked up, read where they are new or changed, and judged."""
