//! The one integration binary: one scenario per file.
