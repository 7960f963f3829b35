//! The arguments of the registry's commands: each form of the guidelines, filled in at the terminal.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use jiff::civil::Date;

use super::args::EachFile;

/// Who asks, of which gateway.
#[derive(Debug, Args)]
pub struct Asking {
    /// Configuration.
    #[command(flatten)]
    pub config: EachFile,
    /// The person who asks.
    #[arg(long, value_name = "PERSON")]
    pub person: String,
}

/// Whether an application is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Verdict {
    /// 承認.
    Approve,
    /// 不承認.
    Deny,
}

/// 総合/代表 or 個別/所属等.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Class {
    /// 総合アカウント, 代表アカウント.
    General,
    /// 個別アカウント, 所属等アカウント.
    Individual,
}

/// `registry ...`.
#[derive(Debug, Subcommand)]
pub enum RegistryCommand {
    /// The registry of the person's body at a glance, with what wants attention.
    Show {
        /// Who asks.
        #[command(flatten)]
        asking: Asking,
        /// One record: its kind and its id.
        #[arg(num_args = 2, value_names = ["KIND", "ID"])]
        record: Vec<String>,
    },
    /// Records of one kind, or all, as JSON lines.
    List {
        /// Who asks.
        #[command(flatten)]
        asking: Asking,
        /// The kind: section, position, appointment, deputy, provider, account, grant, delegation, source, contractor, issuer.
        kind: Option<String>,
    },
    /// What each change set, newest first, as JSON lines; of one record, or of all.
    History {
        /// Who asks.
        #[command(flatten)]
        asking: Asking,
        /// One record: its kind and its id.
        #[arg(num_args = 2, value_names = ["KIND", "ID"])]
        record: Vec<String>,
    },
    /// Enter personnel changes (異動) from a CSV file (person,name,from,to,date), all or none.
    Transfer {
        /// Who asks.
        #[command(flatten)]
        asking: Asking,
        /// The list, in UTF-8.
        file: PathBuf,
    },
    /// Any change, as JSON from a file or standard input: section, position, source, contractor, issuer, ...
    Change {
        /// Who asks.
        #[command(flatten)]
        asking: Asking,
        /// The form.
        file: Option<PathBuf>,
    },
    /// 第1号様式: apply for a provider (練馬 第4条第1項).
    Apply {
        /// Who asks.
        #[command(flatten)]
        asking: Asking,
        /// What it is to be used for.
        #[arg(long)]
        purpose: String,
        /// The provider.
        provider: String,
    },
    /// Record the review of a provider (練馬 第4条第2項).
    Review {
        /// Who asks.
        #[command(flatten)]
        asking: Asking,
        /// The day of the meeting.
        #[arg(long, value_name = "DATE")]
        met: Date,
        /// 汎用性.
        #[arg(long)]
        versatility: String,
        /// 可用性.
        #[arg(long)]
        availability: String,
        /// 継続性.
        #[arg(long)]
        continuity: String,
        /// A position that met (別表第1); repeat the option.
        #[arg(long = "member", value_name = "POSITION", required = true)]
        members: Vec<String>,
        /// The provider.
        provider: String,
    },
    /// Decide of a provider (練馬 第4条第2項). Conditions go by `change`.
    Decide {
        /// Who asks.
        #[command(flatten)]
        asking: Asking,
        /// Why.
        #[arg(long)]
        reason: String,
        /// By when it is to be reviewed again.
        #[arg(long, value_name = "DATE")]
        review_by: Option<Date>,
        /// The provider.
        provider: String,
        /// The decision.
        verdict: Verdict,
    },
    /// Set a provider's standard operating policy (標準的運用ポリシー, 練馬 第3条第2項).
    StandardPolicy {
        /// Who asks.
        #[command(flatten)]
        asking: Asking,
        /// Its version.
        #[arg(long, value_name = "VERSION")]
        policy_version: String,
        /// Where it can be read.
        #[arg(long)]
        document: String,
        /// The day on which the information policy section was consulted.
        #[arg(long, value_name = "DATE")]
        consulted: Option<Date>,
        /// What it said.
        #[arg(long, default_value = "")]
        opinion: String,
        /// The provider.
        provider: String,
    },
    /// 様式1: apply for a section's use of the representative account in one fiscal year (長野 2(4)).
    Grant {
        /// Who asks.
        #[command(flatten)]
        asking: Asking,
        /// The section.
        #[arg(long)]
        section: String,
        /// The fiscal year, by the year it begins in.
        #[arg(long)]
        year: i16,
        /// The account.
        account: String,
    },
    /// Decide of that.
    DecideGrant {
        /// Who asks.
        #[command(flatten)]
        asking: Asking,
        /// Why.
        #[arg(long, default_value = "")]
        reason: String,
        /// The grant.
        id: String,
        /// The decision.
        verdict: Verdict,
    },
    /// Name a deputy (代決) for a position, for some days.
    Deputise {
        /// Who asks.
        #[command(flatten)]
        asking: Asking,
        /// The position.
        #[arg(long)]
        position: String,
        /// The first day.
        #[arg(long, value_name = "DATE")]
        from: Date,
        /// The last day.
        #[arg(long, value_name = "DATE")]
        until: Date,
        /// Why.
        #[arg(long)]
        reason: String,
        /// The deputy.
        deputy: String,
    },
}

