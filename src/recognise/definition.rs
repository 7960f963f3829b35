//! A provider definition (helper B).

/// A provider definition.
#[derive(Debug)]
pub struct Definition {}

/// A route of it.
#[derive(Debug)]
pub struct Route {}
