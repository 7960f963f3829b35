//! Console acts as units. Who may do what is decided in the store's transaction, for every surface alike.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::shared::Shared;
use super::{Act, LedgerDown, entry};
use crate::domain::account::{Account, AccountId, AccountState, GATEWAY_LOG, OrganisationId};
use crate::domain::approval::{Approval, ApprovalId, Ticket, TicketId, TicketState};
use crate::domain::clause::Clause;
use crate::domain::credential::SealedCredential;
use crate::domain::digest::Digest;
use crate::domain::emergency::Emergency;
use crate::domain::link::Looked;
use crate::domain::person::{Client, PersonId};
use crate::domain::ports::{Approvals, Registry, Unavailable};
use crate::domain::remarks::Remarks;
use crate::store::{Change, Condition, Draft, Fields, Unit};

mod closed;
mod incidents;
mod release;

impl From<Unavailable> for LedgerDown {
    fn from(unavailable: Unavailable) -> Self {
        Self(unavailable.0)
    }
}

/// An act, taken apart.
struct Parts {
    name: &'static str,
    conditions: Vec<Condition>,
    changes: Vec<Change>,
    fields: Fields,
    reason: Option<String>,
    /// Where the approver saw links lead. Sealed.
    links: Vec<String>,
}

impl Parts {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            conditions: Vec::new(),
            changes: Vec::new(),
            fields: Fields::default(),
            reason: None,
            links: Vec::new(),
        }
    }

    /// The act is refused with this code unless `holds`.
    fn must(mut self, holds: bool, code: &'static str) -> Self {
        if !holds {
            self.conditions.push(Condition::Never(code));
        }
        self
    }

    fn with(mut self, condition: Condition) -> Self {
        self.conditions.push(condition);
        self
    }

    fn doing(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }

    fn text(mut self, name: &'static str, value: &str) -> Self {
        self.fields.text(name, value);
        self
    }

    fn because(mut self, reason: &str) -> Self {
        self.reason = Some(reason.to_owned());
        self
    }

    /// What the approver saw of the post's links: hosts sealed, their number and that of the warnings in the open. Without a
    /// number nothing of them was shown.
    fn saw(mut self, looked: Option<&Looked>) -> Self {
        let Some(looked) = looked else { return self };
        let warned = looked.links.iter().filter(|told| !told.warnings.is_empty()).count();
        let unresolved = looked.links.iter().filter(|told| told.unresolved.is_some()).count();
        self.fields.number("links_seen", looked.links.len() as u64);
        self.fields.number("links_unresolved", unresolved as u64);
        self.fields.number("links_warned", warned as u64);
        self.links = looked.lines();
        self
    }

    /// What the approver stated: the reason sealed, the rest in the open. A clause is set aside only with a reason.
    fn remarked(mut self, remarks: &Remarks) -> Self {
        let clauses: Vec<&str> = remarks.sets_aside.iter().take(24).map(Clause::as_str).collect();
        if !clauses.is_empty() {
            self.fields.value("sets_aside", &serde_json::json!(clauses));
        }
        if !remarks.declares.is_empty() {
            self.fields.value("declares", &serde_json::json!(remarks.declares));
        }
        if let Some(source) = &remarks.source {
            self.fields.text("source", source);
        }
        if let Some(reason) = &remarks.reason {
            self = self.because(reason);
        }
        self.must(remarks.sets_aside.is_empty() || remarks.has_reason(), "reason-missing")
    }
}