/// `account ...` that are forms of the registry.
#[derive(Debug, Subcommand)]
pub enum AccountForm {
    /// How an account stands now, as the gate reads it, as JSON.
    Standing {
        /// Who asks.
        #[command(flatten)]
        asking: Asking,
        /// The account.
        account: String,
    },
    /// 第2号様式, 様式2: apply for an account (練馬 第5条第2項, 長野 2(6)). Its policy can follow by `policy`.
    Apply {
        /// Who asks.
        #[command(flatten)]
        asking: Asking,
        /// The provider.
        #[arg(long)]
        provider: String,
        /// Its name there.
        #[arg(long)]
        handle: String,
        /// The class.
        #[arg(long)]
        class: Class,
        /// What it is for.
        #[arg(long)]
        purpose: String,
        /// What it will speak of; repeat the option.
        #[arg(long = "topic")]
        topics: Vec<String>,
        /// The operating policy's version.
        #[arg(long, value_name = "VERSION")]
        policy: Option<String>,
        /// The standard operating policy's version that it derives from.
        #[arg(long, value_name = "VERSION")]
        base: Option<String>,
        /// A person responsible for its operation; repeat the option.
        #[arg(long = "operator", value_name = "PERSON")]
        operators: Vec<String>,
        /// The new account's id; it begins with the body's.
        account: String,
    },
    /// Record the consulted opinion (練馬 第5条第3項).
    Consult {
        /// Who asks.
        #[command(flatten)]
        asking: Asking,
        /// What is said.
        #[arg(long)]
        opinion: String,
        /// The account.
        account: String,
    },
    /// Decide what was applied for: an opening, a change, a closing (練馬 第5条第2項, 長野 2(6)).
    Open {
        /// Who asks.
        #[command(flatten)]
        asking: Asking,
        /// Why.
        #[arg(long, default_value = "")]
        reason: String,
        /// The account.
        account: String,
        /// The decision.
        #[arg(default_value = "approve")]
        verdict: Verdict,
    },
    /// Set the operating policy, or confirm it against a new standard (練馬 第8条第2項).
    Policy {
        /// Who asks.
        #[command(flatten)]
        asking: Asking,
        /// Its version.
        #[arg(long, value_name = "VERSION")]
        policy_version: String,
        /// The standard operating policy's version that it derives from.
        #[arg(long, value_name = "VERSION")]
        base: Option<String>,
        /// A category that may be published without approval; repeat the option.
        #[arg(long = "category")]
        categories: Vec<String>,
        /// A category that may be delegated; repeat the option.
        #[arg(long = "delegable", value_name = "CATEGORY")]
        delegable: Vec<String>,
        /// Within how many hours an exempt post must be reported.
        #[arg(long, value_name = "HOURS")]
        after_report_hours: Option<u32>,
        /// A ground on which posts may pass without a decision (長野 2(7)ただし書): already-published, established-fact or
        /// statutory; repeat the option.
        #[arg(long = "exemption", value_name = "GROUND")]
        exemptions: Vec<String>,
        /// Authors may approve (自己決裁).
        #[arg(long)]
        self_approval: bool,
        /// The account.
        account: String,
    },
    /// Designate those responsible for the operation, all of them (練馬 第12条第1項).
    Operators {
        /// Who asks.
        #[command(flatten)]
        asking: Asking,
        /// The account.
        account: String,
        /// Who.
        #[arg(required = true)]
        operators: Vec<String>,
    },
    /// Delegate to an operator (練馬 第12条第2項).
    Delegate {
        /// Who asks.
        #[command(flatten)]
        asking: Asking,
        /// A category; repeat the option.
        #[arg(long = "category", required = true)]
        categories: Vec<String>,
        /// The first day.
        #[arg(long, value_name = "DATE")]
        from: Date,
        /// The last day.
        #[arg(long, value_name = "DATE")]
        until: Date,
        /// The account.
        account: String,
        /// The operator.
        delegate: String,
    },
    /// Suspend an account in use; by its manager or the head of public relations.
    Suspend(WithReason),
    /// Put it into use again.
    Resume(WithReason),
    /// Give notice of a closing (練馬 第17条第2項).
    Notify {
        /// Who asks.
        #[command(flatten)]
        asking: Asking,
        /// The day on which it is to be closed.
        #[arg(long, value_name = "DATE")]
        closing: Date,
        /// Why.
        #[arg(long)]
        reason: String,
        /// The account.
        account: String,
    },
    /// Close it, on the day of the notice or later (練馬 第17条第1項).
    Close {
        /// Who asks.
        #[command(flatten)]
        asking: Asking,
        /// The account.
        account: String,
    },
    /// Keep it to be read, never to be written again (練馬 第17条第1項ただし書).
    Archive(WithReason),
}

/// An account and a reason.
#[derive(Debug, Args)]
pub struct WithReason {
    /// Who asks.
    #[command(flatten)]
    pub asking: Asking,
    /// Why.
    #[arg(long)]
    pub reason: String,
    /// The account.
    pub account: String,
}
