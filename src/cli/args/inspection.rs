//! Arguments of what the inspector works with: media, rules, lists, what is closed.

use std::path::PathBuf;

use clap::Subcommand;
use jiff::Timestamp;

use super::{EachFile, Files};
use crate::cli::length;
use crate::domain::embargo::Closed;

/// `media ...`.
#[derive(Debug, Subcommand)]
pub enum MediaCommand {
    /// Write a copy without place, names, comments and previews. The original stays as it is.
    Strip {
        /// The picture or film.
        #[arg(value_name = "IN")]
        from: PathBuf,
        /// Where the copy goes; not an existing file.
        #[arg(value_name = "OUT")]
        to: PathBuf,
    },
}

/// `rules ...`.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Prove the rules by their own examples; with --last, show what they would newly stop or let through.
    Check {
        /// Configuration.
        #[command(flatten)]
        config: Files,
        /// Replay the posts of the last so many entries of each log, at most 1,000.
        #[arg(long, value_name = "N")]
        last: Option<usize>,
    },
    /// Which rules people override most often, with what to do about them.
    Overrides {
        /// Configuration.
        #[command(flatten)]
        config: Files,
        /// Of how many days.
        #[arg(long, value_name = "N", default_value_t = 90)]
        days: u32,
        /// As JSON, one a line.
        #[arg(long)]
        json: bool,
    },
}

/// `embargo ...`.
#[derive(Debug, Subcommand)]
pub enum EmbargoCommand {
    /// Close terms, people or documents until a minute.
    Add {
        /// Configuration.
        #[command(flatten)]
        config: EachFile,
        /// The person who enters it.
        #[arg(long, value_name = "PERSON")]
        person: String,
        /// What: term, person, document, election (公示・告示 to poll) or mourning.
        #[arg(long, default_value = "term", value_parser = length::closed)]
        kind: Closed,
        /// A word or name; repeat the option for more.
        #[arg(long = "word", value_name = "WORD")]
        words: Vec<String>,
        /// A file that nobody may publish, as picture or film; repeat the option for more.
        #[arg(long = "file", value_name = "FILE")]
        documents: Vec<PathBuf>,
        /// From when; none: from now on.
        #[arg(long, value_name = "MINUTE", value_parser = length::minute)]
        from: Option<Timestamp>,
        /// Until when, in Japan: 2026-11-22T10:00. At that minute it is open.
        #[arg(long, value_name = "MINUTE", value_parser = length::minute)]
        until: Timestamp,
        /// The number of a public comment (意見公募) under which posts that ask for opinions may name it.
        #[arg(long, value_name = "NUMBER")]
        public_comment: Option<String>,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Show the register of the person's body.
    List {
        /// Configuration.
        #[command(flatten)]
        config: EachFile,
        /// The person who asks.
        #[arg(long, value_name = "PERSON")]
        person: String,
        /// As JSON, one a line.
        #[arg(long)]
        json: bool,
    },
    /// Open something before its time.
    Lift {
        /// Configuration.
        #[command(flatten)]
        config: EachFile,
        /// The person who lifts it.
        #[arg(long, value_name = "PERSON")]
        person: String,
        /// Why.
        #[arg(long)]
        reason: String,
        /// The entry's id.
        id: String,
    },
}

/// `lists ...`.
#[derive(Debug, Subcommand)]
pub enum ListsCommand {
    /// Show what a public list of URL shorteners (MISP warning list, or one host a line) would add.
    Import {
        /// Configuration.
        #[command(flatten)]
        config: EachFile,
        /// Write the additions as a list; not an existing file.
        #[arg(long, value_name = "OUT")]
        write: Option<PathBuf>,
        /// The public list.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}
