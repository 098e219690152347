"""The alliance process that every theory shares, one small file a stage."""
