"""The bodies that commands and routes answer with, in the words of existing clients."""
