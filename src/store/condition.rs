//! Conditions, read in the transaction. Each answers with a stable code when it does not hold.

use std::borrow::Cow;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Result, params};

use super::change::next_use;
use super::closed::Closed;
use super::registry::{Registered, books};
use super::{containers, entry_id, incidents, kept};
use crate::domain::account::{AccountId, AccountState, OrganisationId};
use crate::domain::action::Action;
use crate::domain::approval::{Approval, ApprovalId, TicketId};
use crate::domain::container::KnownContainer;
use crate::domain::digest::Digest;
use crate::domain::embargo::{EmbargoId, RegisterSeen};
use crate::domain::emergency::{AfterReportId, EmergencyId};
use crate::domain::incident::IncidentId;
use crate::domain::person::{ClientId, PersonId};
use crate::domain::ports::Registry as _;
use crate::domain::registry::PositionId;

/// What must hold for a unit. Times are judged against the later of the clock and the last entry, so that a clock that
/// was set back revives nothing.
#[derive(Debug)]
pub enum Condition {
    /// A use of this approval is free, in time, for this post, and by somebody else than the author.
    ApprovalUsable {
        /// The approval as the request showed it.
        approval: Box<Approval>,
        /// Whether it may be unknown so far.
        deposit: bool,
        /// Which use was free when the request was examined, from 1. Another may be by now.
        use_number: u32,
        /// The account of the post.
        account: AccountId,
        /// The action.
        action: Action,
        /// The post.
        digest: Digest,
        /// The person who answers for the post.
        author: Option<PersonId>,
        /// The tool, whose owner may not approve either.
        client: Option<ClientId>,
    },
    /// The account is in use.
    AccountActive(AccountId),
    /// The declaration is open, for this account.
    EmergencyOpen(EmergencyId, AccountId),
    /// The retry key still points at that entry of this unit's log, whose outcome is not known.
    ResendOpen {
        /// The entry.
        entry: u64,
        /// The tool.
        client: ClientId,
        /// Its retry key.
        key: String,
        /// The post.
        digest: Digest,
    },
    /// The container is as the examination saw it, not published, and the approval that let it be made is still good.
    ContainerOpen(Box<KnownContainer>),
    /// The entry of this unit's log waits for an outcome.
    EntryOpen(u64),
    /// No approval has this name.
    ApprovalAbsent(ApprovalId),
    /// The approval is there, not revoked, and of an account of this body.
    ApprovalRevocable(ApprovalId, OrganisationId),
    /// What was kept of the ticket may leave: approved, in time, and not released so far.
    Releasable(TicketId),
    /// The person may release the ticket's post: its approver, or whoever may hold the account's password.
    MayRelease(PersonId, AccountId, TicketId),
    /// The ticket waits, at this body.
    TicketWaiting(TicketId, OrganisationId),
    /// The person is known and works for the body.
    WorksFor(PersonId, OrganisationId),
    /// The person may declare an emergency for the body.
    MayDeclare(PersonId, OrganisationId),
    /// The account is the body's.
    AccountOf(AccountId, OrganisationId),
    /// The account is in this state, and no other.
    AccountIn(AccountId, AccountState),
    /// The person is the account's manager (アカウント管理者).
    Manages(PersonId, AccountId),
    /// The person may hold the account's password: its manager, or one of its operators (練馬 第9条).
    MayHold(PersonId, AccountId),
    /// No client has this id, and none has this key (SHA-256, hex).
    ClientAbsent(ClientId, String),
    /// No credential of the account is in custody.
    CredentialAbsent(AccountId),
    /// One is.
    CredentialHeld(AccountId),
    /// The person is not the post's author, or the account's operating policy lets authors approve.
    NotAuthor {
        /// Who approves.
        person: PersonId,
        /// Who answers for the post.
        author: PersonId,
        /// The tool, whose owner may not approve either.
        client: ClientId,
        /// The account.
        account: AccountId,
    },
    /// The declaration is the body's and has not ended.
    EmergencyRunning(EmergencyId, OrganisationId),
    /// The report is owed, by this body.
    ReportOwed(AfterReportId, OrganisationId),
    /// The body's registry is as it was when the change was decided upon it.
    RegistryAt(OrganisationId, u64),
    /// No other body has an account of this name.
    AccountFree(AccountId, OrganisationId),
    /// No other body has a person of this name.
    PersonFree(PersonId, OrganisationId),
    /// The body's register of closed matters is as the examination saw it, and no entry of it has begun since.
    RegisterAt(OrganisationId, RegisterSeen),
    /// The person manages or operates an account of the body.
    RunsSome(PersonId, OrganisationId),
    /// The register's entry is the body's and has neither ended nor been lifted.
    EmbargoHolds(EmbargoId, OrganisationId),
    /// The incident is the body's and not closed.
    IncidentOpen(IncidentId, OrganisationId),
    /// The office has not acknowledged the incident.
    NotAcknowledged(IncidentId, PositionId),
    /// The person has not approved this content already: a joint approval is of two people.
    NotApprovedBy(PersonId, AccountId, Digest),
    /// It was settled before the store was asked: refused, with this code.
    Never(&'static str),
}

/// A condition that does not hold, by its stable code.
type Code = &'static str;

/// What conditions are judged against.
#[derive(Clone, Copy)]
pub(super) struct Moment<'m> {
    /// The later of the clock and the last entry.
    pub(super) now: Timestamp,
    /// The number of the unit's log; none: it has no entry yet.
    pub(super) number: Option<i64>,
    /// The registry, as of the last commit; none: a unit of this very transaction has changed it.
    pub(super) registry: Option<&'m Registered>,
    /// What the bodies keep closed, as of the last commit.
    pub(super) closed: &'m Closed,
    /// Bodies that close something more in this very transaction.
    pub(super) closing: &'m [OrganisationId],
}

