//! What runs under a declaration of emergency without being a post of it.

use crate::domain::action::Action;
use crate::domain::approval::Pass;
use crate::domain::dossier::Dossier;
use crate::domain::emergency::Emergency;
use crate::domain::exemption::Exemption;

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

/// Whether a request runs under a declaration that is no drill.
pub(super) fn is_urgent(dossier: &Dossier) -> bool {
    match &dossier.pass {
        Some(Pass::Exempt(Exemption::Emergency { drill, .. })) => !drill,
        _ => dossier.emergency.is_some(),
    }
}
