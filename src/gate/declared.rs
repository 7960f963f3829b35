//! What runs under a declaration of emergency without being a post of it, and what the posting tool declares.

use http::HeaderMap;

use crate::domain::action::Action;
use crate::domain::approval::Pass;
use crate::domain::decision::Refusal;
use crate::domain::dossier::Dossier;
use crate::domain::emergency::Emergency;
use crate::domain::exemption::Exemption;
use crate::domain::incident::IncidentId;
use crate::domain::remarks::Declaration;

/// What an upload or a read shows at the emergency endpoint: nothing, since it needs no approval; its entry names the
/// declaration it runs under. An upload of a drill shows the drill, which the guideline refuses: nothing of a drill
/// reaches a provider.
pub(super) fn under(open: Option<Emergency>, action: Action, dossier: &mut Dossier) -> Pass {
    let Some(open) = open else { return Pass::None };
    dossier.emergency = Some(open.id.clone());
    if open.drill && action == Action::Upload {
        return Pass::Exempt(Exemption::Emergency { emergency: open.id, drill: true });
    }
    Pass::None
}

/// What the posting tool declares: `Sekisho-Consent: people, place`.
///
/// # Errors
/// Refusal `consent-unknown` for any other word.
fn declares(list: Option<&str>) -> Result<Vec<Declaration>, Box<Refusal>> {
    let Some(list) = list else { return Ok(Vec::new()) };
    Declaration::listed(list).ok_or_else(|| {
        Box::new(
            Refusal::refused(
                "consent-unknown",
                "確認済みの宣言（Sekisho-Consent）に、関所の知らない言葉があります。",
                "Sekisho-Consent holds a word that is no declaration.",
                "people（写っている人の承諾）、place（撮影場所の許可）、location（位置情報）、third-party（第三者のページ）、no-endorsement（推奨と読めないこと）から選び、コンマで区切って指定してください。",
            )
            .status(400),
        )
    })
}

/// What the client says of the request beside it: for what kind of information and why, which incident it puts right,
/// and what it declares.
pub(super) fn said(headers: &HeaderMap, dossier: &mut Dossier) -> Result<(), Box<Refusal>> {
    dossier.category = super::header(headers, "sekisho-category")?.map(str::to_owned);
    dossier.reason = super::header(headers, "sekisho-reason")?.map(str::to_owned);
    dossier.corrects = super::header(headers, "sekisho-corrects")?.map(IncidentId::new);
    dossier.declares = declares(super::header(headers, "sekisho-consent")?)?;
    Ok(())
}

/// Whether a request runs under a declaration that is no drill.
pub(super) fn is_urgent(dossier: &Dossier) -> bool {
    match &dossier.pass {
        Some(Pass::Exempt(Exemption::Emergency { drill, .. })) => !drill,
        _ => dossier.emergency.is_some(),
    }
}
