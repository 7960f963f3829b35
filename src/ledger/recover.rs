//! (helper C)
