"""The log that can prove it only grew: RFC 6962 tree, C2SP notes, checkpoints, tiles, witnesses."""
