//! From what is known to what people read.

/// The operator's templates.
#[derive(Debug, Default)]
pub struct Templates;