/// The unit of an act by `by`, in the log of the body that the person works for.
pub(super) fn unit(shared: &Shared, by: &PersonId, act: Act) -> Result<Unit, LedgerDown> {
    let reads = shared.store.reads();
    let body = reads.registry().person(by).map(|person| person.organisation.clone());
    let home = body.clone().unwrap_or_else(|| OrganisationId::new(GATEWAY_LOG));
    let parts = parts(shared, by, &home, act)?;
    let mut fields = parts.fields;
    fields.text("act", parts.name);
    fields.text("by", &shared.names.pseudonym(by));
    let payload = entry::Payload {
        author: Some(by.as_str().to_owned()),
        reason: parts.reason,
        links: parts.links,
        ..entry::Payload::default()
    };
    let sealed = Some(payload.seal(&shared.keyring, &mut fields)?);
    let mut conditions = vec![Condition::WorksFor(by.clone(), home)];
    conditions.extend(parts.conditions);
    let fields = Arc::new(fields);
    let ending = |result: &str| {
        let mut more = Fields::default();
        more.text("result", result);
        Draft { kind: "act", fields: Arc::clone(&fields), more, sealed: sealed.clone() }
    };
    Ok(Unit {
        log: shared.log_of(body.as_ref()),
        conditions,
        changes: parts.changes,
        entry: ending("done"),
        entry_if_refused: Some(ending("refused")),
        deadline: None,
        lingers: false,
    })
}

fn parts(shared: &Shared, by: &PersonId, body: &OrganisationId, act: Act) -> Result<Parts, LedgerDown> {
    let now = shared.now();
    Ok(match act {
        Act::Deposit(approval) => deposit(shared, approval, body, now),
        Act::Revoke(id) => Parts::new("revoke")
            .text("approval", id.as_str())
            .with(Condition::ApprovalRevocable(id.clone(), body.clone()))
            .doing(Change::Revoke(id)),
        Act::ApproveTicket { ticket, approval, expires, max_uses, remarks, links } => {
            approve(shared, by, body, &ticket, (approval, expires, max_uses, remarks))?.saw(links.as_deref())
        }
        Act::ReleaseTicket(ticket) => release::release(shared, by, body, &ticket)?,
        Act::ReturnTicket { ticket, reason } => settle("return-ticket", ticket, TicketState::Returned, body, &reason),
        Act::RejectTicket { ticket, reason } => settle("reject-ticket", ticket, TicketState::Rejected, body, &reason),
        Act::Declare(emergency) => declare(shared, by, body, emergency, now),
        Act::EndEmergency(id) => Parts::new("end-emergency")
            .text("emergency", id.as_str())
            .with(Condition::MayDeclare(by.clone(), body.clone()))
            .with(Condition::EmergencyRunning(id.clone(), body.clone()))
            .doing(Change::EndEmergency(id)),
        Act::Report { id, text } => Parts::new("report")
            .text("after_report", id.as_str())
            .because(&text)
            .must(!text.trim().is_empty(), "report-empty")
            .with(Condition::ReportOwed(id.clone(), body.clone()))
            .doing(Change::MakeReport(id)),
        Act::RecordByHand { of, account, link } => Parts::new("record-by-hand")
            .text("account", account.as_str())
            .text("of", &of.to_string())
            .text("link", &link)
            .with(Condition::AccountOf(account, body.clone())),
        Act::LockAccount { account, reason, leak } => lock(body, account, &reason, leak),
        Act::UnlockAccount { account, reason } => of_account("unlock-account", &account, body, &reason)
            .with(Condition::Manages(by.clone(), account.clone()))
            .with(Condition::AccountIn(account.clone(), AccountState::Suspended))
            .doing(Change::AccountState(account, AccountState::Active)),
        Act::SetCredential { credential, rotate } => set_credential(by, body, credential, rotate),
        Act::Embargo(new) => closed::add(by, body, *new, now),
        Act::LiftEmbargo { id, reason } => closed::lift(by, body, id, &reason),
        Act::AcceptFindings { ticket, findings, reason } => {
            closed::accept(shared, by, body, &ticket, &findings, &reason)?
        }
        Act::LockCredential { account, reason } => of_account("lock-credential", &account, body, &reason)
            .with(Condition::CredentialHeld(account.clone()))
            .doing(Change::LockCredential(account)),
        Act::Incident { id, step } => incidents::step(shared, by, body, id, step)?,
        Act::DeclareFlame { account, until, reason } => incidents::flame(by, body, account, until, &reason, now),
        Act::EndFlame { account, reason } => incidents::end_flame(by, body, account, &reason),
        Act::ImportClients(clients) => import(by, body, clients),
        // It is heard before it becomes a unit; nobody may slip past the hearing.
        Act::Registry(asked) => Parts::new(asked.name()).must(false, "registry-unheard"),
    })
}

