//! Scenes: a ledger on a directory of its own, and what must not happen.

use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64};

use jiff::SignedDuration;
use serde_json::Value;

use super::*;
use crate::config::Config;
use crate::domain::account::{AccountKind, AccountState, OperatingPolicy, OrganisationId, ProviderId};
use crate::domain::action::Action;
use crate::domain::approval::Pass;
use crate::domain::clock::Clock;
use crate::domain::decision::{Obligation, Permit};
use crate::domain::digest::{self, Digest};
use crate::domain::dossier::Dossier;
use crate::domain::exemption::Exemption;
use crate::domain::media::Sha256;
use crate::domain::outbound::OutBody;
use crate::domain::person::ClientId;
use crate::domain::ports::{Approvals, Chance, Emergencies, Registry, Retries};
use crate::store::Draft;
use crate::store::sqlite::raw;

mod closed;
mod failures;
mod fresh;
mod kept;
mod passages;
mod people;
mod registry;
mod stage;
mod tampering;
mod together;

use stage::*;
