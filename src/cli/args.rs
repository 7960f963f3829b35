//! The arguments of every command; the text here is what `--help` shows.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use jiff::Timestamp;

use super::length;
use super::registry_args::{AccountForm, RegistryCommand};

pub(super) use approval::{ApprovalCommand, Issue};
pub(super) use credential::{CredentialCommand, GivenCredential};
pub(super) use guideline::{Diff, GuidelineCommand};
pub(super) use incident::{IncidentCommand, Who};
pub(super) use inspection::{EmbargoCommand, ListsCommand, MediaCommand, RulesCommand};
pub(super) use ticket::TicketCommand;

mod approval;
mod credential;
mod guideline;
mod incident;
mod inspection;
mod ticket;

/// 関所: a pre-publication gateway for the official social-media accounts of public bodies.
#[derive(Debug, Parser)]
#[command(name = "sekisho", version, propagate_version = true, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Configuration files, layered in order.
#[derive(Debug, Args)]
pub struct Files {
    /// Configuration files, layered in order; then the environment (SEKISHO__SECTION__KEY).
    #[arg(long = "config", value_name = "FILE", num_args = 1..)]
    pub files: Vec<PathBuf>,
}

/// The same, one file for each `--config`, where a positional argument may follow.
#[derive(Debug, Args)]
pub struct EachFile {
    /// A configuration file; repeat the option for more, layered in order.
    #[arg(long = "config", value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// The same, one file for each `--config`, before or after the subcommand.
#[derive(Debug, Args)]
pub struct AnywhereFile {
    /// A configuration file; repeat the option for more, layered in order.
    #[arg(long = "config", value_name = "FILE", global = true)]
    pub files: Vec<PathBuf>,
}

/// The same, at least one.
#[derive(Debug, Args)]
pub struct NeededFiles {
    /// Configuration files, layered in order; then the environment (SEKISHO__SECTION__KEY).
    #[arg(long = "config", value_name = "FILE", num_args = 1.., required = true)]
    pub files: Vec<PathBuf>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the gateway until it is told to stop.
    Serve {
        /// Configuration.
        #[command(flatten)]
        config: NeededFiles,
    },
    /// Run the gateway, practice providers and two sample bodies on loopback, and print what to try.
    Demo {
        /// Play the whole story by itself; exit non-zero if any step went wrong.
        #[arg(long)]
        tour: bool,
    },
    /// Run the practice providers.
    Practice {
        /// Where they listen.
        #[arg(long, value_name = "ADDR")]
        listen: SocketAddr,
        /// Where their CA and their address are written.
        #[arg(long, value_name = "DIR", default_value = ".")]
        dir: PathBuf,
    },
    /// Find every problem of a configuration, with file and line.
    Check {
        /// Configuration.
        #[command(flatten)]
        config: NeededFiles,
        /// Problems as JSON, one a line.
        #[arg(long)]
        json: bool,
    },
    /// Print what closes the way round the gate: a proxy auto-configuration, nftables or Squid rules.
    Egress {
        /// Configuration.
        #[command(flatten)]
        config: NeededFiles,
        /// Which.
        #[arg(long, value_enum)]
        format: EgressFormat,
        /// The gateway as posting machines reach it: a name for pac, an address for nft and squid.
        #[arg(long, value_name = "HOST")]
        gateway: String,
        /// Its port; none: that of the configuration.
        #[arg(long, value_name = "PORT")]
        port: Option<u16>,
        /// The posting machines' network, for nft on the router before them; none: nft on the machine itself.
        #[arg(long, value_name = "NETWORK")]
        from: Option<String>,
    },
    /// Inspect texts: NDJSON in, NDJSON out.
    Inspect {
        /// Configuration.
        #[command(flatten)]
        config: Files,
    },
    /// Pictures and films.
    Media {
        /// Which.
        #[command(subcommand)]
        command: MediaCommand,
    },
    /// The inspector's rules.
    Rules {
        /// Which.
        #[command(subcommand)]
        command: RulesCommand,
    },
    /// A body's guideline.
    Guideline {
        /// Which.
        #[command(subcommand)]
        command: GuidelineCommand,
    },
    /// Print action, account, normal form and digest of a request (JSON on standard input).
    Digest {
        /// Configuration.
        #[command(flatten)]
        config: Files,
    },
    /// Sign and verify approvals.
    Approval {
        /// Which.
        #[command(subcommand)]
        command: ApprovalCommand,
    },
    /// Declare, end and show emergencies at the running gateway.
    Emergency {
        /// Which.
        #[command(subcommand)]
        command: EmergencyCommand,
    },
    /// What is closed until a minute, and elections and days of mourning, at the running gateway.
    Embargo {
        /// Which.
        #[command(subcommand)]
        command: EmbargoCommand,
    },
    /// Incidents (事案) and the flood of criticism (炎上), at the running gateway.
    Incident {
        /// Which.
        #[command(subcommand)]
        command: IncidentCommand,
    },
    /// Public lists.
    Lists {
        /// Which.
        #[command(subcommand)]
        command: ListsCommand,
    },
    /// Held posts, at the running gateway.
    Ticket {
        /// Which.
        #[command(subcommand)]
        command: TicketCommand,
    },
    /// Posts that a person makes by hand, at the running gateway.
    Manual {
        /// Which.
        #[command(subcommand)]
        command: ManualCommand,
    },
    /// Read and verify the logs.
    Ledger {
        /// Configuration.
        #[command(flatten)]
        config: AnywhereFile,
        /// Which.
        #[command(subcommand)]
        command: LedgerCommand,
    },
    /// The registered accounts.
    Account {
        /// Which.
        #[command(subcommand)]
        command: AccountCommand,
    },
    /// The registry of a body: positions, providers, forms, history.
    Registry {
        /// Which.
        #[command(subcommand)]
        command: RegistryCommand,
    },
    /// Posting tools.
    Client {
        /// Which.
        #[command(subcommand)]
        command: ClientCommand,
    },
    /// Keys of posting tools and people.
    Key {
        /// Which.
        #[command(subcommand)]
        command: KeyCommand,
    },
}

/// What `egress` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum EgressFormat {
    /// A proxy auto-configuration (the console serves it at /proxy.pac, too).
    Pac,
    /// An nftables ruleset.
    Nft,
    /// Squid access rules.
    Squid,
}

