//! `approval issue` and `approval verify`.

use std::time::Duration;

use serde_json::json;

use super::args::{ApprovalCommand, Issue};
use super::{Commands, Exit, Io, request, with};
use crate::approve::signed::{Issuers, Statement};
use crate::config::Config;
use crate::domain::account::AccountId;
use crate::domain::action::Action;
use crate::domain::approval::{Approval, ApprovalId};
use crate::domain::clause::Clause;
use crate::domain::digest::Digest;
use crate::domain::person::PersonId;
use crate::domain::remarks::Remarks;

/// What `issue` was asked for, but the post.
struct Asked {
    approver: String,
    account: Option<String>,
    expires: Duration,
    max_uses: u32,
    category: Option<String>,
    basis: Option<String>,
    reference: Option<String>,
    remarks: Remarks,
}

pub(super) fn run(command: ApprovalCommand, commands: &dyn Commands, io: &mut Io<'_>) -> Exit {
    match command {
        ApprovalCommand::Issue(told) => with(&told.config.files.clone(), io, |config, io| {
            let Issue { approver, account, expires, max_uses, action, digest, category, basis, reference, .. } = *told;
            let sets_aside = told.set_aside.into_iter().map(Clause::new).collect();
            let remarks = Remarks { reason: told.reason, sets_aside, declares: told.declares, source: told.source };
            let asked = Asked { approver, account, expires, max_uses, category, basis, reference, remarks };
            let post = match digest {
                Some(digest) => Ok((action.unwrap_or(Action::Publish), None, digest)),
                None => from_input(&config, action, commands, io),
            };
            match post {
                Ok((action, account, digest)) => issue(&config, asked, action, account, digest, io),
                Err((exit, reason)) => {
                    io.complain(reason);
                    exit
                }
            }
        }),
        ApprovalCommand::Verify { config, jws } => with(&config.files, io, |config, io| verify(&config, jws, io)),
    }
}

type Post = (Action, Option<AccountId>, Digest);

fn from_input(
    config: &Config,
    action: Option<Action>,
    commands: &dyn Commands,
    io: &mut Io<'_>,
) -> Result<Post, (Exit, String)> {
    let request = request::read(io).map_err(|reason| (Exit::Usage, reason))?;
    request.body().map_err(|reason| (Exit::Usage, reason))?;
    let digested = commands.digest(config, &request).map_err(|reason| (Exit::Refused, reason))?;
    if let Some(action) = action
        && action != digested.action
    {
        return Err((Exit::Usage, format!("the request is `{}`, not `{action}`", digested.action)));
    }
    Ok((digested.action, digested.account, digested.digest))
}

fn issue(
    config: &Config,
    asked: Asked,
    action: Action,
    account: Option<AccountId>,
    digest: Digest,
    io: &mut Io<'_>,
) -> Exit {
    let Some(account) = asked.account.map(AccountId::new).or(account) else {
        io.complain("the request does not say which account it is for; name it with --account");
        return Exit::Usage;
    };
    // The registry may have grown since the first load, so an unknown name is a warning; the gateway decides.
    if !config.people.iter().any(|person| person.id.as_str() == asked.approver) {
        io.complain(format_args!("warning: no person of the configuration has the id `{}`", asked.approver));
    }
    if !config.accounts.iter().any(|it| it.id == account) {
        io.complain(format_args!("warning: no account of the configuration has the id `{account}`"));
    }
    let issuers = match Issuers::open(&config.approve) {
        Ok(issuers) => issuers,
        Err(problem) => {
            io.complain(problem);
            return Exit::CannotRun;
        }
    };
    let now = io.clock.now();
    let Ok(expires) = now.checked_add(asked.expires) else {
        io.complain("the end of the approval lies too far ahead");
        return Exit::Usage;
    };
    let approval = Approval {
        id: ApprovalId::new(io.chance.id(now)),
        account,
        actions: vec![action],
        digest,
        not_before: now,
        expires,
        max_uses: asked.max_uses,
        approver: PersonId::new(asked.approver),
        issuer: config.approve.issuer.clone(),
        category: asked.category,
        reference: asked.reference,
        remarks: asked.remarks,
    };
    match issuers.issue(&Statement { approval, basis: asked.basis }, now) {
        Ok(signed) => {
            io.say(signed);
            Exit::Done
        }
        Err(error) => {
            io.complain(error);
            Exit::Refused
        }
    }
}

fn verify(config: &Config, jws: Option<String>, io: &mut Io<'_>) -> Exit {
    let signed = match jws {
        Some(signed) => signed,
        None => {
            let mut text = String::new();
            let mut bounded = std::io::Read::take(&mut *io.input, 64 * 1024);
            if let Err(error) = std::io::Read::read_to_string(&mut bounded, &mut text) {
                io.complain(format_args!("standard input: {error}"));
                return Exit::Usage;
            }
            text.trim().to_owned()
        }
    };
    let issuers = match Issuers::open(&config.approve) {
        Ok(issuers) => issuers,
        Err(problem) => {
            io.complain(problem);
            return Exit::CannotRun;
        }
    };
    let checked = issuers.verify(&signed).and_then(|claims| {
        let approval = claims.approval();
        approval.map_or(Ok(()), |approval| crate::approve::in_window(&approval, io.clock.now())).map(|()| claims)
    });
    match checked {
        Ok(claims) => {
            io.say(json!(*claims));
            Exit::Done
        }
        Err(refusal) => {
            io.complain(format_args!("{}: {}", refusal.code, refusal.message()));
            Exit::Refused
        }
    }
}
