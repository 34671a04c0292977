"""`starter.py shadow`: a candidate runs on the inputs of real cases, changing nothing outside."""