/// Posting tools of the body, by the manager of every account that they may use.
fn import(by: &PersonId, body: &OrganisationId, clients: Vec<Client>) -> Parts {
    let ids: Vec<&str> = clients.iter().map(|client| client.id.as_str()).collect();
    let mut parts = Parts::new("import-clients").text("clients", &ids.join(" "));
    for client in clients {
        parts = parts.must(client.organisation == *body, "client-elsewhere");
        for account in &client.accounts {
            parts = parts
                .with(Condition::AccountOf(account.clone(), body.clone()))
                .with(Condition::Manages(by.clone(), account.clone()));
        }
        parts = parts
            .with(Condition::WorksFor(client.owner.clone(), body.clone()))
            .with(Condition::ClientAbsent(client.id.clone(), client.key_sha256.clone()))
            .doing(Change::Client(Box::new(client)));
    }
    parts
}

/// An act on an account of the body, with a reason.
fn of_account(name: &'static str, account: &AccountId, body: &OrganisationId, reason: &str) -> Parts {
    Parts::new(name)
        .text("account", account.as_str())
        .because(reason)
        .must(!reason.trim().is_empty(), "reason-missing")
        .with(Condition::AccountOf(account.clone(), body.clone()))
}

fn lock(body: &OrganisationId, account: AccountId, reason: &str, leak: bool) -> Parts {
    let mut parts = of_account("lock-account", &account, body, reason)
        .with(Condition::AccountIn(account.clone(), AccountState::Active))
        .doing(Change::AccountState(account.clone(), AccountState::Suspended));
    if leak {
        parts.fields.value("leak", &serde_json::Value::Bool(true));
        parts = parts.doing(Change::LockCredential(account));
    }
    parts
}

/// The entry names the kind and the date, and nothing by which the credential could be known.
fn set_credential(by: &PersonId, body: &OrganisationId, new: Box<SealedCredential>, rotate: bool) -> Parts {
    let account = new.account.clone();
    let parts = if rotate {
        Parts::new("rotate-credential").with(Condition::CredentialHeld(account.clone()))
    } else {
        Parts::new("set-credential").with(Condition::CredentialAbsent(account.clone()))
    };
    parts
        .text("account", account.as_str())
        .text("credential_kind", &new.kind)
        .text("rotate_by", &new.rotate_by.to_string())
        .with(Condition::AccountOf(account.clone(), body.clone()))
        .with(Condition::MayHold(by.clone(), account))
        .doing(Change::Credential(new))
}

fn deposit(shared: &Shared, approval: Approval, body: &OrganisationId, now: Timestamp) -> Parts {
    let window = approval.expires > now && approval.expires > approval.not_before && approval.max_uses > 0;
    Parts::new("deposit-approval")
        .text("account", approval.account.as_str())
        .text("approval", approval.id.as_str())
        .text("approver", &shared.names.pseudonym(&approval.approver))
        .text("digest", &approval.digest.to_string())
        .must(window, "approval-window")
        .remarked(&approval.remarks)
        .with(Condition::AccountOf(approval.account.clone(), body.clone()))
        .with(Condition::ApprovalAbsent(approval.id.clone()))
        .doing(Change::Deposit(Box::new(approval)))
}

