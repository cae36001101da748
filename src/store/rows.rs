//! Between rows and domain values.