/// The code of the first condition that does not hold.
pub(super) fn first_failure(conn: &Connection, conditions: &[Condition], at: Moment<'_>) -> Result<Option<Code>> {
    for condition in conditions {
        if let Some(code) = failure(conn, condition, at)? {
            return Ok(Some(code));
        }
    }
    Ok(None)
}

fn failure(conn: &Connection, condition: &Condition, at: Moment<'_>) -> Result<Option<Code>> {
    let entry = |index: u64| entry_id(at.number.unwrap_or(-1), index);
    let now = at.now.as_microsecond();
    match condition {
        Condition::ApprovalUsable { approval, deposit, use_number, account, action, digest, author, client } => {
            if approval.account != *account || approval.digest != *digest || !approval.actions.contains(action) {
                return Ok(Some("approval-mismatch"));
            }
            if let Some(code) = not_usable(conn, approval, *deposit, *use_number, at.now)? {
                return Ok(Some(code));
            }
            let own = match at.registry {
                Some(registry) => {
                    registry.is_author(&approval.approver, author.as_ref(), client.as_ref())
                        && !registry.self_approval(account)
                }
                None => {
                    is_author(conn, &approval.approver, author.as_ref(), client.as_ref())?
                        && !self_approval(conn, account)?
                }
            };
            Ok(own.then_some("self-approval"))
        }
        Condition::AccountActive(account) => {
            let state = match at.registry {
                Some(registry) => registry.account(account).map(|account| account.state.as_str().into()),
                None => state(conn, account)?.map(Cow::Owned),
            };
            Ok(match state.as_deref() {
                Some("active") => None,
                Some("suspended") => Some("account-locked"),
                _ => Some("account-not-active"),
            })
        }
        Condition::RegistryAt(body, revision) => {
            let now = match at.registry {
                Some(registry) => registry.revision(body),
                None => books::revision(conn, body)?,
            };
            unless(now == *revision, "registry-moved")
        }
        Condition::EmergencyOpen(emergency, account) => {
            let sql = "SELECT 1 FROM emergency e JOIN emergency_account a ON a.emergency = e.id
                WHERE e.id = ?1 AND a.account = ?2 AND e.declared <= ?3 AND ?3 < e.until AND e.ended IS NULL";
            unless(exists(conn, sql, params![emergency.as_str(), account.as_str(), now])?, "emergency-ended")
        }
        Condition::ResendOpen { entry: index, client, key, digest } => {
            let sql = "SELECT 1 FROM retry r JOIN outcome o ON o.id = r.entry
                WHERE r.client = ? AND r.key = ? AND r.digest = ? AND r.entry = ?
                AND (o.outcome IS NULL OR o.outcome = 'unknown')";
            let args = params![client.as_str(), key, digest.to_string(), entry(*index)];
            unless(exists(conn, sql, args)?, "resend-not-open")
        }
        Condition::ContainerOpen(known) => containers::failure(conn, known, at.now),
        Condition::EntryOpen(index) => {
            let sql = "SELECT 1 FROM outcome WHERE id = ? AND closed_by IS NULL";
            unless(exists(conn, sql, [entry(*index)])?, "entry-closed")
        }
        Condition::Never(code) => Ok(Some(code)),
        Condition::RegisterAt(body, seen) => {
            let moved = at.closing.contains(body) || at.closed.has_moved(body, *seen, at.now);
            unless(!moved, "register-moved")
        }
        _ => act_failure(conn, condition, at.now),
    }
}

