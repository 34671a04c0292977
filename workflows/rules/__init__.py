"""Pure decisions of a process: records in, verdict out."""
