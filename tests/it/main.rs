//! Scenes: a town, a tool, a provider on port 0; a short story; then what happened, and what did not.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a scene that breaks is to stop"
)]

mod act;
mod approval;
mod attacks;
mod child;
mod clauses;
mod cli;
mod crash;
mod desk;
mod emergency;
mod guideline;
mod house;
mod media_post;
mod nerima;
mod road;
mod shipped;
mod stage;
mod tidy;
mod upload;
mod wire;
