"""Archives of memories: how the file is laid out, written, mapped, looked into, compared and made smaller."""