/// Whether the person manages or operates an account of the body.
fn runs_some(conn: &Connection, person: &PersonId, body: &OrganisationId, at: Timestamp) -> Result<Option<Code>> {
    let sql = "SELECT a.id, EXISTS (SELECT 1 FROM json_each(a.body, '$.operators') o WHERE o.value = ?2)
        FROM account a WHERE a.organisation = ?1";
    let mut statement = conn.prepare_cached(sql)?;
    let accounts = statement.query_map([body.as_str(), person.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for account in accounts {
        let (id, operates): (String, bool) = account?;
        if operates || books::manages(conn, person, &AccountId::new(id), at)? {
            return Ok(None);
        }
    }
    Ok(Some("not-in-charge"))
}

fn is_client(conn: &Connection, id: &ClientId, key: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM client WHERE id = ? OR json_extract(body, '$.key_sha256') = ?";
    exists(conn, sql, [id.as_str(), key])
}

/// The conditions of console acts.
fn act_failure(conn: &Connection, condition: &Condition, at: Timestamp) -> Result<Option<Code>> {
    let now = at.as_microsecond();
    match condition {
        Condition::ApprovalAbsent(id) => {
            unless(!exists(conn, "SELECT 1 FROM approval WHERE id = ?", [id.as_str()])?, "approval-known")
        }
        Condition::ApprovalRevocable(id, body) => {
            let sql = "SELECT 1 FROM approval p JOIN account a ON a.id = p.account
                WHERE p.id = ? AND p.revoked IS NULL AND a.organisation = ?";
            unless(exists(conn, sql, [id.as_str(), body.as_str()])?, "approval-not-revocable")
        }
        Condition::TicketWaiting(id, body) => {
            let sql = "SELECT 1 FROM ticket WHERE id = ? AND organisation = ? AND state = 'waiting'";
            unless(exists(conn, sql, [id.as_str(), body.as_str()])?, "ticket-not-waiting")
        }
        Condition::WorksFor(person, body) => {
            unless(books::works_for(conn, person, body.as_str(), at)?, "not-of-this-body")
        }
        Condition::MayDeclare(person, body) => {
            let sql = "SELECT 1 FROM person WHERE id = ? AND organisation = ? AND may_declare = 1";
            unless(exists(conn, sql, [person.as_str(), body.as_str()])?, "may-not-declare")
        }
        Condition::AccountOf(account, body) => {
            let sql = "SELECT 1 FROM account WHERE id = ? AND organisation = ?";
            unless(exists(conn, sql, [account.as_str(), body.as_str()])?, "account-unknown")
        }
        Condition::AccountIn(account, wanted) => {
            let holds = state(conn, account)?.is_some_and(|found| found == wanted.as_str());
            let code = if *wanted == AccountState::Suspended { "account-not-locked" } else { "account-not-in-use" };
            unless(holds, code)
        }
        Condition::Manages(person, account) => unless(books::manages(conn, person, account, at)?, "not-the-manager"),
        Condition::MayHold(person, account) => {
            let may = operates(conn, person, account)? || books::manages(conn, person, account, at)?;
            unless(may, "may-not-hold-credential")
        }
        Condition::CredentialAbsent(account) => unless(!is_held(conn, account)?, "credential-known"),
        Condition::CredentialHeld(account) => unless(is_held(conn, account)?, "credential-not-held"),
        Condition::ClientAbsent(id, key) => unless(!is_client(conn, id, key)?, "client-known"),
        Condition::NotAuthor { person, author, client, account } => {
            let own = is_author(conn, person, Some(author), Some(client))? && !self_approval(conn, account)?;
            unless(!own, "self-approval")
        }
        Condition::EmergencyRunning(id, body) => {
            let sql = "SELECT 1 FROM emergency WHERE id = ? AND organisation = ? AND ended IS NULL AND until > ?";
            unless(exists(conn, sql, params![id.as_str(), body.as_str(), now])?, "emergency-ended")
        }
        Condition::ReportOwed(id, body) => {
            let sql = "SELECT 1 FROM after_report WHERE id = ? AND organisation = ? AND reported IS NULL";
            unless(exists(conn, sql, [id.as_str(), body.as_str()])?, "report-not-owed")
        }
        Condition::AccountFree(id, body) => is_free(conn, ("account", id.as_str()), body, "account-name-taken"),
        Condition::PersonFree(id, body) => is_free(conn, ("person", id.as_str()), body, "person-name-taken"),
        _ => case_failure(conn, condition, at),
    }
}

/// The conditions of what is done about a post: its release, its incident, what is closed.
fn case_failure(conn: &Connection, condition: &Condition, at: Timestamp) -> Result<Option<Code>> {
    match condition {
        Condition::Releasable(ticket) => kept::failure(conn, ticket, at),
        Condition::MayRelease(person, account, ticket) => {
            let may = operates(conn, person, account)?
                || books::manages(conn, person, account, at)?
                || kept::approved_by(conn, person, ticket)?;
            unless(may, "may-not-release")
        }
        Condition::RunsSome(person, body) => runs_some(conn, person, body, at),
        Condition::IncidentOpen(id, body) => unless(incidents::is_open(conn, id, body)?, "incident-not-open"),
        Condition::NotAcknowledged(id, office) => {
            unless(!incidents::has_acknowledged(conn, id, office)?, "incident-acknowledged")
        }
        Condition::NotApprovedBy(person, account, digest) => {
            unless(!incidents::has_approved(conn, person, account, digest, at)?, "joint-same-person")
        }
        Condition::EmbargoHolds(id, body) => {
            let sql = "SELECT 1 FROM embargo WHERE id = ? AND organisation = ? AND lifted IS NULL AND until > ?";
            unless(exists(conn, sql, params![id.as_str(), body.as_str(), at.as_microsecond()])?, "embargo-not-open")
        }
        _ => Ok(Some("condition-unknown")),
    }
}

/// Whether no other body has something of this kind and name.
fn is_free(conn: &Connection, (kind, id): (&str, &str), body: &OrganisationId, code: Code) -> Result<Option<Code>> {
    unless(!books::is_elsewhere(conn, kind, id, body.as_str())?, code)
}

fn operates(conn: &Connection, person: &PersonId, account: &AccountId) -> Result<bool> {
    let sql = "SELECT 1 FROM account a, json_each(a.body, '$.operators') o WHERE a.id = ?1 AND o.value = ?2";
    exists(conn, sql, [account.as_str(), person.as_str()])
}

fn is_held(conn: &Connection, account: &AccountId) -> Result<bool> {
    exists(conn, "SELECT 1 FROM credential WHERE account = ?", [account.as_str()])
}

fn not_usable(
    conn: &Connection,
    shown: &Approval,
    deposit: bool,
    use_number: u32,
    now: Timestamp,
) -> Result<Option<Code>> {
    let sql = "SELECT account, digest, approver, expires, max_uses, revoked,
        (SELECT coalesce(max(use_no), 0) + 1 FROM used_approval WHERE approval = ?1),
        (SELECT value FROM meta WHERE name = 'epoch') FROM approval WHERE id = ?1";
    let stored = conn
        .prepare_cached(sql)?
        .query_row([shown.id.as_str()], |row| {
            let same = row.get_ref(0)?.as_str()? == shown.account.as_str()
                && row.get_ref(1)?.as_str()? == shown.digest.to_string()
                && row.get_ref(2)?.as_str()? == shown.approver.as_str()
                && row.get::<_, i64>(3)? == shown.expires.as_microsecond()
                && row.get::<_, u32>(4)? == shown.max_uses;
            Ok((same, row.get::<_, Option<i64>>(5)?, row.get::<_, u32>(6)?, row.get::<_, Option<i64>>(7)?))
        })
        .optional()?;
    let (next, epoch) = match stored {
        None if !deposit => return Ok(Some("approval-missing")),
        // One name stands for one statement: a second one under the same name would bring the first one's uses back.
        Some((false, ..)) => return Ok(Some("approval-conflict")),
        Some((_, Some(_), ..)) => return Ok(Some("approval-revoked")),
        Some((true, None, next, epoch)) => (next, epoch),
        None => (next_use(conn, &shown.id)?, epoch(conn)?),
    };
    if epoch.is_some_and(|epoch| shown.not_before.as_microsecond() < epoch) {
        return Ok(Some("approval-before-restore"));
    }
    if now < shown.not_before {
        return Ok(Some("approval-not-yet"));
    }
    if now >= shown.expires {
        return Ok(Some("approval-expired"));
    }
    // `use_number` is what the examination saw; others may have used the approval since, so the next free one counts.
    let spent = use_number == 0 || use_number > shown.max_uses || next > shown.max_uses;
    Ok(spent.then_some("approval-spent"))
}

/// Since when approvals count again, where the ledger was restored from a copy.
fn epoch(conn: &Connection) -> Result<Option<i64>> {
    let sql = "SELECT value FROM meta WHERE name = 'epoch'";
    conn.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()
}

fn is_author(
    conn: &Connection,
    person: &PersonId,
    author: Option<&PersonId>,
    client: Option<&ClientId>,
) -> Result<bool> {
    if author == Some(person) {
        return Ok(true);
    }
    let Some(client) = client else { return Ok(false) };
    exists(conn, "SELECT 1 FROM client WHERE id = ? AND owner = ?", [client.as_str(), person.as_str()])
}

fn state(conn: &Connection, account: &AccountId) -> Result<Option<String>> {
    let sql = "SELECT state FROM account WHERE id = ?";
    conn.prepare_cached(sql)?.query_row([account.as_str()], |row| row.get(0)).optional()
}

fn self_approval(conn: &Connection, account: &AccountId) -> Result<bool> {
    exists(conn, "SELECT 1 FROM account WHERE id = ? AND self_approval = 1", [account.as_str()])
}

fn exists(conn: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<bool> {
    conn.prepare_cached(sql)?.exists(params)
}

fn unless(holds: bool, code: Code) -> Result<Option<Code>> {
    Ok((!holds).then_some(code))
}
