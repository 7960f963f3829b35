//! Publishing in two requests: what a container holds was judged when it was made; its publication is held against that.

use jiff::SignedDuration;

use crate::domain::account::Account;
use crate::domain::approval::Pass;
use crate::domain::clock::{end_of_day_in_japan, in_japan};
use crate::domain::container::{Container, ContainerStep, KnownContainer};
use crate::domain::decision::Refusal;
use crate::domain::digest::Digest;
use crate::domain::exemption::Exemption;
use crate::domain::ports::MediaBook;
use crate::extract::{self, Extracted};
use crate::ledger::refusals;
use crate::recognise::Recognised;

/// The container that the request publishes: made through this gateway, for this account, alive, not published yet.
/// The store reads it again in the transaction that enters the publication.
///
/// # Errors
/// Refusals `container-changed`, `unknown-container`, `foreign-container`, `container-part`, `container-expired`, `container-published`.
pub fn followed(
    extracted: &mut Extracted,
    recognised: &Recognised,
    account: &Account,
    book: &dyn MediaBook,
    now: jiff::Timestamp,
) -> Result<Option<Box<KnownContainer>>, Box<Refusal>> {
    let Some(ContainerStep::Publish(id)) = &extracted.container else { return Ok(None) };
    let post = &extracted.post;
    let more = post.audience.keys().any(|place| place != "means") || post.schedule.is_some() || !post.rest.is_empty();
    if more || !post.fields.is_empty() || !post.references.is_empty() || !extracted.media_ids.is_empty() {
        return Err(Box::new(refusals::of_code("container-changed")));
    }
    let found = book.container(&recognised.provider.id, id).map_err(|_| Box::new(super::sentence::ledger_down()))?;
    let code = match &found {
        None => "unknown-container",
        Some(known) if known.container.account != account.id => "foreign-container",
        Some(known) if known.container.is_part() => "container-part",
        Some(known) if known.published => "container-published",
        Some(known) if now >= known.container.expires => "container-expired",
        Some(known) => {
            extracted.action = known.container.action;
            return Ok(Some(Box::new(known.clone())));
        }
    };
    Err(Box::new(refusals::of_code(code)))
}

/// What is to be remembered if the provider makes the container; its id is in the answer.
pub fn made(
    extracted: &Extracted,
    recognised: &Recognised,
    account: &Account,
    digest: Digest,
    pass: &Pass,
    now: jiff::Timestamp,
) -> Option<Box<Container>> {
    let Some(ContainerStep::Make { hours }) = extracted.container else { return None };
    let mut made = Container {
        provider: recognised.provider.id.clone(),
        id: String::new(),
        account: account.id.clone(),
        action: extracted.action,
        digest,
        made: now,
        expires: now + SignedDuration::from_hours(hours.into()),
        emergency: match pass {
            Pass::Exempt(Exemption::Emergency { emergency, .. }) => Some(emergency.clone()),
            _ => None,
        },
        part: None,
    };
    // What nobody approved passes while the account is only observed; so does its publication.
    if let (Pass::None, Some(observe), false) = (pass, account.observe, made.is_part())
        && observe.covers(in_japan(now).date())
        && let Some(ends) = end_of_day_in_japan(observe.until)
    {
        made.expires = made.expires.min(ends);
    }
    if made.is_part() {
        made.part = Some(extract::parts::written(&extracted.post, extracted.by_url));
    }
    Some(Box::new(made))
}
