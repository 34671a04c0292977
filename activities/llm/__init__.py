"""One model call: journal, wire, structured output."""
