//! Containers: a post that is made in one request and published, without its words, by another (Instagram, Threads).
//!
//! The decision is made on the request that carries the words. What it made is remembered with the entry that let it
//! pass, so that the publication can be held against it: `docs/decisions/0008-containers.md`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::account::{AccountId, ProviderId};
use super::action::Action;
use super::digest::Digest;
use super::emergency::EmergencyId;

/// What a request does with containers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContainerStep {
    /// Makes one; the answer names it.
    Make {
        /// How long the provider keeps it.
        hours: u32,
    },
    /// Publishes this one.
    Publish(String),
}

/// What the gateway remembers of a container that was made through it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// The provider that gave the id.
    pub provider: ProviderId,
    /// The provider's id of it.
    pub id: String,
    /// The account it was made for; no other may publish it.
    pub account: AccountId,
    /// What its publication does: publish, reply, quote. An upload is a part of a carousel and is published with it only.
    pub action: Action,
    /// The digest of the post in it.
    pub digest: Digest,
    /// When it was made.
    pub made: Timestamp,
    /// When the provider throws it away.
    pub expires: Timestamp,
    /// The declaration under which it passed.
    pub emergency: Option<EmergencyId>,
    /// The post in it, for the part of a carousel only: the whole is judged with what its parts show.
    pub part: Option<String>,
}

impl Container {
    /// Whether it is a part of a carousel, which nobody can publish by itself.
    pub fn is_part(&self) -> bool {
        self.action == Action::Upload
    }
}

/// A container as the store knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownContainer {
    /// What was made.
    pub container: Container,
    /// The log index of the permission that let it be made.
    pub entry: u64,
    /// Whether it was published, or may have been.
    pub published: bool,
}
