//! `sekisho demo`: a town, its tools and its providers on this machine.

pub mod client;
