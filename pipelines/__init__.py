"""Joins the generator and the networks: the only code that reads, writes, trains and evaluates."""

import os

# Read once, when TensorFlow is loaded. On processors without neural-network instructions it leaves oneDNN off, where a
# training step takes a fifth longer.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