fn approve(
    shared: &Shared,
    by: &PersonId,
    body: &OrganisationId,
    id: &TicketId,
    (approval, expires, max_uses, remarks): (ApprovalId, Timestamp, u32, Remarks),
) -> Result<Parts, LedgerDown> {
    let now = shared.now();
    let mut parts = Parts::new("approve-ticket")
        .text("approval", approval.as_str())
        .text("ticket", id.as_str())
        .with(Condition::TicketWaiting(id.clone(), body.clone()))
        .must(expires > now && max_uses > 0, "approval-window")
        .remarked(&remarks);
    let Some(ticket) = shared.store.reads().ticket(id)? else {
        return Ok(parts.must(false, "ticket-not-waiting"));
    };
    // The approver sees the post by this payload and no other; unreadable, and nobody can have seen it (C4).
    if super::held::held(shared, id)?.is_none() {
        return Ok(parts.must(false, "post-unreadable"));
    }
    let Ticket { client, author, account, action, digest, .. } = ticket;
    parts.fields.text("account", account.as_str());
    parts.fields.text("digest", &digest.to_string());
    let (settle, once_each) = settled_by(shared, by, id, &account, &digest, now);
    parts.conditions.extend(once_each);
    Ok(parts
        .with(Condition::NotAuthor { person: by.clone(), author, client, account: account.clone() })
        .with(Condition::ApprovalAbsent(approval.clone()))
        .doing(Change::Deposit(Box::new(Approval {
            id: approval,
            account,
            actions: vec![action],
            digest,
            not_before: now,
            expires,
            max_uses,
            approver: by.clone(),
            issuer: shared.config.origin.clone(),
            category: None,
            reference: Some(id.as_str().to_owned()),
            remarks,
        })))
        .doing(settle))
}

/// How an approval settles a ticket: at once, or, where the account asks for a joint one, with the second person's.
fn settled_by(
    shared: &Shared,
    by: &PersonId,
    id: &TicketId,
    account: &AccountId,
    digest: &Digest,
    now: Timestamp,
) -> (Change, Option<Condition>) {
    let asks = |it: &Account| it.trouble.is_aflame(now) || it.operating_policy.as_ref().is_some_and(|it| it.joint);
    if !shared.store.reads().registry().account(account).is_some_and(|it| asks(&it)) {
        return (Change::Settle(id.clone(), TicketState::Approved), None);
    }
    let once_each = Condition::NotApprovedBy(by.clone(), account.clone(), *digest);
    (Change::SettleJointly(id.clone(), 2), Some(once_each))
}

fn settle(name: &'static str, id: TicketId, state: TicketState, body: &OrganisationId, reason: &str) -> Parts {
    Parts::new(name)
        .text("ticket", id.as_str())
        .because(reason)
        .with(Condition::TicketWaiting(id.clone(), body.clone()))
        .doing(Change::Settle(id, state))
}

fn declare(shared: &Shared, by: &PersonId, body: &OrganisationId, mut new: Emergency, now: Timestamp) -> Parts {
    let longest = SignedDuration::from_secs(i64::try_from(shared.emergency.max_s).unwrap_or(i64::MAX));
    let lasts = new.until.duration_since(now);
    // A declaration cannot begin before it is made, nor be over when it is made.
    new.declared = now;
    new.ended = None;
    let accounts: Vec<&str> = new.accounts.iter().map(AccountId::as_str).take(60).collect();
    let listed = serde_json::json!(accounts);
    let mut parts = Parts::new("declare-emergency")
        .text("emergency", new.id.as_str())
        .text("until", &new.until.to_string())
        .because(&new.reason)
        .must(new.declared_by == *by && new.organisation == *body, "emergency-declarer")
        .must(!new.reason.trim().is_empty(), "emergency-without-reason")
        .must(!new.accounts.is_empty(), "emergency-without-accounts")
        .must(lasts > SignedDuration::ZERO && lasts <= longest, "emergency-end")
        .with(Condition::MayDeclare(by.clone(), body.clone()));
    parts.fields.value("accounts", &listed);
    if new.drill {
        parts.fields.value("drill", &serde_json::Value::Bool(true));
    }
    for account in &new.accounts {
        parts.conditions.push(Condition::AccountOf(account.clone(), body.clone()));
    }
    parts.doing(Change::Declare(Box::new(new)))
}