/// `emergency ...`.
#[derive(Debug, Subcommand)]
pub enum EmergencyCommand {
    /// Declare an emergency. An end cannot be left out.
    #[command(group(clap::ArgGroup::new("end").required(true).args(["for_", "until"])))]
    Declare {
        /// Configuration.
        #[command(flatten)]
        config: EachFile,
        /// The person who declares it.
        #[arg(long, value_name = "PERSON")]
        person: String,
        /// Why.
        #[arg(long)]
        reason: String,
        /// The accounts to open; repeat the option, or name several.
        #[arg(long = "account", value_name = "ACCOUNT", num_args = 1.., required = true)]
        accounts: Vec<String>,
        /// For how long: 30m, 2h, 1d.
        #[arg(long = "for", value_name = "TIME", value_parser = length::parse)]
        for_: Option<Duration>,
        /// Until when (RFC 3339).
        #[arg(long, value_name = "TIME")]
        until: Option<Timestamp>,
        /// A drill: its posts never reach a provider.
        #[arg(long)]
        drill: bool,
    },
    /// End a declaration before its time.
    End {
        /// Configuration.
        #[command(flatten)]
        config: EachFile,
        /// The person who ends it.
        #[arg(long, value_name = "PERSON")]
        person: String,
        /// The declaration's id.
        id: String,
    },
    /// Show declarations.
    Status {
        /// Configuration.
        #[command(flatten)]
        config: Files,
        /// The person who asks; none: somebody of each body of the configuration.
        #[arg(long, value_name = "PERSON")]
        person: Option<String>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

/// `manual ...`.
#[derive(Debug, Subcommand)]
pub enum ManualCommand {
    /// Record where the public reads what was approved and posted by hand.
    Record {
        /// Configuration.
        #[command(flatten)]
        config: EachFile,
        /// The person who posted it.
        #[arg(long, value_name = "PERSON")]
        person: String,
        /// The permission's index in the log: the `Sekisho-Entry` of the answer.
        #[arg(long, value_name = "INDEX")]
        entry: u64,
        /// The published post's address.
        #[arg(long, value_name = "URL")]
        link: String,
    },
}

/// `ledger ...`.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum LedgerCommand {
    /// Recompute the tree and check every signature; names the first index that is wrong.
    Verify {
        /// One body's log; none: every log.
        #[arg(long)]
        organisation: Option<String>,
        /// An exported folder, instead of the database.
        #[arg(long, value_name = "DIR")]
        export: Option<PathBuf>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print entries, newest last.
    Tail {
        /// One body's log; none: the only one.
        #[arg(long)]
        organisation: Option<String>,
        /// Entries after this index.
        #[arg(long, value_name = "INDEX")]
        after: Option<u64>,
        /// The last so many entries.
        #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
        last: u64,
        /// Go on as entries come.
        #[arg(long, short)]
        follow: bool,
    },
    /// Print the entries that carry a mark, such as 自己決裁 or 訂正, one a line: for the audit.
    Marked {
        /// One body's log; none: the only one.
        #[arg(long)]
        organisation: Option<String>,
        /// The mark, word for word.
        #[arg(long, default_value = "自己決裁")]
        mark: String,
    },
    /// Write a log into a new folder: entries (NDJSON), signed checkpoint, verifier key.
    Export {
        /// One body's log; none: the only one.
        #[arg(long)]
        organisation: Option<String>,
        /// The folder; it must not exist or be empty.
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
    /// Print the newest signed checkpoint.
    Checkpoint {
        /// One body's log; none: the only one.
        #[arg(long)]
        organisation: Option<String>,
    },
}

/// `client ...`.
#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// Register posting tools from a CSV file (id,owner,accounts,scopes,until) at the running gateway, all or none. Their
    /// keys are made here and shown once.
    Import {
        /// Configuration.
        #[command(flatten)]
        config: EachFile,
        /// The person who registers them: the manager of their accounts.
        #[arg(long, value_name = "PERSON")]
        person: String,
        /// Write the keys to this new file (0600), not to standard output.
        #[arg(long, value_name = "FILE")]
        keys: Option<PathBuf>,
        /// The list, in UTF-8.
        file: PathBuf,
    },
}

/// `account ...`.
#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// A form of the registry.
    #[command(flatten)]
    Form(AccountForm),
    /// List the accounts of the configuration.
    List {
        /// Configuration.
        #[command(flatten)]
        config: Files,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Stop an account at once (緊急停止), at the running gateway: its next post is refused.
    Lock {
        /// Configuration.
        #[command(flatten)]
        config: EachFile,
        /// The person who stops it.
        #[arg(long, value_name = "PERSON")]
        person: String,
        /// Why.
        #[arg(long)]
        reason: String,
        /// Its password or token leaked: the credential in custody is locked too.
        #[arg(long)]
        leak: bool,
        /// The account.
        account: String,
    },
    /// The provider credential that the gateway holds for an account.
    Credential {
        /// Which.
        #[command(subcommand)]
        command: CredentialCommand,
    },
    /// Put a stopped account into use again; only its manager may.
    Unlock {
        /// Configuration.
        #[command(flatten)]
        config: EachFile,
        /// The person who puts it into use again: the account's manager.
        #[arg(long, value_name = "PERSON")]
        person: String,
        /// Why.
        #[arg(long)]
        reason: String,
        /// The account.
        account: String,
    },
}

/// `key ...`.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a random key; prints it once, with the SHA-256 that goes into the configuration.
    New {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}
