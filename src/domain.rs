//! The words every stage shares: accounts, people, actions, posts, findings, approvals, decisions.
//!
//! `domain` imports nothing of the crate. A type here is either a fact that was parsed (and can no longer be
//! malformed) or a conclusion that one stage hands to the next. Japanese terms and clauses: `docs/LEXICON.md`.

pub mod account;
pub mod action;
pub mod approval;
pub mod arrival;
pub mod budget;
pub mod canonical;
pub mod chance;
pub mod clause;
pub mod clock;
pub mod container;
pub mod credential;
pub mod decision;
pub mod digest;
pub mod dossier;
pub mod draft;
pub mod embargo;
pub mod emergency;
pub mod exemption;
pub mod fetch;
pub mod finding;
pub mod incident;
pub mod kept;
pub mod link;
pub mod media;
pub mod network;
pub mod outbound;
pub mod person;
pub mod ports;
pub mod post;
pub mod registry;
pub mod remarks;
pub mod tree;
