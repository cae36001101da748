//! Between the bytes of a record and the domain.
