//! Scenes: a town, a tool, a provider on port 0; a short story; then what happened, and what did not.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a scene that breaks is to stop"
)]

mod clauses;
mod cli;
mod desk;
mod house;
mod road;
mod stage;
mod tidy;
