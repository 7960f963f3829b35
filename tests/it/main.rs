//! Scenes: a town, a tool, a provider on port 0; a short story; then what happened, and what did not.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "a scene that breaks is to stop"
)]

mod act;
mod amendment;
mod approval;
mod attacks;
mod bad_input;
mod bulk;
mod by_url;
mod channels;
mod channels_meta;
mod child;
mod claims;
mod clauses;
mod cli;
mod closed;
mod crash;
mod custody;
mod custody_canary;
mod desk;
mod disk;
mod egress;
mod emergency;
mod framing;
mod guideline;
mod house;
mod incident_cli;
mod limits;
mod links;
mod lock;
mod manual;
mod media_post;
mod nagano;
mod nerima;
mod observe;
mod office;
mod outcome;
mod prove;
mod registry;
mod registry_cli;
mod release;
mod reverse;
mod road;
mod rows;
mod rulebook;
mod rules;
mod sample;
mod scan;
mod shipped;
mod stage;
mod stream;
mod tidy;
mod transparent;
mod trust;
mod upload;
mod wire;
mod wrong_account;
