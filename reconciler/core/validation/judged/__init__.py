"""What the rules found in lines, in bulk, so that it is remembered by file and by dataset."""
