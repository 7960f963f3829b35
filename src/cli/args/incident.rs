//! Arguments of incidents (事案) and of the flood of criticism (炎上).

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::EachFile;
use crate::cli::length;

/// Who asks, and by which configuration the gateway is found.
#[derive(Debug, Args)]
pub struct Who {
    /// Configuration.
    #[command(flatten)]
    pub config: EachFile,
    /// The person who asks.
    #[arg(long, value_name = "PERSON")]
    pub person: String,
}

/// `incident ...`.
#[derive(Debug, Subcommand)]
pub enum IncidentCommand {
    /// Show the incidents of the person's body.
    List {
        /// Who.
        #[command(flatten)]
        who: Who,
        /// As JSON, one a line.
        #[arg(long)]
        json: bool,
    },
    /// Show an incident, and on which channels the wrong post still stands uncorrected.
    Show {
        /// Who.
        #[command(flatten)]
        who: Who,
        /// As JSON.
        #[arg(long)]
        json: bool,
        /// The incident.
        id: String,
    },
    /// Instruct what is to be done (練馬 第15条), as the head of an office that the incident is reported to.
    Instruct {
        /// Who.
        #[command(flatten)]
        who: Who,
        /// The instruction.
        #[arg(long)]
        instruction: String,
        /// Hold the account until every office has acknowledged; emergencies and corrections pass.
        #[arg(long)]
        hold: bool,
        /// The incident.
        id: String,
    },
    /// Acknowledge an incident for one's own office; with the last office a hold ends.
    Acknowledge {
        /// Who.
        #[command(flatten)]
        who: Who,
        /// The incident.
        id: String,
    },
    /// Close an incident; refused while the wrong post stands uncorrected on some channel.
    Close {
        /// Who.
        #[command(flatten)]
        who: Who,
        /// What came of it.
        #[arg(long)]
        reason: String,
        /// Leave it uncorrected where it still stands, for that reason.
        #[arg(long)]
        leave_uncorrected: bool,
        /// The incident.
        id: String,
    },
    /// Declare a flood of criticism (炎上) at an account, as its manager: until then two people of different offices approve.
    Flame {
        /// Who.
        #[command(flatten)]
        who: Who,
        /// Until when, in Japan: 2026-11-22T10:00.
        #[arg(long, value_name = "MINUTE", value_parser = length::minute)]
        until: Timestamp,
        /// Why.
        #[arg(long)]
        reason: String,
        /// The account.
        account: String,
    },
    /// End it before its time.
    FlameEnd {
        /// Who.
        #[command(flatten)]
        who: Who,
        /// Why.
        #[arg(long)]
        reason: String,
        /// The account.
        account: String,
    },
}
