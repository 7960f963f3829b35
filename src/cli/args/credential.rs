//! The arguments of `account credential`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::EachFile;

/// `account credential ...`.
#[derive(Debug, Subcommand)]
pub enum CredentialCommand {
    /// Give the gateway an account's first credential: a token, or JSON with `kind`.
    Set(GivenCredential),
    /// Give it a new one in place of the one it holds.
    Rotate(GivenCredential),
    /// Lock it, as after a leak: only a new one opens the account again.
    Lock {
        /// Configuration.
        #[command(flatten)]
        config: EachFile,
        /// The person who locks it.
        #[arg(long, value_name = "PERSON")]
        person: String,
        /// Why.
        #[arg(long)]
        reason: String,
        /// The account.
        account: String,
    },
}

/// A credential that is given. There is no argument for it: arguments are seen by every user of a machine.
#[derive(Debug, Args)]
pub struct GivenCredential {
    /// Configuration.
    #[command(flatten)]
    pub config: EachFile,
    /// The person who gives it: the account's manager or one of its operators.
    #[arg(long, value_name = "PERSON")]
    pub person: String,
    /// A file with the credential, which only its owner can read; none: standard input.
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// The last day on which it may be used unchanged; none: as `[credentials]` says.
    #[arg(long, value_name = "DATE")]
    pub rotate_by: Option<jiff::civil::Date>,
    /// The account.
    pub account: String,
}
