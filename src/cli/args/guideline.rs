//! The arguments of `guideline ...`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::EachFile;

/// `guideline ...`.
#[derive(Debug, Subcommand)]
pub enum GuidelineCommand {
    /// Show what an amendment newly allows or forbids, as cases; with --ledger or --last, which past posts it would decide
    /// otherwise. Exit code 0, with differences too; 2 if a file does not load.
    Diff(Box<Diff>),
}

/// What `guideline diff` is asked.
#[derive(Debug, Args)]
pub struct Diff {
    /// The rules before: a body's file, `builtin:nerima`, or a folder of them with common.cedar.
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// The rules after: a file, or a folder.
    #[arg(value_name = "NEW")]
    pub new: PathBuf,
    /// Every case, also those that follow from one with fewer circumstances, and all of a long list.
    #[arg(long)]
    pub all: bool,
    /// As JSON, one a line; every case.
    #[arg(long)]
    pub json: bool,
    /// Replay the posts of this database (a path, or sqlite://PATH), instead of the configuration's.
    #[arg(long, value_name = "DATABASE")]
    pub ledger: Option<String>,
    /// Replay the last so many entries of each log, at most 1,000; with --ledger alone 100.
    #[arg(long, value_name = "N")]
    pub last: Option<usize>,
    /// Configuration of the gateway, for its database and the keys of its payloads.
    #[command(flatten)]
    pub config: EachFile,
}
