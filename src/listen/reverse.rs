//! (helper A)
