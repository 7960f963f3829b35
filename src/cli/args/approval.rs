//! The arguments of `approval issue|verify`.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::super::length;
use super::{EachFile, Files};
use crate::domain::action::Action;
use crate::domain::digest::Digest;
use crate::domain::remarks::Declaration;

/// `approval ...`.
#[derive(Debug, Subcommand)]
pub enum ApprovalCommand {
    /// Sign an approval; prints the JWS. Without --digest, the request is read as JSON from standard input.
    Issue(Box<Issue>),
    /// Verify an approval; prints its claims.
    Verify {
        /// Configuration.
        #[command(flatten)]
        config: EachFile,
        /// The JWS; none: it is read from standard input.
        jws: Option<String>,
    },
}

/// What `approval issue` is told.
#[derive(Debug, Args)]
pub struct Issue {
    /// Configuration.
    #[command(flatten)]
    pub config: Files,
    /// The person who approves.
    #[arg(long, value_name = "PERSON")]
    pub approver: String,
    /// The account it is for; needed with --digest.
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// How long it may be used: 90s, 10m, 2h, 1d.
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = length::parse)]
    pub expires: Duration,
    /// How often it may be used.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_uses: u32,
    /// The action; with a request on standard input, the request's own.
    #[arg(long, value_name = "ACTION", value_parser = length::action)]
    pub action: Option<Action>,
    /// The digest of the post: sha256:<hex>.
    #[arg(long, value_name = "DIGEST", value_parser = length::digest, requires = "account")]
    pub digest: Option<Digest>,
    /// The category it is for.
    #[arg(long)]
    pub category: Option<String>,
    /// The basis, such as a clause.
    #[arg(long)]
    pub basis: Option<String>,
    /// An outside reference, such as a 決裁番号.
    #[arg(long)]
    pub reference: Option<String>,
    /// Why; needed with --set-aside, and for what a clause asks a reason for: a deletion, a quotation.
    #[arg(long)]
    pub reason: Option<String>,
    /// A clause that holds as a principle and is set aside for this post: nagano:4(11).
    #[arg(long, value_name = "CLAUSE", requires = "reason")]
    pub set_aside: Vec<String>,
    /// The registered source whose post is quoted or reposted, by its id in the registry.
    #[arg(long, value_name = "SOURCE")]
    pub source: Option<String>,
    /// What the approver has made sure of: people (consent of those shown), place (leave for the place of the
    /// picture), location (it may be told where), third-party (the linked page), no-endorsement.
    #[arg(long = "declare", value_name = "WHAT", value_parser = length::declared)]
    pub declares: Vec<Declaration>,
}
