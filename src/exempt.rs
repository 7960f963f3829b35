//! Exemptions (ただし書): claims a request makes, with their evidence.

use jiff::Timestamp;

use crate::domain::account::Account;
use crate::domain::decision::Refusal;
use crate::domain::exemption::Exemption;
use crate::domain::ports::Emergencies;
use crate::domain::post::Post;

/// What a request claims by door and header.
#[derive(Clone, Copy, Debug, Default)]
pub struct Claim<'a> {
    /// It came by the emergency endpoint, or carries `Sekisho-Emergency`.
    pub emergency: bool,
    /// `Sekisho-Exemption`: `weather-event`, `operating-policy`.
    pub exemption: Option<&'a str>,
    /// `Sekisho-Category`.
    pub category: Option<&'a str>,
}

/// The templates of 練馬 第11条第2号.
pub struct Templates {}

impl Templates {
    /// Reads the templates.
    pub fn load(config: &crate::config::guideline::Guideline) -> Result<Self, Vec<crate::config::Problem>> {
        let _ = config;
        todo!("helper D")
    }
}

/// The exemption that the claim amounts to; none: nothing was claimed. A claim that cannot hold is refused with its
/// reason (no open emergency, unknown template), so that the caller learns it.
pub fn exemption(
    claim: Claim<'_>,
    account: &Account,
    post: &Post,
    templates: &Templates,
    emergencies: &dyn Emergencies,
    now: Timestamp,
) -> Result<Option<Exemption>, Refusal> {
    let _ = (claim, account, post, templates, emergencies, now);
    todo!("helper D")
}
