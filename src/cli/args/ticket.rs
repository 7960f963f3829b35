//! Arguments of what concerns held posts.

use clap::Subcommand;

use super::EachFile;

/// `ticket ...`.
#[derive(Debug, Subcommand)]
pub enum TicketCommand {
    /// Show the held posts of the person's body, newest first: never what they say.
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
    /// Have the gateway send what it kept of an approved post: once, with its media, under the credential that it holds.
    Release {
        /// Configuration.
        #[command(flatten)]
        config: EachFile,
        /// The person who releases it: its approver, the account's manager or an operator.
        #[arg(long, value_name = "PERSON")]
        person: String,
        /// The ticket (受付番号).
        ticket: String,
    },
}
