"""Speed and size, each as a ratio against a peer or a limit measured in the same run (`make bench`)."""
