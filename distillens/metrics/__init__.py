"""Pure functions on arrays: agreement, drift, faithfulness, robustness, task metrics."""
